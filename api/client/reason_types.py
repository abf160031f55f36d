"""Reasons as the client's callers read them, discriminated by `kind`; part of `types`."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict


class PathNode(TypedDict):
    """A node of a path."""

    label: str
    key: NotRequired[dict[str, str] | None]
    title: NotRequired[str | None]
    count: NotRequired[int | None]


class PathEdge(TypedDict):
    """An edge of a path."""

    type: str
    reverse: bool


class GraphPath(TypedDict):
    """One path of the graph."""

    share: float
    nodes: list[PathNode]
    edges: list[PathEdge]
    cypher: NotRequired[str | None]
    parameters: NotRequired[dict[str, str] | None]


class HistoryShare(TypedDict):
    """What one item of the history adds, or one purchase of buy_again."""

    item_id: str
    title: NotRequired[str | None]
    share: float
    time: NotRequired[float | None]


class PathsNotShown(TypedDict):
    """The rest of a reason's paths."""

    count: int
    share: float


class GraphReason(TypedDict):
    """Addends of paths that exist."""

    kind: Literal["graph"]
    share: float
    sentence: str
    relation: NotRequired[str | None]
    paths: NotRequired[list[GraphPath]]
    paths_not_shown: NotRequired[PathsNotShown | None]


class LearnedReason(TypedDict):
    """Addends of the learned part."""

    kind: Literal["learned"]
    share: float
    sentence: str
    history: NotRequired[list[HistoryShare]]


class BuyAgainReason(TypedDict):
    """The purchases of an item that was bought before."""

    kind: Literal["buy_again"]
    share: float
    sentence: str
    history: NotRequired[list[HistoryShare]]
    paths_not_shown: NotRequired[PathsNotShown | None]


class StatementReason(TypedDict):
    """One sentence: `popular`, `trending`, `new`, `catalogue`, `impressions`, `rule`, or of the name of a strategy that the shop installed."""

    kind: str
    share: float
    sentence: str


Reason: TypeAlias = GraphReason | LearnedReason | BuyAgainReason | StatementReason
"""Discriminated by `kind`."""
