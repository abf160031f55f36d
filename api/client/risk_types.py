"""Types of the answers about risk, for the client."""

from __future__ import annotations

from typing import TypedDict


class RiskSignal(TypedDict):
    """Why accounts are suspected, without their names."""

    kind: str
    sentence: str
    accounts: int
    items: list[str]
    suspicion: float
    clears: str


class RiskAccount(TypedDict):
    """A suspected account or one that was decided of."""

    user_id: str
    suspicion: float
    weight: float
    decision: str


class RiskReport(TypedDict):
    """What `reckon risk report` found last."""

    request_id: str
    build_id: str
    users: int
    flagged: int
    events: int
    events_not_counted: int
    notice: str
    formula: str
    signals: list[RiskSignal]
    accounts: list[RiskAccount] | None


class DecisionTaken(TypedDict):
    """A decision that was stored."""

    request_id: str
    user_id: str
    decision: str
    seq: int


class StoredDecision(TypedDict):
    """One decision."""

    seq: int
    user_id: str
    decision: str
    decided_by: str
    note: str
    decided_s: float


class DecisionList(TypedDict):
    """All decisions, oldest first."""

    request_id: str
    decisions: list[StoredDecision]
