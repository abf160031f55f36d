"""What acts together in the shop, and decisions about accounts. Accounts are named only to keys that carry `profile:read` too."""

from __future__ import annotations

import json
from pathlib import Path as File
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api.http.ids import PathId
from api.http.schemas import Answer, request_id
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from kg.errors import NotFoundError
from kg.ledger.risk import DecisionStore

router = APIRouter(prefix="/v1/risk", tags=["risk"])
RiskKey = Annotated[ApiKey, Depends(require("risk:read"))]
Decider = Annotated[ApiKey, Depends(require("risk:decide"))]
REPORT = "risk.json"
_EXAMPLE: JsonDict = {"decision": "clear", "note": "a school class"}


class RiskSignal(Answer):
    """Why accounts are suspected, without their names."""

    kind: str
    sentence: str
    accounts: int = Field(description="How many.")
    items: list[str]
    suspicion: float
    clears: str = Field(description="What would clear it.")


class RiskAccount(Answer):
    """A suspected account or one that was decided of."""

    user_id: str
    suspicion: float
    weight: float = Field(description="What its events count from the next rebuild on; below 0.5 they are left out.")
    decision: str = Field(description="confirm, clear, watch, or open: it waits for a decision.")


class RiskReport(Answer):
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
    accounts: list[RiskAccount] | None = Field(description="null for keys without profile:read.")


class DecisionBody(BaseModel):
    """A decision about an account."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    decision: Literal["confirm", "clear", "watch"]
    note: str = Field(default="", max_length=2000, pattern=r"^[^\x00]*$", description="Why.")


class DecisionTaken(Answer):
    """A decision that was stored."""

    request_id: str
    user_id: str
    decision: str
    seq: int


class StoredDecision(Answer):
    """One decision."""

    seq: int
    user_id: str
    decision: str
    decided_by: str
    note: str
    decided_s: float


class DecisionList(Answer):
    """All decisions, oldest first; the last one of an account holds."""

    request_id: str
    decisions: list[StoredDecision]


@router.get("/report", response_model=RiskReport)
def report(request: Request, key: RiskKey) -> Response:
    """Show what the last report found, with the decisions made since."""
    body = _report(request.app.state.risk_reports / REPORT)
    decided = _store(request).holding() if key.allows("profile:read") else {}
    shown = [name for name in RiskSignal.model_fields if name != "accounts"]
    signals = [{**{name: signal[name] for name in shown}, "accounts": len(signal["users"])} for signal in body["signals"]]
    accounts = None
    if key.allows("profile:read"):
        accounts = [{**account, "decision": decided.get(account["user_id"], account["decision"])} for account in body["accounts"]]
    return _json({**body, "request_id": request_id(request), "signals": signals, "accounts": accounts})


@router.get("/decisions", response_model=DecisionList)
def decisions(request: Request, key: Decider) -> Response:
    """List all decisions: who decided what, when and why."""
    names = StoredDecision.model_fields
    rows = [{name: getattr(each, name) for name in names} for each in _store(request).history()]
    return _json({"request_id": request_id(request), "decisions": rows})


@router.put("/accounts/{user_id}/decision", response_model=DecisionTaken)
def decide(request: Request, user_id: PathId, body: DecisionBody, key: Decider) -> Response:
    """Decide of an account. Confirmed ones count nothing from the next rebuild on, cleared ones count fully."""
    seq = _store(request).append(user_id, body.decision, by=key.key_id, note=body.note)
    return _json({"request_id": request_id(request), "user_id": user_id, "decision": body.decision, "seq": seq})


def _store(request: Request) -> DecisionStore:
    store: DecisionStore = request.app.state.risk_decisions
    return store


def _report(path: File) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        raise NotFoundError("there is no risk report", hint="run `reckon risk report -w DIR`") from None
    return body


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
