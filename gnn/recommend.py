"""Recommendations from a published artifact: one code path for one shopper, an ad-hoc history, and everybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import scipy.sparse as sp

from gnn.answers import PERSONAL, POPULAR, Ask, Recommendation, Recommendations
from gnn.artifact import Artifact
from gnn.history import DISLIKED, Event
from gnn.paths import Explainer, Explanation, History, Reason
from gnn.popularity import Popular
from gnn.ranking import Bar, Candidates, Place, best, placed
from gnn.scorer import score
from gnn.shoppers import Shopper, Shoppers
from gnn.walks import FloatArray
from kg.errors import InputError, NotFoundError
from kg.events import FreshEvent

_BATCH_CELLS = 20_000_000
_LIMITS = {"brief": (3, 1), "full": (8, 5)}
"""Reasons per item and paths per reason that a list shows."""


class Recommender:
    """Answers from one artifact.

    Args:
        artifact: The build.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.shoppers = Shoppers(artifact)
        self._explainer = Explainer(artifact)
        self._popular = Popular.of(artifact)
        self._unavailable = Bar("not available", np.flatnonzero(~artifact.available))

    def recommend(
        self,
        user_id: str,
        k: int = 10,
        *,
        fresh: Sequence[FreshEvent] = (),
        exclude_seen: bool = True,
        explain: bool = True,
        show_ids: bool = False,
    ) -> Recommendations:
        """Recommend items to a user.

        Args:
            user_id: Who; somebody unknown, or known without a history, gets popular items.
            k: How many.
            fresh: What the ledger has taken in since the build; joined with the history that the build knows.
            exclude_seen: Leave out what is in the history.
            explain: Give reasons.
            show_ids: Name the other shoppers on paths; only for those who may read the graph.
        """
        ask = Ask(k=k, explain="full" if explain else "none", exclude_seen=exclude_seen, show_ids=show_ids)
        return self.answer(self.shoppers.shopper(user_id, fresh), ask)

    def recommend_history(self, events: Sequence[tuple[str, str, float | None]], k: int = 10, *, explain: bool = True) -> Recommendations:
        """Recommend items to somebody of whom only these events are known.

        Args:
            events: (item_id, kind, time).
            k: How many.
            explain: Give reasons.

        Raises:
            NotFoundError: An item is unknown.
        """
        return self.answer(self.ad_hoc(events), Ask(k=k, explain="full" if explain else "none"))

    def ad_hoc(self, events: Sequence[tuple[str, str, float | None]]) -> Shopper:
        """Return somebody of whom only these (item_id, kind, time) events are known.

        Raises:
            NotFoundError: An item is unknown.
        """
        for item_id, _, _ in events:
            self.item_num(item_id)
        rows = [FreshEvent(n, "", item_id, kind, np.nan if time is None else time) for n, (item_id, kind, time) in enumerate(events, start=1)]
        return self.shoppers.ad_hoc(rows)

    def answer(self, shopper: Shopper, ask: Ask) -> Recommendations:
        """Answer what is asked for a shopper.

        Args:
            shopper: With the fresh events, from `shoppers`.
            ask: The caller's wishes.
        """
        strategy = PERSONAL if len(shopper.history.nums) else POPULAR
        candidates = self.candidates(shopper, ask, strategy)
        places = placed(candidates, ask.k, offset=ask.offset)
        items = tuple(self._told(shopper, place, strategy, ask) for place in places)
        return Recommendations(self.artifact.build_id, shopper.user_id, strategy, items, len(shopper.fresh.items))

    def candidates(self, shopper: Shopper, ask: Ask, strategy: str) -> Candidates:
        """Score all items and gather what bars and adjusts them: rules, an overlay of live items and duplicates have their say here."""
        scores = self.scores(shopper.history) if strategy == PERSONAL else self._popular.scores
        return Candidates(scores, self._popular.scores, self.bars(shopper, ask))

    def bars(self, shopper: Shopper, ask: Ask) -> tuple[Bar, ...]:
        """Return what must not be shown to a shopper, whatever it scores."""
        bars = [self._unavailable]
        if ask.exclude_seen:
            bars.append(Bar("already in the history", shopper.events.met()))
        else:
            bars.append(Bar("disliked", shopper.events.items[shopper.events.of_relations([DISLIKED])]))
        return tuple(bars)

    def explain(
        self,
        user_id: str,
        item_id: str,
        *,
        fresh: Sequence[FreshEvent] = (),
        max_reasons: int = 1000,
        max_paths: int = 50,
        show_ids: bool = False,
    ) -> Recommendation:
        """Explain the score of one item for a user, whether it would be recommended or not.

        Raises:
            NotFoundError: The item is unknown, or the user has no history to explain anything from.
        """
        item = self.item_num(item_id)
        history = self.shoppers.shopper(user_id, fresh).history
        if not len(history.nums):
            raise NotFoundError(f"user {user_id!r} has no history", hint="send events of this user, or ask for popular items")
        scores = self.scores(history)
        rank = int((scores > scores[item]).sum() + (scores[:item] == scores[item]).sum()) + 1
        told = self._explainer.explain(history, item, max_reasons=max_reasons, max_paths=max_paths, show_ids=show_ids)
        return Recommendation(item_id, self.artifact.titles[item], rank, told.score, told.remainder, told.reasons, rank)

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
        """Return the item_nums that the user has met in any way but having been shown them."""
        return self.shoppers.shopper(user_id).events.met()

    def history(self, user_id: str) -> History | None:
        """Return the weighted history of a user, or None if the user is unknown to the build."""
        return self.shoppers.shopper(user_id).history if user_id in self.artifact.user_nums else None

    def events(self, user: int) -> list[Event]:
        """Return what a user did according to the build, by user number."""
        return self.shoppers.events(user).rows()

    def all_histories(self) -> sp.csr_matrix:
        """Return c for all users: the same weights as `history`, in one matrix."""
        return self.shoppers.histories()

    def _told(self, shopper: Shopper, place: Place, strategy: str, ask: Ask) -> Recommendation:
        if strategy == POPULAR or place.score <= 0:
            # Where nothing leads from the history to what is left, popular items fill the list, and say so.
            told = self._popular_told(place, place.score if strategy == POPULAR else 0.0)
        elif ask.explain == "none":
            told = Explanation(place.score, (), 1.0, 0)
        else:
            max_reasons, max_paths = _LIMITS[ask.explain]
            told = self._explainer.explain(shopper.history, place.num, max_reasons=max_reasons, max_paths=max_paths, show_ids=ask.show_ids)
        if ask.explain == "none":
            told = Explanation(told.score, (), 1.0, told.n_paths)
        item_id, title = self.artifact.item_ids[place.num], self.artifact.titles[place.num]
        return Recommendation(item_id, title, place.rank, told.score, told.remainder, told.reasons, place.rank_by_score)

    def _popular_told(self, place: Place, score: float) -> Explanation:
        return Explanation(score, (Reason("popular", 1.0, self._popular.sentence(place.num)),), 0.0, 0)

    def _batches(self) -> Iterator[tuple[int, sp.csr_matrix]]:
        histories = self.all_histories()
        size = max(1, _BATCH_CELLS // max(self.artifact.n_items, 1))
        for first in range(0, histories.shape[0], size):
            yield first, histories[first : first + size]

    def _rows(self, user: int, scores: FloatArray, k: int) -> pl.DataFrame:
        user_id = self.artifact.user_ids[user]
        scores = np.array(scores)
        for bar in self.bars(self.shoppers.shopper(user_id), Ask()):
            scores[bar.items] = -np.inf
        chosen = best(scores, self._popular.scores, k)
        return pl.DataFrame(
            {
                "user_id": [user_id] * len(chosen),
                "item_id": [self.artifact.item_ids[num] for num in chosen],
                "rank": np.arange(1, len(chosen) + 1, dtype=np.int64),
                "score": np.maximum(scores[chosen], 0.0).astype(np.float64),
            }
        )


def top(scores: FloatArray, seen: np.ndarray | None, k: int) -> np.ndarray:
    """Return the k best item_nums that are not in `seen`, best first; equal scores by the smaller number."""
    if k < 1:
        raise InputError(f"k is {k}", hint="ask for at least one item")
    candidates = np.array(scores, dtype=np.float32)
    if seen is not None and len(seen):
        candidates[seen] = -np.inf
    return best(candidates, candidates, k)


__all__ = ["Recommendation", "Recommendations", "Recommender", "top"]
