"""Measures of ranked lists: full ranking, no sampled negatives.

For a user with test items T and a ranked list of candidates (all items minus the user's training items), hits are counted among the first k:

    recall@k    = hits / |T|
    precision@k = hits / k
    f1@k        = 2 · precision · recall / (precision + recall)
    hit@k       = 1 if hits > 0
    ndcg@k      = Σ_{hit at rank r} 1/log2(r+1)  /  Σ_{r ≤ min(k, |T|)} 1/log2(r+1)
    mrr@k       = 1 / rank of the first hit
    map@k       = Σ_{hit at rank r} precision@r  /  min(k, |T|)

Users without test items are skipped.

Source: Järvelin and Kekäläinen 2002, doi:10.1145/582415.582418 (ndcg); Manning, Raghavan and Schütze 2008, chapter 8 (the others).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.types import BoolArray, Values

IntArray = npt.NDArray[np.int64]

PER_USER = ("recall", "precision", "f1", "hit", "ndcg", "mrr", "map")


def hits_of(ranked: IntArray, relevant: Sequence[IntArray]) -> BoolArray:
    """Mark which ranked items are test items.

    Args:
        ranked: Items by rank, -1 where a list is shorter, [U, K].
        relevant: Test items of each user.

    Shapes:
        → [U, K].
    """
    return np.stack([np.isin(row, items) for row, items in zip(ranked, relevant, strict=True)]) if len(ranked) else np.zeros(ranked.shape, dtype=bool)


def per_user(hits: BoolArray, n_relevant: IntArray, k: int) -> dict[str, Values]:
    """Return every measure at one k, one value per user.

    Two test items, one of them ranked first:

    >>> values = per_user(np.array([[True, False]]), np.array([2]), k=2)
    >>> {name: round(float(values[name][0]), 3) for name in ("recall", "precision", "mrr", "ndcg")}
    {'recall': 0.5, 'precision': 0.5, 'mrr': 1.0, 'ndcg': 0.613}

    Args:
        hits: Which ranks are hits, [U, K] with K ≥ k.
        n_relevant: Number of test items of each user, at least 1, [U].
        k: Cut-off.
    """
    top = hits[:, :k].astype(np.float64)
    found = top.sum(axis=1)
    recall = found / n_relevant
    precision = found / k
    both = precision + recall
    ranks = np.arange(1, top.shape[1] + 1)
    first = np.where(found > 0, top.argmax(axis=1) + 1.0, np.inf)
    ideal = np.minimum(n_relevant, k)
    running = np.cumsum(top, axis=1) / ranks
    return {
        "recall": recall,
        "precision": precision,
        "f1": np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0),
        "hit": (found > 0).astype(np.float64),
        "ndcg": (top / np.log2(ranks + 1)).sum(axis=1) / _ideal_gain(k)[ideal],
        "mrr": 1.0 / first,
        "map": (top * running).sum(axis=1) / ideal,
    }


def _ideal_gain(k: int) -> Values:
    return np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))])


def all_per_user(hits: BoolArray, n_relevant: IntArray, cutoffs: Sequence[int]) -> dict[str, Values]:
    """Return every measure at every cut-off, keyed "recall@10" …"""
    return {f"{name}@{k}": values for k in cutoffs for name, values in per_user(hits, n_relevant, k).items()}


def gini(counts: npt.NDArray[np.int64]) -> float:
    """Return the Gini index of how often each item is recommended: 0 all alike, towards 1 a few items only.

    >>> gini(np.array([5, 5, 5, 5])), gini(np.array([0, 0, 0, 20]))
    (0.0, 0.75)

    Source: Fleder and Hosanagar 2009, doi:10.1287/mnsc.1080.0974.
    """
    total = counts.sum()
    if total == 0 or len(counts) < 2:
        return 0.0
    ordered = np.sort(counts).astype(np.float64)
    n = len(ordered)
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * total))


def beyond_accuracy(ranked: IntArray, popularity: IntArray, k: int) -> dict[str, float]:
    """Describe what is recommended, whatever it hits.

    * coverage: share of all items that somebody is recommended.
    * novelty: mean of -log2(share of the events that the item has), in bits; items without events count as if they had one.
    * gini: concentration of the recommendations.
    * long_tail: share of the recommendations outside the most popular items that make up 80 % of the events.

    Args:
        ranked: Items by rank, -1 where a list is shorter, [U, K].
        popularity: Training events of each item, [n_items].
        k: Cut-off.

    Source: Vargas and Castells 2011, doi:10.1145/2043932.2043955 (novelty).
    """
    shown = ranked[:, :k]
    shown = shown[shown >= 0]
    counts = np.bincount(shown, minlength=len(popularity))
    total = max(int(popularity.sum()), 1)
    surprise = -np.log2(np.maximum(popularity, 1) / total)
    head = pruned_items(popularity)
    return {
        f"coverage@{k}": float((counts > 0).mean()),
        f"novelty@{k}": float(surprise[shown].mean()) if len(shown) else 0.0,
        f"gini@{k}": gini(counts),
        f"long_tail@{k}": float((~head[shown]).mean()) if len(shown) else 0.0,
    }


def intra_list_diversity(ranked: IntArray, features: sp.csr_matrix, k: int, *, max_lists: int = 500, seed: int = 0) -> float:
    """Return the mean of 1 - Jaccard similarity over the pairs of items in each list: 0 for all alike, 1 for nothing in common.

    Args:
        ranked: Items by rank, -1 where a list is shorter, [U, K].
        features: Ones where an item has a value, [n_items, n_values].
        k: Cut-off.
        max_lists: Lists measured; a seeded sample of more.
        seed: Seed of the sample.

    Returns:
        NaN without values or without a list of two items.

    Source: Ziegler et al. 2005, doi:10.1145/1060745.1060754.
    """
    if not features.nnz:
        return float("nan")
    chosen = np.random.default_rng(seed).permutation(len(ranked))[:max_lists]
    found = []
    for row in ranked[np.sort(chosen), :k]:
        items = row[row >= 0]
        if len(items) > 1:
            own = features[items]
            shared = np.asarray((own @ own.T).todense(), dtype=np.float64)
            sizes = shared.diagonal()
            either = sizes[:, None] + sizes[None, :] - shared
            similar = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
            found.append(1 - float(similar[np.triu_indices(len(items), 1)].mean()))
    return float(np.mean(found)) if found else float("nan")


def pruned_items(popularity: IntArray, share: float = 0.8) -> BoolArray:
    """Mark the most popular items that together have `share` of the events.

    >>> pruned_items(np.array([70, 10, 15, 5])).tolist()
    [True, False, True, False]
    """
    order = np.argsort(-popularity, kind="stable")
    before = np.cumsum(popularity[order]) - popularity[order]
    head = np.zeros(len(popularity), dtype=bool)
    head[order] = before < share * popularity.sum()
    return head


def bootstrap_interval(values: Values, *, samples: int, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of a mean over users.

    Source: Efron and Tibshirani 1993, section 13.3.
    """
    if not samples or len(values) < 2:
        return (float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    means = np.empty(samples)
    for start in range(0, samples, 50):
        stop = min(start + 50, samples)
        means[start:stop] = values[rng.integers(0, len(values), (stop - start, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def paired_p_value(first: Values, second: Values, *, samples: int, seed: int) -> float:
    """Return the two-sided p-value of a paired randomisation test on the difference of two means.

    The sign of each user's difference is flipped at random; the p-value is how often the mean difference is at least as large as the one seen.

    Source: Smucker, Allan and Carterette 2007, doi:10.1145/1321440.1321528.
    """
    difference = first - second
    difference = difference[difference != 0]
    if not len(difference) or not samples:
        return 1.0
    rng = np.random.default_rng(seed)
    seen = abs(difference.sum())
    extreme = 0
    for start in range(0, samples, 50):
        signs = rng.integers(0, 2, (min(50, samples - start), len(difference)), dtype=np.int8) * 2.0 - 1.0
        extreme += int((np.abs(signs @ difference) >= seen - 1e-12).sum())
    return (extreme + 1) / (samples + 1)


def means(values: Mapping[str, Values]) -> dict[str, float]:
    """Return the mean over users of every measure."""
    return {name: float(array.mean()) if len(array) else 0.0 for name, array in values.items()}
