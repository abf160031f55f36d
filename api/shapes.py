"""Answers as the client's callers read them: plain dicts whose members are known to type checkers. A member that is not always there is NotRequired.

The server's own models are the contract; a test compares these with them through the OpenAPI document.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


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


class Reason(TypedDict):
    """One group of addends of a score."""

    kind: str
    share: float
    sentence: str
    relation: NotRequired[str | None]
    paths: NotRequired[list[GraphPath]]
    paths_not_shown: NotRequired[dict[str, Any] | None]
    history: NotRequired[list[dict[str, Any]]]


class RecommendedItem(TypedDict):
    """One item with its reckoning."""

    item_id: str
    title: str
    rank: int
    score: float
    remainder: float
    reasons: list[Reason]


class RecommendationList(TypedDict):
    """A ranked list."""

    request_id: str
    build_id: str
    user_id: str | None
    strategy: str
    degraded: list[str]
    items: list[RecommendedItem]


class Explanation(TypedDict):
    """The whole reckoning of one item."""

    request_id: str
    build_id: str
    user_id: str
    degraded: list[str]
    item: RecommendedItem


class WhyNot(TypedDict):
    """Why an item is not in a list."""

    request_id: str


class EventOutcome(TypedDict):
    """What became of one event."""

    event_id: str | None
    status: str
    seq: int | None
    reason: str | None


class EventsTaken(TypedDict):
    """What became of the events."""

    request_id: str
    accepted: int
    duplicates: int
    rejected: int
    unknown_items: int
    events: list[EventOutcome]


class UserEvents(TypedDict):
    """Events of a user."""

    request_id: str
    user_id: str
    events: list[dict[str, Any]]
    next_before: int | None


class UsersTaken(TypedDict):
    """How many users' declarations were stored."""

    request_id: str
    users: int
    revision: int


class ShownRule(TypedDict):
    """A business rule."""

    rule: dict[str, Any]
    source: str
    revision: int
    problem: NotRequired[str | None]


class RuleList(TypedDict):
    """All business rules."""

    request_id: str
    rules: list[ShownRule]


class RuleTaken(TypedDict):
    """A rule that was stored."""

    request_id: str
    rule: dict[str, Any]


class Ready(TypedDict):
    """Whether requests can be answered."""

    status: str
    build_id: str | None
    degraded: list[str]
    reasons: list[str]
