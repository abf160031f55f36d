"""What a strategy is, and what it scores from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from gnn.model.history import History
from gnn.recommend.query import POPULAR, RecQuery
from gnn.recommend.scoring.engine import Scoring
from gnn.recommend.scoring.scored import Scored
from gnn.users.users import User


@dataclass(frozen=True, slots=True)
class Context:
    """What a list is scored from.

    Attributes:
        scoring: The engine of the build, over what changed since.
        user: Whose list it is. Of a list around items: nobody in particular, with these items as the history.
    """

    scoring: Scoring
    user: User

    def path_sum(self, history: History, strategy: str) -> Scored:
        """Score by the sum over paths from a history; popular items where the history is empty.

        Args:
            history: Where the paths start.
            strategy: The name that the list bears.
        """
        return replace(self.scoring.from_history(history), strategy=strategy) if len(history.nums) else self.popular()

    def popular(self) -> Scored:
        """Score by popularity: for lists that have nothing to start from."""
        popularity = self.scoring.popularity
        return Scored(POPULAR, popularity.scores, sentence=lambda num: popularity.reason(num).message, reason=popularity.reason)


@runtime_checkable
class Strategy(Protocol):
    """A way to score all items for a list. A class that names this one as its base inherits the defaults.

    Attributes:
        name: How requests, answers and the command line call it: small letters, digits and _.
        summary: One line for the documentation, OpenAPI and the help of the command line; no full stop.
        anchor: Of a list around items: what these are to the caller, one of `gnn.explain.sentences.ANCHORS`. Empty for the list of a user.
        parameters: Attributes of `RecQuery` that its scores depend on.
        needs_clock: Whether it refuses a shop whose events have no times, or order numbers in their place.
        filled: Whether popular items fill up the list, and pins of business rules hold in it.
        lists_seen: Whether it lists what the user has met, `exclude_seen` or not.
        by_sentence: Whether it explains an item by one sentence, a reason of the kind `name`; otherwise its scores are sums over paths.
        order: Where it stands among the others; equal ones stand by name.
    """

    name: str
    summary: str
    anchor: str = ""
    parameters: tuple[str, ...] = ()
    needs_clock: bool = False
    filled: bool = False
    lists_seen: bool = False
    by_sentence: bool = False
    order: int = 100

    def score(self, context: Context, query: RecQuery) -> Scored:
        """Score all items.

        Args:
            context: For whom, and from what.
            query: What the caller asked for.
        """
        ...
