"""Answers as the client's callers read them: plain dicts whose members are known to type checkers. A member that is not always there is NotRequired.

The server's own models are the contract; a test compares these with the OpenAPI document.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from .reason_types import BuyAgainReason as BuyAgainReason
from .reason_types import GraphPath as GraphPath
from .reason_types import GraphReason as GraphReason
from .reason_types import HistoryShare as HistoryShare
from .reason_types import LearnedReason as LearnedReason
from .reason_types import PathEdge as PathEdge
from .reason_types import PathNode as PathNode
from .reason_types import PathsNotShown as PathsNotShown
from .reason_types import Reason as Reason
from .reason_types import StatementReason as StatementReason


class RecommendedItem(TypedDict):
    """One item with the reasons for its score."""

    item_id: str
    title: str
    display_title: str
    rank: int
    rank_by_score: int
    score: float
    trend: float | None
    remainder: float
    reasons: list[Reason]


class RuleEffect(TypedDict):
    """What a business rule did to a list."""

    rule_id: str
    name: str
    action: str
    items: list[str]
    left_out: int


class InterestEffect(TypedDict):
    """What an interest that the shopper edited did to a list."""

    relation: str
    value: str
    weight: float
    history_items: int
    hidden_items: int


class RecommendationList(TypedDict):
    """A ranked list."""

    request_id: str
    build_id: str
    user_id: str | None
    strategy: str
    degraded: list[str]
    fresh_events: int
    reranked: list[str]
    next_page_token: str | None
    rules: list[RuleEffect]
    interests: list[InterestEffect]
    items: list[RecommendedItem]


class Explanation(TypedDict):
    """The full explanation of one item."""

    request_id: str
    build_id: str
    user_id: str
    degraded: list[str]
    item: RecommendedItem


class PathGap(TypedDict):
    """What one kind of path gives an item, beside what it gives the items of the list."""

    meta_path: str
    contribution: float
    listed: float
    missing: float


class ChangedEvent(TypedDict):
    """One event to add or take away."""

    item_id: str
    title: str
    relation: str


class Change(TypedDict):
    """Events that bring an item into the list."""

    action: str
    events: list[ChangedEvent]
    rank: int


class WhyNot(TypedDict):
    """Why an item is not in a list."""

    request_id: str
    build_id: str
    user_id: str
    item_id: str
    title: str
    k: int
    score: float
    rank: int
    rank_by_score: int
    kth_score: float
    missing_score: float
    filtered: list[str]
    lacks: list[PathGap]
    changes: list[Change]
    degraded: list[str]


class EventOutcome(TypedDict):
    """What became of one event."""

    event_id: str | None
    status: str
    seq: int | None
    reason: str | None


class EventsAccepted(TypedDict):
    """What became of the events."""

    request_id: str
    accepted: int
    duplicates: int
    rejected: int
    unknown_items: int
    events: list[EventOutcome]


class UserEvent(TypedDict):
    """One event as it is kept."""

    seq: int
    event_id: str
    item_id: str | None
    kind: str
    time: float
    quantity: float
    value: float | None
    price_cents: int | None
    properties: dict[str, Any] | None
    received_s: float


class UserEvents(TypedDict):
    """Events of a user."""

    request_id: str
    user_id: str
    events: list[UserEvent]
    next_before: int | None


class UsersAccepted(TypedDict):
    """How many users' declarations were stored."""

    request_id: str
    users: int
    revision: int


class EvidenceEvent(TypedDict):
    """What was done with an item, in one way."""

    relation: str
    count: float
    last_time: float | None


class ProfileEvidence(TypedDict):
    """A history item behind an interest."""

    item_id: str
    title: str
    share: float
    events: list[EvidenceEvent]


class ProfileInterest(TypedDict):
    """A value that a history leans to."""

    relation: str
    value: str
    weight: float
    edited: float | None
    items: int
    evidence: list[ProfileEvidence]


class ProfileHabits(TypedDict):
    """When, how often, and what was paid."""

    events: int
    purchases: int
    first_time: float | None
    last_time: float | None
    active_days: int | None
    days_between: float | None
    hours: list[int] | None
    weekdays: list[int] | None
    spent_cents: int | None
    priced_purchases: int
    price_band_cents: list[int] | None


class Profile(TypedDict):
    """What is known of a user."""

    request_id: str
    build_id: str
    user_id: str
    degraded: list[str]
    known_to_build: bool
    fresh_events: int
    categories: list[ProfileInterest]
    brands: list[ProfileInterest]
    others: list[ProfileInterest]
    habits: ProfileHabits
    declared: dict[str, list[str]] | None


class ProfileChanged(TypedDict):
    """How many interests were changed."""

    request_id: str
    user_id: str
    changed: int


class ItemAccepted(TypedDict):
    """A change of an item that is durable."""

    request_id: str
    item_id: str
    seq: int


class ItemOutcome(TypedDict):
    """What became of one change of a batch."""

    item_id: str
    status: str
    seq: NotRequired[int | None]
    reason: NotRequired[str | None]


class ItemsAccepted(TypedDict):
    """What became of a batch."""

    request_id: str
    accepted: int
    rejected: int
    items: list[ItemOutcome]


class KnownFact(TypedDict):
    """An attribute of an item, with its evidence."""

    relation: str
    node_type: str
    value: str
    confidence: float | None
    field: str | None
    start: int | None
    end: int | None
    surface: str | None
    extractor: str | None


class KnownItem(TypedDict):
    """What the shop knows of an item."""

    request_id: str
    build_id: str | None
    item_id: str
    title: str | None
    description: str | None
    brand: str | None
    categories: list[str]
    price_cents: int | None
    available: bool
    attributes: dict[str, list[str]]
    status: str
    facts: list[KnownFact]


class ShownRule(TypedDict):
    """A business rule."""

    rule: dict[str, Any]
    source: str
    revision: int
    problem: NotRequired[str | None]
    warnings: NotRequired[list[str]]


class RuleList(TypedDict):
    """All business rules."""

    request_id: str
    rules: list[ShownRule]


class RuleAccepted(TypedDict):
    """A rule that was stored."""

    request_id: str
    rule: dict[str, Any]
    warnings: NotRequired[list[str]]


class Preview(TypedDict):
    """What rules would change."""

    request_id: str
    build_id: str
    users: int
    changed: int
    problems: dict[str, str]
    warnings: NotRequired[dict[str, list[str]]]
    items: list[dict[str, Any]]
    lists: list[dict[str, Any]]


class Ready(TypedDict):
    """Whether requests can be answered."""

    status: str
    build_id: str | None
    degraded: list[str]
    reasons: list[str]
