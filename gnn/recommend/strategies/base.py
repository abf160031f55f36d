"""Strategies: where the scores of a list come from, and what is told of each item.

personal    the sum over paths from everything the shopper did
session     the same, from the events of the last session alone
buy_again   the shopper's own purchases
popular, trending, new     counts over all shoppers
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.events.timing import CLOCK_FROM, check_clock
from gnn.explain.explainer import Explainer
from gnn.explain.messages.message import Text
from gnn.explain.reasons import Reason
from gnn.graph.walks import FloatArray
from gnn.live.overlay import Overlay
from gnn.model.history import History
from gnn.model.scorer import score
from gnn.recommend.pruned_top_k import PrunedScorer
from gnn.recommend.query import BUY_AGAIN, NEW, PERSONAL, POPULAR, SESSION, STRATEGIES, TRENDING, RecQuery
from gnn.recommend.ranking import Exclusion
from gnn.recommend.strategies.buy_again import BuyAgain
from gnn.recommend.strategies.popularity import Popularity
from gnn.users.events import weighted
from gnn.users.users import User
from kg.errors import InputError

Head = Callable[[Sequence[Exclusion], int, npt.NDArray[np.int64]], FloatArray]
"""From what is barred, how many of the best are wanted, and items that are wanted in any case, to scores [n_items]; see
`gnn.recommend.pruned_top_k`."""

Ahead = Callable[[Sequence[Exclusion], int, float, npt.NDArray[np.int64]], FloatArray]
"""From what is barred, an item, what its score is multiplied with, and items that are wanted in any case, to scores [n_items]."""


@dataclass(frozen=True, slots=True)
class Scored:
    """All items scored.

    Attributes:
        strategy: What was used: popular where a shopper has no history to start from.
        scores: [n_items].
        history: The scores are the sum over paths from it; None where `sentence` is the whole reason.
        explainer: Enumerates those paths.
        sentence: item_num → the one reason of an item.
        reason: item_num → that reason with what is behind it, where there is more than the sentence.
        head: Scores only what can be in the list, in place of `scores`; None where those are at hand.
        ahead: Scores only what can be ahead of an item; None with `head`.
    """

    strategy: str
    _scores: FloatArray | Callable[[], FloatArray]
    history: History | None = None
    explainer: Explainer | None = None
    sentence: Callable[[int], Text] | None = None
    head: Head | None = None
    reason: Callable[[int], Reason] | None = None
    ahead: Ahead | None = None

    @property
    def scores(self) -> FloatArray:
        """Scores of all items."""
        return self._scores() if callable(self._scores) else self._scores


class Strategies:
    """The strategies over one build.

    Args:
        artifact: The build.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._explainer = Explainer(artifact)
        self._overlay: Overlay | None = None
        self._heads = PrunedScorer(artifact)
        self.popularity = Popularity(artifact)

    def with_overlay(self, overlay: Overlay, current: Artifact) -> Strategies:
        """Return the same over the build and what changed since.

        Args:
            overlay: What changed.
            current: The build with it.
        """
        other = copy(self)
        other._artifact, other._overlay = current, overlay
        other._explainer = self._explainer.with_overlay(overlay, current)
        other.popularity = Popularity(current)
        return other

    def scored(self, shopper: User, ask: RecQuery) -> Scored:
        """Score all items as a caller asks.

        Raises:
            InputError: There is no such strategy.
        """
        name, popularity = ask.strategy, self.popularity
        if name not in STRATEGIES:
            raise InputError(f"there is no strategy {name[:60]!r}", hint=f"strategies are {', '.join(STRATEGIES)}")
        if name == TRENDING:
            scores = popularity.trending(ask.window_days)
            return Scored(name, scores, sentence=lambda num: popularity.trending_sentence(num, ask.window_days))
        if name == NEW:
            return Scored(name, popularity.newest, sentence=popularity.newest_sentence)
        if name == BUY_AGAIN:
            again = BuyAgain.of(shopper, self._artifact)
            ids, titles = self._artifact.item_ids, self._artifact.titles
            return Scored(name, again.scores, sentence=again.sentence, reason=lambda num: again.reason(num, ids[num], titles[num]))
        history = self.history(shopper, ask) if name in (PERSONAL, SESSION) else None
        if history is None or not len(history.nums):
            return Scored(POPULAR, popularity.scores, sentence=lambda num: popularity.reason(num).message, reason=popularity.reason)
        return replace(self.from_history(history), strategy=name)

    def from_history(self, history: History) -> Scored:
        """Score all items by the whole sum over a history."""
        overlay = None if self._overlay is None or not self._overlay.arrays.items else self._overlay
        scored = Scored(PERSONAL, lambda: self.scores(history), history, self._explainer)
        if not self._heads.applies:
            return scored
        heads = self._heads
        return replace(scored, head=partial(heads.scores, history, overlay=overlay), ahead=partial(heads.scores_from, history, overlay=overlay))

    def history(self, shopper: User, ask: RecQuery) -> History:
        """Return the history that a strategy starts from.

        Raises:
            InputError: A session is asked for where nothing the shopper did has a time, but an order number.
        """
        if ask.strategy != SESSION:
            return shopper.history
        # A row sums up all events of an item; those of the build may lie years back, so fresh events are taken alone where there are any.
        events = shopper.recent if np.isfinite(shopper.recent.times).any() else shopper.events
        if not np.isfinite(events.times).any():
            return shopper.history
        if not np.nanmax(events.times) >= CLOCK_FROM:
            check_clock("order", "a list for the session", "ask for the personal list, or send the events of the session with their times")
        recent = events.chosen(events.times >= np.nanmax(events.times) - ask.session_s)
        return weighted(recent, self._artifact.model.history, shopper.user_id, shopper.edits)

    def scores(self, history: History) -> FloatArray:
        """Score every item for a history.

        Shapes:
            [n_items], float32.
        """
        if self._overlay is not None:
            return self._overlay.scores(history)
        scores: FloatArray = score(history.row(self._artifact.n_items), self._artifact.neighbours, self._artifact.model)[0]
        return scores
