"""Recommendations from a published artifact: one code path for one shopper, an ad-hoc history, and everybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp

from gnn.artifact import Artifact
from gnn.history import Event, event_weights, weighted
from gnn.paths import Explainer, Explanation, History, Reason
from gnn.scorer import normalised, score
from gnn.walks import FloatArray, largest
from kg import schema
from kg.errors import InputError, NotFoundError
from kg.schema import family

PERSONAL = "personal"
POPULAR = "popular"
_BATCH_CELLS = 20_000_000


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommended item with its reckoning: Σ reasons' shares + remainder = 1."""

    item_id: str
    title: str
    rank: int
    score: float
    remainder: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Recommendations:
    """A ranked list and how it came about."""

    build_id: str
    user_id: str | None
    strategy: str
    items: tuple[Recommendation, ...]


class Recommender:
    """Answers from one artifact.

    Args:
        artifact: The build.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self._explainer = Explainer(artifact)
        self._interactions = [(edge_type[1], edges) for edge_type, edges in artifact.edges.items() if family(edge_type) == "interaction"]

    def recommend(self, user_id: str, k: int = 10, *, exclude_seen: bool = True, explain: bool = True, show_ids: bool = False) -> Recommendations:
        """Recommend items to a user.

        Args:
            user_id: Who; somebody unknown, or known without a history, gets popular items.
            k: How many.
            exclude_seen: Leave out what is in the history.
            explain: Give reasons.
            show_ids: Name the other shoppers on paths; only for those who may read the graph.
        """
        history = self.history(user_id)
        if history is None or not len(history.nums):
            return Recommendations(self.artifact.build_id, user_id, POPULAR, self._popular(k, self.seen(user_id), explain=explain))
        return self._personal(history, k, self.seen(user_id) if exclude_seen else None, explain=explain, show_ids=show_ids)

    def recommend_history(self, events: Sequence[tuple[str, str, float | None]], k: int = 10, *, explain: bool = True) -> Recommendations:
        """Recommend items to somebody of whom only these events are known.

        Args:
            events: (item_id, kind, time).
            k: How many.
            explain: Give reasons.

        Raises:
            NotFoundError: An item is unknown.
        """
        history = self.ad_hoc(events)
        if not len(history.nums):
            return Recommendations(self.artifact.build_id, None, POPULAR, self._popular(k, None, explain=explain))
        return self._personal(history, k, history.nums, explain=explain, show_ids=False)

    def explain(self, user_id: str, item_id: str, *, max_reasons: int = 1000, max_paths: int = 50, show_ids: bool = False) -> Recommendation:
        """Explain the score of one item for a user, whether it would be recommended or not.

        Raises:
            NotFoundError: The item is unknown, or the user has no history to explain anything from.
        """
        item = self.item_num(item_id)
        history = self.history(user_id)
        if history is None or not len(history.nums):
            raise NotFoundError(f"user {user_id!r} has no history", hint="send events of this user, or ask for popular items")
        scores = self.scores(history)
        rank = int((scores > scores[item]).sum() + (scores[:item] == scores[item]).sum()) + 1
        told = self._explainer.explain(history, item, max_reasons=max_reasons, max_paths=max_paths, show_ids=show_ids)
        return _recommendation(item_id, self.artifact.titles[item], rank, told)

    def recommend_all(self, k: int = 10) -> pl.DataFrame:
        """Recommend to everybody who has a history.

        Returns:
            user_id, item_id, rank, score; one row per recommendation, users in order, best first.
        """
        parts = [pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "rank": pl.Int64, "score": pl.Float64})]
        for first, batch in self._batches():
            scores = score(batch, self.artifact.neighbours, self.artifact.model)
            users = [first + int(n) for n in np.flatnonzero(np.diff(batch.indptr))]
            parts += [self._rows(user, scores[user - first], k) for user in users]
        return pl.concat(parts)

    def scores(self, history: History) -> FloatArray:
        """Score every item for a history.

        Shapes:
            [n_items], float32.
        """
        scores: FloatArray = score(history.row(self.artifact.n_items), self.artifact.neighbours, self.artifact.model)[0]
        return scores

    def item_num(self, item_id: str) -> int:
        """Return the position of an item.

        Raises:
            NotFoundError: There is none.
        """
        try:
            return self.artifact.item_nums[item_id]
        except KeyError:
            raise NotFoundError(f"item {item_id!r} does not exist", hint="ids are those of the catalogue of the published build") from None

    def seen(self, user_id: str) -> np.ndarray:
        """Return the item_nums that the user has met in any way."""
        user = self.artifact.user_nums.get(user_id)
        if user is None:
            return np.zeros(0, dtype=np.int64)
        return np.unique(np.concatenate([np.zeros(0, np.int32), *(_slice(edges.forward, user) for _, edges in self._interactions)])).astype(np.int64)

    def history(self, user_id: str) -> History | None:
        """Return the weighted history of a user, or None if the user is unknown."""
        user = self.artifact.user_nums.get(user_id)
        if user is None:
            return None
        return weighted(self.events(user), self.artifact.model.history, user_id)

    def events(self, user: int) -> list[Event]:
        """Return what a user did, by user number."""
        found: list[Event] = []
        for relation, edges in self._interactions:
            bounds = slice(edges.forward.indptr[user], edges.forward.indptr[user + 1])
            columns = (_slice(edges.forward, user), edges.properties["count"][bounds], edges.properties["last_time"][bounds])
            found += [Event(int(item), relation, float(count), float(time)) for item, count, time in zip(*columns, strict=True)]
        return found

    def ad_hoc(self, events: Sequence[tuple[str, str, float | None]]) -> History:
        """Return the weighted history of (item_id, kind, time) events.

        Raises:
            NotFoundError: An item is unknown.
        """
        tally: dict[tuple[int, str], list[float]] = {}
        for item_id, kind, time in events:
            tally.setdefault((self.item_num(item_id), schema.kind_relation(kind)), []).append(np.nan if time is None else time)
        found = []
        for (num, relation), times in sorted(tally.items()):
            last = float(np.max(np.nan_to_num(times, nan=-np.inf)))
            found.append(Event(num, relation, float(len(times)), last if np.isfinite(last) else np.nan))
        return weighted(found, self.artifact.model.history, None)

    def _personal(self, history: History, k: int, seen: np.ndarray | None, *, explain: bool, show_ids: bool) -> Recommendations:
        scores = self.scores(history)
        chosen = top(scores, seen, k)
        items = []
        for rank, num in enumerate(chosen.tolist(), start=1):
            item_id, title = self.artifact.item_ids[num], self.artifact.titles[num]
            if scores[num] <= 0:
                # Nothing leads from the history to what is left: popular items fill the list, and say so.
                items.append(self._popular_item(num, rank, 0.0, explain=explain))
            elif explain:
                items.append(_recommendation(item_id, title, rank, self._explainer.explain(history, num, show_ids=show_ids)))
            else:
                items.append(Recommendation(item_id, title, rank, float(scores[num]), 1.0, ()))
        return Recommendations(self.artifact.build_id, history.user_id, PERSONAL, tuple(items))

    def _popular(self, k: int, seen: np.ndarray | None, *, explain: bool) -> tuple[Recommendation, ...]:
        popularity = self.artifact.popularity
        most = max(float(popularity.max(initial=0.0)), 1.0)
        chosen = top(popularity / most, seen, k).tolist()
        return tuple(self._popular_item(num, rank, float(popularity[num]) / most, explain=explain) for rank, num in enumerate(chosen, start=1))

    def _popular_item(self, num: int, rank: int, score: float, *, explain: bool) -> Recommendation:
        count = int(self.artifact.popularity[num])
        sentence = f"Popular in this shop: chosen by {count:,} shopper{'' if count == 1 else 's'}"
        reasons = (Reason("popular", 1.0, sentence),) if explain else ()
        return Recommendation(self.artifact.item_ids[num], self.artifact.titles[num], rank, score, 0.0 if explain else 1.0, reasons)

    def _batches(self) -> Iterator[tuple[int, sp.csr_matrix]]:
        histories = self.all_histories()
        size = max(1, _BATCH_CELLS // max(self.artifact.n_items, 1))
        for first in range(0, histories.shape[0], size):
            yield first, histories[first : first + size]

    def all_histories(self) -> sp.csr_matrix:
        """Return c for all users: the same weights as `history`, in one matrix."""
        shape = (len(self.artifact.user_ids), self.artifact.n_items)
        weights = self.artifact.model.history
        total = sp.csr_matrix(shape, dtype=np.float64)
        last = np.full(shape[0], -np.inf)
        for _, edges in self._interactions:
            users = np.repeat(np.arange(shape[0]), np.diff(edges.forward.indptr))
            np.maximum.at(last, users, np.nan_to_num(edges.properties["last_time"], nan=-np.inf))
        for relation, edges in self._interactions:
            users = np.repeat(np.arange(shape[0]), np.diff(edges.forward.indptr))
            values = event_weights(relation, edges.properties["count"], edges.properties["last_time"], last[users], weights)
            total = total + sp.csr_matrix((values, edges.forward.indices, edges.forward.indptr), shape=shape)
        total.eliminate_zeros()
        return normalised(sp.csr_matrix(total, dtype=np.float32))

    def _rows(self, user: int, scores: FloatArray, k: int) -> pl.DataFrame:
        user_id = self.artifact.user_ids[user]
        chosen = top(scores, self.seen(user_id), k)
        return pl.DataFrame(
            {
                "user_id": [user_id] * len(chosen),
                "item_id": [self.artifact.item_ids[num] for num in chosen],
                "rank": np.arange(1, len(chosen) + 1, dtype=np.int64),
                "score": scores[chosen].astype(np.float64),
            }
        )


def top(scores: FloatArray, seen: np.ndarray | None, k: int) -> np.ndarray:
    """Return the k best item_nums that are not in `seen`, best first; equal scores by the smaller number."""
    if k < 1:
        raise InputError(f"k is {k}", hint="ask for at least one item")
    candidates = np.array(scores, dtype=np.float32)
    if seen is not None and len(seen):
        candidates[seen] = -np.inf
    chosen = largest(candidates, np.arange(len(candidates), dtype=np.int32), k)
    return chosen[np.isfinite(candidates[chosen])]


def _recommendation(item_id: str, title: str, rank: int, told: Explanation) -> Recommendation:
    return Recommendation(item_id, title, rank, told.score, told.remainder, told.reasons)


def _slice(matrix: sp.csr_matrix, row: int) -> np.ndarray:
    return np.asarray(matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]])
