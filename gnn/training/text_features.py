"""Item embeddings from texts: what the factorisation would say of an item that has no events yet.

    W = argmin Σ_i |y_i - W x_i|² + λ |W|² ,   e_i = W x_i

over the items that have factors y; x_i is an item's text vector, with a constant beside it. λ is a multiple of the mean squared length of a vector
column, chosen on a tenth of those items. The embeddings of a score are the learned ones with these in the places of items without events, so inner
products, and what each history item adds, stay exact.

Source: a linear map from content to factors, Gantner et al. 2010, doi:10.1109/ICDM.2010.129; ridge regression, Hoerl and Kennard 1970,
doi:10.1080/00401706.1970.10488634.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnn.graph.walks import FloatArray

MIN_ITEMS = 20
"""With factors for fewer items nothing is fitted."""
RIDGES = (0.01, 0.1, 1.0, 10.0, 100.0)
UNKNOWN_SHARE = 0.5
"""Share of the text in the embedding of an item without events whose attributes lead to items with events."""
_BATCH = 100_000

Values = npt.NDArray[np.float64]


def with_texts(embeddings: FloatArray, item_factors: FloatArray, vectors: FloatArray | None, *, known_share: float, seed: int) -> FloatArray:
    """Mix what texts say into item embeddings.

    Args:
        embeddings: The factors, smoothed over the graph, [n_items, d]; a row of zeros: nothing is known of the item.
        item_factors: The factors themselves; a row of zeros: an item without events.
        vectors: Text vectors, [n_items, v]; a row of zeros: an item without text. None where the build has none.
        known_share: Share of the text in the embedding of an item with events.
        seed: Chooses the items that λ is chosen on.

    Shapes:
        → [n_items, d]; `embeddings` itself where there is nothing to fit on.
    """
    if vectors is None or not embeddings.shape[1]:
        return embeddings
    has_text, with_events = np.any(vectors, axis=1), np.any(item_factors, axis=1)
    fitted = np.flatnonzero(has_text & with_events)
    if len(fitted) < MIN_ITEMS:
        return embeddings
    weights = text_map(vectors[fitted], item_factors[fitted], seed=seed)
    share = np.where(with_events, known_share, np.where(np.any(embeddings, axis=1), UNKNOWN_SHARE, 1.0)).astype(np.float32)
    mixed = embeddings.copy()
    changed = np.flatnonzero(has_text & (share > 0))
    for start in range(0, len(changed), _BATCH):
        nums = changed[start : start + _BATCH]
        w = share[nums, None]
        mixed[nums] = (1 - w) * embeddings[nums] + w * (_with_constant(vectors[nums]) @ weights).astype(np.float32)
    return mixed


def text_map(vectors: FloatArray, factors: FloatArray, *, seed: int) -> Values:
    """Fit W.

    Args:
        vectors: x, [n, v].
        factors: y, [n, d].
        seed: Chooses the tenth that λ is chosen on.

    Shapes:
        → [v + 1, d], the last row for the constant.
    """
    late = np.random.default_rng(seed).permutation(len(vectors)) < max(1, len(vectors) // 10)
    x, y = _with_constant(vectors), factors.astype(np.float64)
    gram, moment = x[~late].T @ x[~late], x[~late].T @ y[~late]
    errors = [float(((x[late] @ _solved(gram, moment, ridge) - y[late]) ** 2).sum()) for ridge in RIDGES]
    return _solved(gram + x[late].T @ x[late], moment + x[late].T @ y[late], RIDGES[int(np.argmin(errors))])


def _solved(gram: Values, moment: Values, ridge: float) -> Values:
    penalty: Values = ridge * float(np.trace(gram[:-1, :-1])) / max(len(gram) - 1, 1) * np.eye(len(gram))
    # The constant is not shrunken; the trifle keeps the matrix regular.
    penalty[-1, -1] = 1e-9
    return np.asarray(np.linalg.solve(gram + penalty, moment), dtype=np.float64)


def _with_constant(vectors: FloatArray) -> Values:
    extended: Values = np.hstack([vectors, np.ones((len(vectors), 1))], dtype=np.float64)
    return extended
