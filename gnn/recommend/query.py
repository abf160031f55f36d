"""Queries and their answers: the nouns that strategies, ranking and the doors share."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

from gnn.explain.explainer import Reason
from gnn.explain.messages.languages import english
from gnn.explain.messages.message import Text
from gnn.recommend.filters import Filter
from gnn.recommend.rules.compiled import Effect, Rules
from gnn.users.interests import AppliedEdit

PERSONAL, POPULAR = "personal", "popular"
"""The strategy of a list that names none, and the one of lists that have nothing to start from."""
CATALOGUE = "catalogue"
"""The kind of reason of what fills a list though nobody has chosen it."""
Level = Literal["none", "brief", "full"]


@dataclass(frozen=True, slots=True)
class RecQuery:
    """What a caller asks of a list.

    Attributes:
        k: How many items.
        offset: How many of the ranked list to leave out at its head.
        explain: Reasons with their strongest paths ("full"), the largest reasons with one path each ("brief"), or none.
        strategy: Name of one that is registered with `gnn.recommend.strategies.registry`.
        exclude_seen: Leave out what the shopper has met.
        show_ids: Name the other shoppers on paths; only for those who may read the graph.
        filter: Only items that it lets through.
        diversity: 0 ranks by score alone, 1 by difference from what is ranked above alone.
        caps: (relation, most items of one value in the list), such as ("has_brand", 2).
        rerank: Names of re-rankers beside those that `seed`, `diversity` and `caps` turn on.
        seed: Explore: draw the list among the best, the same for the same seed.
        window_days: Of trending items.
        session_s: A session is what was done within so many seconds before the last event.
        impression_factor: What each ignored impression multiplies the score with; 1 takes nothing off.
        withheld: `item_hash` of items that were on earlier pages.
        rules: Business rules to try out; None applies those of the shop.
    """

    k: int = 10
    offset: int = 0
    explain: Level = "full"
    strategy: str = PERSONAL
    exclude_seen: bool = True
    show_ids: bool = False
    filter: Filter | None = None
    diversity: float = 0.0
    caps: tuple[tuple[str, int], ...] = ()
    rerank: tuple[str, ...] = ()
    seed: int | None = None
    window_days: float = 7.0
    session_s: float = 1_800.0
    impression_factor: float = 0.9
    withheld: frozenset[int] = frozenset()
    rules: Rules | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One recommended item with its reasons: Σ reasons' shares + remainder = 1.

    Attributes:
        item_id: Which item.
        title: Its title.
        rank: From 1.
        score: Sum of the addends of all reasons and the remainder.
        remainder: Share of what is in no listed reason.
        reasons: The largest first.
        rank_by_score: The rank it would have without re-ranking.
        shown_title: Its title, with what differs where another item of the list has the same.
        trend: What the season multiplied every addend with; None where scores know no season.
    """

    item_id: str
    title: str
    rank: int
    score: float
    remainder: float
    reasons: tuple[Reason, ...]
    rank_by_score: int = 0
    shown_title: Text = ""
    trend: float | None = None

    @property
    def display_title(self) -> str:
        """The shown title in English."""
        return english().text(self.shown_title)


@dataclass(frozen=True, slots=True)
class Recommendations:
    """A ranked list and how it came about.

    Attributes:
        build_id: The build that answers.
        user_id: Who; None for an ad-hoc history or for nobody in particular.
        strategy: What the list is: not always what was asked for, as a new shopper gets popular items.
        items: Best first.
        n_fresh: Events since the build that the list counts.
        reranked: Names of what changed the order after scoring ("diversity", "exploration", …).
        rules: What business rules did to the list.
        more: Whether the list goes on.
        interests: What the shopper's edited interests did to the list.
    """

    build_id: str
    user_id: str | None
    strategy: str
    items: tuple[Recommendation, ...]
    n_fresh: int = 0
    reranked: tuple[str, ...] = ()
    rules: tuple[Effect, ...] = ()
    more: bool = False
    interests: tuple[AppliedEdit, ...] = ()


def item_hash(item_id: str) -> int:
    """Return 32 bits that stand for an item in a page token."""
    return zlib.crc32(item_id.encode())
