"""Reasons as values: what an answer shows of one score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gnn.explain.messages.languages import english
from gnn.explain.messages.message import Text

MAX_REASONS = 8
MAX_PATHS = 5
MOST_IN_A_ROW = 2
"""Reasons of one relation that are shown one after another."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a shown path. Hops through other shoppers carry a count instead of a key."""

    label: str
    key: Mapping[str, str] | None = None
    title: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a shown path."""

    type: str
    reverse: bool


@dataclass(frozen=True, slots=True)
class Path:
    """A shown path, or a group of equal paths through other shoppers."""

    share: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """One group of addends.

    Attributes:
        kind: "graph", "learned", "popular" for shoppers of whom nothing is known, "catalogue" for what nobody has chosen.
        share: Sum of its addends / score.
        message: For a person.
        relation: The relation it is about, of graph reasons.
        paths: Its strongest paths.
        n_not_shown: Paths of this group, or purchases, beyond those.
        share_not_shown: Their share.
        history: (item_id, title, share) of learned reasons, strongest first; of buy_again the purchases, the latest first.
        times: When each of those purchases was; NaN where unknown. Empty for learned reasons.
    """

    kind: str
    share: float
    message: Text
    relation: str | None = None
    paths: tuple[Path, ...] = ()
    n_not_shown: int = 0
    share_not_shown: float = 0.0
    history: tuple[tuple[str, str, float], ...] = ()
    times: tuple[float, ...] = ()

    @property
    def about(self) -> str:
        """What tells it from reasons of another sort: its relation, or its kind where it has none."""
        return self.relation or self.kind

    @property
    def sentence(self) -> str:
        """The message in English."""
        return english().text(self.message)


def varied(reasons: Sequence[Reason]) -> list[Reason]:
    """Return reasons with at most `MOST_IN_A_ROW` of one relation in a row, where others that speak for the item are there to stand between.

    Five words that two titles share say less than two of them, a brand and the shoppers who bought both. Otherwise the order stays.

    Args:
        reasons: Largest first; those of another sign than the first count against the item, and are not brought forward.
    """
    left, ordered = list(reasons), list[Reason]()
    while left:
        last = {reason.about for reason in ordered[-MOST_IN_A_ROW:]}
        full = len(ordered) >= MOST_IN_A_ROW and len(last) == 1
        place = next((n for n, reason in enumerate(left) if not (full and reason.about in last) and (not n or _alike(reason, left[0]))), 0)
        ordered.append(left.pop(place))
    return ordered


def _alike(one: Reason, other: Reason) -> bool:
    return one.share * other.share > 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of a score.

    Attributes:
        score: Sum of all addends, in double precision.
        reasons: The largest groups, largest first but for `varied`.
        remainder: Share of the addends in no listed group; 1 for a score of 0, which has no addends.
        n_paths: Graph paths behind the score.
    """

    score: float
    reasons: tuple[Reason, ...]
    remainder: float
    n_paths: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is stated.

    Attributes:
        max_reasons: Groups listed; the others make up the remainder.
        max_paths: Paths listed per group.
        max_history: History items listed with what the learned part gives them.
        min_share: Groups with a smaller part of the score are left out, unless nothing else is.
        show_ids: List the other shoppers on a path one by one; only for those who may read the graph.
        cut_runs: Leave out what would be the third reason of one relation in a row.
    """

    max_reasons: int = MAX_REASONS
    max_paths: int = MAX_PATHS
    max_history: int = MAX_PATHS
    min_share: float = 0.0
    show_ids: bool = False
    cut_runs: bool = False


def worth_listing(reasons: Sequence[Reason], limits: Limits) -> list[bool]:
    """Say which reasons are listed, in the order that `varied` gave them."""
    worth: list[bool] = []
    listed: list[Reason] = []
    for reason in reasons:
        run = limits.cut_runs and len(listed) >= MOST_IN_A_ROW and all(before.about == reason.about for before in listed[-MOST_IN_A_ROW:])
        worth.append(len(listed) < limits.max_reasons and (not listed or abs(reason.share) >= limits.min_share) and not run)
        listed += [reason] if worth[-1] else []
    return worth
