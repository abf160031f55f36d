"""Evaluation: full ranking of all items, by the code that serves.

Candidates of a user are all items except those of the user's training history. Users without test items are skipped. The test part is scored once and
chooses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact
from gnn.config import EvaluateConfig
from gnn.evaluation.baselines import ALS, EASE, EASE_MAX_ITEMS, InSeason, ItemKNN, Popularity, Ranker, RecentPopularity, RP3Beta
from gnn.events.timing import timing_text
from gnn.graph.walks import FloatArray, largest
from gnn.metrics import IntArray, RankedLists, all_per_user, beyond_accuracy, bootstrap_interval, means, paired_p_value
from gnn.metrics.base import table_columns
from gnn.model.scorer import score
from gnn.recommend.recommender import Recommender
from gnn.training.factors import confidence_for
from gnn.types import BoolArray, Values
from kg.schema import family

BASELINES = {
    "popularity": Popularity.name,
    "recent_popularity": RecentPopularity.name,
    "item_knn": ItemKNN.name,
    "rp3beta": RP3Beta.name,
    "ease": EASE.name,
    "ials": ALS.name,
}
"""Baselines as the configuration and as the report calls them."""
_BATCH_CELLS = 10_000_000


class PathSumRanker:
    """The published model: the same artifact and the same scoring function that answer requests.

    Args:
        artifact: A build.
    """

    name = "path sum"

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._histories = Recommender(artifact).all_histories()

    def scores(self, users: np.ndarray) -> FloatArray:
        """Score all items."""
        return score(self._histories[users], self._artifact.neighbours, self._artifact.model)


@dataclass(frozen=True)
class TestUsers:
    """Who is asked and what should be found.

    Attributes:
        users: User numbers, [U].
        relevant: Test items of each.
        seen: Training items of each, which are no candidates.
        features: Ones where an item has an attribute value, [n_items, n_values]; None where there are none.
    """

    users: IntArray
    relevant: tuple[IntArray, ...]
    seen: sp.csr_matrix
    features: sp.csr_matrix | None = None


@dataclass(frozen=True)
class ModelResult:
    """What one model reached.

    Attributes:
        name: The model.
        metrics: Mean over users, keyed "recall@10".
        beyond: Coverage, novelty, Gini, long-tail share and diversity within lists at 10.
        intervals: 95 % bootstrap intervals of the measures that have a column in the report.
        per_user: One value per user, for paired tests.
    """

    name: str
    metrics: Mapping[str, float]
    beyond: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    per_user: Mapping[str, Values] = field(repr=False)


def test_users(artifact: Artifact, pairs: pl.DataFrame, config: EvaluateConfig) -> TestUsers:
    """Collect the users who have test items and a training history.

    Args:
        artifact: The build fitted on the training part; its interactions are the training part.
        pairs: Test pairs (`user_id`, `item_id`).
        config: Its `max_users` and `seed`.
    """
    users, relevant = [], []
    seen = interactions_of(artifact)
    lengths = np.diff(seen.indptr)
    grouped = pairs.group_by("user_id").agg("item_id").sort("user_id")
    for user_id, item_ids in grouped.iter_rows():
        num = artifact.user_nums.get(user_id)
        items = [artifact.item_nums[item_id] for item_id in item_ids if item_id in artifact.item_nums]
        if num is not None and lengths[num] and items:
            users.append(num)
            relevant.append(np.asarray(sorted(items), dtype=np.int64))
    if len(users) > config.max_users:
        chosen = np.sort(np.random.default_rng(config.seed).choice(len(users), config.max_users, replace=False))
        users, relevant = [users[n] for n in chosen], [relevant[n] for n in chosen]
    return TestUsers(np.asarray(users, dtype=np.int64), tuple(relevant), seen, attributes_of(artifact))


test_users.__test__ = False  # type: ignore[attr-defined]  # its name is no pytest test


def interactions_of(artifact: Artifact) -> sp.csr_matrix:
    """Return ones where a user met an item in the artifact's graph.

    Shapes:
        [n_users, n_items], float32.
    """
    total = sp.csr_matrix((len(artifact.user_ids), artifact.n_items), dtype=np.float32)
    for edge_type, edges in artifact.edges.items():
        if edge_type[0] == "user" and edge_type[2] == "item":
            forward = edges.forward
            ones = np.ones(len(forward.indices), dtype=np.float32)
            total = total + sp.csr_matrix((ones, np.array(forward.indices), forward.indptr), shape=forward.shape)
    total.data[:] = 1.0
    return sp.csr_matrix(total)


def attributes_of(artifact: Artifact) -> sp.csr_matrix | None:
    """Return ones where an item has an attribute value, all relations side by side, or None where there are none.

    Shapes:
        [n_items, n_values].
    """
    parts = []
    for edge_type, edges in artifact.edges.items():
        if family(edge_type) == "attribute":
            ones = np.ones(len(edges.forward.indices), dtype=np.float32)
            parts.append(sp.csr_matrix((ones, np.array(edges.forward.indices), edges.forward.indptr), shape=edges.forward.shape))
    return sp.csr_matrix(sp.hstack(parts)) if parts else None


def rank(ranker: Ranker, test: TestUsers, depth: int, progress: Callable[[int, int], None] | None = None) -> IntArray:
    """Rank all candidates for every test user.

    Shapes:
        → [U, depth]; -1 where a list is shorter.
    """
    size = max(1, _BATCH_CELLS // max(test.seen.shape[1], 1))
    lists = [np.zeros((0, depth), dtype=np.int64)]
    for start in range(0, len(test.users), size):
        users = test.users[start : start + size]
        lists.append(rank_scores(ranker.scores(users), test.seen[users], depth))
        if progress:
            progress(min(start + size, len(test.users)), len(test.users))
    return np.concatenate(lists)


def rank_scores(scores: FloatArray, seen: sp.csr_matrix, depth: int) -> IntArray:
    """Rank the candidates of a batch of users; equal scores by the smaller item number.

    Args:
        scores: One row per user, [B, n_items]; overwritten.
        seen: Items that are no candidates, [B, n_items].
        depth: Length of the lists.

    Shapes:
        → [B, depth]; -1 where a list is shorter.
    """
    ranked = np.full((len(scores), depth), -1, dtype=np.int64)
    nums = np.arange(scores.shape[1], dtype=np.int32)
    for row, values in enumerate(scores):
        values[seen.indices[seen.indptr[row] : seen.indptr[row + 1]]] = -np.inf
        best = largest(values, nums, depth)
        best = best[np.isfinite(values[best])]
        ranked[row, : len(best)] = best
    return ranked


def evaluate(
    rankers: Iterable[Ranker], test: TestUsers, config: EvaluateConfig, progress: Callable[[int, int], None] | None = None
) -> list[ModelResult]:
    """Measure models on the same users.

    Args:
        rankers: The models.
        test: Who is asked.
        config: Cut-offs and bootstrap.
        progress: Called with (users done, users in all), per model.
    """
    depth = max(config.cutoffs)
    return [measured(ranker.name, rank(ranker, test, depth, progress), test, config) for ranker in rankers]


def measured(name: str, ranked: IntArray, test: TestUsers, config: EvaluateConfig) -> ModelResult:
    """Measure ranked lists.

    Args:
        name: The model.
        ranked: What `rank` returned, [U, K].
        test: Who was asked.
        config: Cut-offs and bootstrap.
    """
    popularity = np.asarray(test.seen.sum(axis=0)).ravel().astype(np.int64)
    lists = RankedLists(ranked, test.relevant, popularity, test.features, config.seed)
    per_user = all_per_user(lists.hits, lists.n_relevant, config.cutoffs)
    shown = [column for column in table_columns("users") if column in per_user]
    intervals = {column: bootstrap_interval(per_user[column], samples=config.bootstrap, seed=config.seed) for column in shown}
    return ModelResult(name, means(per_user), beyond_accuracy(lists), intervals, per_user)


def baseline_rankers(artifact: Artifact, names: Sequence[str]) -> list[Ranker]:
    """Train the baselines on the interactions of an artifact; those of `skipped_baselines` are left out.

    Args:
        artifact: The build fitted on the training part.
        names: Which, in the names of `EvaluateConfig.baselines`.
    """
    seen = interactions_of(artifact)
    made: dict[str, Callable[[], Ranker]] = {
        "popularity": lambda: Popularity(seen),
        "recent_popularity": lambda: RecentPopularity(last_times_of(artifact)),
        "item_knn": lambda: ItemKNN(seen),
        "rp3beta": lambda: RP3Beta(seen),
        "ease": lambda: EASE(seen),
        "ials": lambda: ALS(seen, confidence=confidence_for(seen)),
    }
    skipped = skipped_baselines(artifact, names)
    rankers = [made[name]() for name in names if name not in skipped]
    season = artifact.model.season
    if season is None:
        return rankers
    factor = artifact.meetings.season(season)
    return [*rankers, *(InSeason(ranker, factor) for ranker in rankers if isinstance(ranker, ALS))]


def skipped_baselines(artifact: Artifact, names: Sequence[str]) -> dict[str, str]:
    """Say which baselines cannot be trained here, and why."""
    reasons: dict[str, str] = {}
    if artifact.n_items > EASE_MAX_ITEMS:
        reasons["ease"] = f"{artifact.n_items:,} items; its dense inverse is affordable up to {EASE_MAX_ITEMS:,}"
    if artifact.timing != "clock":
        reasons["recent_popularity"] = f"it needs times, but {timing_text(artifact.timing)}"
    return {name: reasons[name] for name in names if name in reasons}


def last_times_of(artifact: Artifact) -> sp.csr_matrix:
    """Return when each user last met each item, 0 where that is not known.

    Shapes:
        [n_users, n_items], float64; Unix seconds, or order numbers where the shop has no clock.
    """
    total = sp.csr_matrix((len(artifact.user_ids), artifact.n_items), dtype=np.float64)
    for edge_type, edges in artifact.edges.items():
        if edge_type[0] == "user" and edge_type[2] == "item":
            times = np.nan_to_num(np.asarray(edges.properties["last_time"], dtype=np.float64), nan=0.0)
            total = total.maximum(sp.csr_matrix((times, np.array(edges.forward.indices), edges.forward.indptr), shape=total.shape))
    return sp.csr_matrix(total)


@dataclass(frozen=True)
class Comparison:
    """How a model compares with the first one, user by user.

    Attributes:
        name: The other model.
        measure: Such as "ndcg@10".
        difference: Mean of first minus other.
        p_value: Two-sided, paired randomisation test.
    """

    name: str
    measure: str
    difference: float
    p_value: float


def compare(results: Sequence[ModelResult], config: EvaluateConfig, measure: str = "ndcg@10") -> list[Comparison]:
    """Test the first model against each of the others on the same users."""
    if not results or measure not in results[0].per_user:
        return []
    ours = results[0].per_user[measure]
    return [
        Comparison(
            other.name,
            measure,
            float((ours - other.per_user[measure]).mean()) if len(ours) else 0.0,
            paired_p_value(ours, other.per_user[measure], samples=config.bootstrap, seed=config.seed),
        )
        for other in results[1:]
    ]


def activity_slices(test: TestUsers) -> dict[str, BoolArray]:
    """Cut the test users into thirds by the length of their history.

    Returns:
        Label such as "history 5–12 items" → mask, [U]. Thirds that coincide are merged.
    """
    lengths = np.diff(test.seen.indptr)[test.users]
    if not len(lengths):
        return {}
    edges = np.unique(np.quantile(lengths, [1 / 3, 2 / 3, 1], method="higher"))
    slices, low = {}, int(lengths.min())
    for high in edges.astype(int):
        mask = (lengths >= low) & (lengths <= high)
        if mask.any():
            slices[f"history {low}–{high} items"] = mask
        low = high + 1
    return slices


def age_slices(artifact: Artifact, test: TestUsers) -> dict[str, BoolArray]:
    """Cut the test users by the age of what they should find: the first time anybody met the item.

    Returns:
        Label such as "old items" → mask, [U], by the median age of a user's withheld items; nothing where times are no dates.
    """
    times = last_times_of(artifact)
    if artifact.timing != "clock" or not times.nnz or float(times.data.max()) == float(times.data.min()):
        return {}
    first = np.full(artifact.n_items, np.inf)
    np.minimum.at(first, times.indices, np.where(times.data > 0, times.data, np.inf))
    met = np.asarray([float(np.median(first[items])) for items in test.relevant])
    known = np.isfinite(met)
    if not known.any():
        return {}
    low, high = np.quantile(met[known], [1 / 3, 2 / 3])
    masks = {"old items": known & (met <= low), "items of middle age": known & (met > low) & (met <= high), "new items": known & (met > high)}
    return {label: mask for label, mask in {**masks, "items never met before": ~known}.items() if mask.any()}
