"""Events in, and a user's events out."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Collection
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, JsonValue, ValidationError

from api.http.ids import PathId
from api.http.schemas import Answer, request_id
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.serving.ledger import OUTCOMES, UNKNOWN_ITEMS
from api.serving.snapshot_server import Serving
from kg.catalog.records import StoredEvent, stored_event
from kg.errors import InputError, LedgerUnavailableError
from kg.ledger.event_store import Appended
from kg.validation import messages
from kg.validation.events import EXAMPLE, Event, checked_event
from kg.validation.ratings import RatingScale

router = APIRouter(prefix="/v1", tags=["events"])
MAX_EVENTS = 1_000


class EventOutcome(Answer):
    """What became of one event."""

    event_id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    seq: int | None = Field(default=None, description="Its place in the ledger.")
    reason: str | None = Field(default=None, description="Why it was rejected, or what is odd about it.")


class EventsAccepted(Answer):
    """What became of the events, in the order they were sent. Whatever is accepted is durable."""

    request_id: str
    accepted: int
    duplicates: int
    rejected: int
    unknown_items: int = Field(description="Accepted events about items that the build does not know; they count once a build does.")
    events: list[EventOutcome]


class UserEvent(Answer):
    """One event of a user, as the ledger keeps it."""

    seq: int
    event_id: str
    item_id: str | None
    kind: str
    time: float
    quantity: float
    value: float | None
    price_cents: int | None
    properties: dict[str, JsonValue] | None
    received_s: float


class UserEvents(Answer):
    """Events of a user that came over this API, the latest first."""

    request_id: str
    user_id: str
    events: list[UserEvent]
    next_before: int | None = Field(description="Give it as `before` to read on; null at the end.")


_SCHEMA = Event.model_json_schema()
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": [_SCHEMA, {"type": "array", "items": _SCHEMA, "minItems": 1, "maxItems": MAX_EVENTS}]},
                "examples": {
                    "one": {"summary": "One event", "value": EXAMPLE},
                    "several": {
                        "summary": "A list",
                        "value": [EXAMPLE, {"event_id": "9b1e", "user_id": "718", "item_id": "1029743", "kind": "view"}],
                    },
                },
            }
        },
    }
}


@router.post("/events", status_code=202, response_model=EventsAccepted, openapi_extra=_BODY)
async def take(request: Request, key: Annotated[ApiKey, Depends(require("events:write"))]) -> Response:
    """Take one event or a list of up to 1,000. They are durable before this answers, and the user's next answer knows them.

    Each event is judged by itself: a list with one bad event loses only that one. Nothing usable in it at all is a 422.
    """
    serving: Serving = request.app.state.serving
    sent = _parsed(await request.body())
    outcomes: list[EventOutcome | None] = [None] * len(sent)
    events, places = [], []
    now, scale = time.time(), serving.recommender.rating_scale
    for place, raw in enumerate(sent):
        event = _checked(raw, request.app.state.kinds, now, scale)
        if isinstance(event, EventOutcome):
            outcomes[place] = event
        else:
            events.append(event)
            places.append(place)
    if not events:
        first = outcomes[0]
        raise InputError(
            f"event 1: {first.reason if first else ''}", hint=f"none of the {len(sent)} events can be used; see /docs for what an event is"
        )
    known = serving.item_known
    n_unknown = 0
    for place, event, appended in zip(places, events, await _appended(serving, events), strict=True):
        unknown = appended.status == "accepted" and event.item_id is not None and not known(event.item_id)
        n_unknown += unknown
        outcomes[place] = _outcome(event, appended, unknown=unknown)
    return _taken(request, [outcome for outcome in outcomes if outcome is not None], n_unknown)


@router.get("/users/{user_id:path}/events", response_model=UserEvents)
def of_user(
    request: Request,
    user_id: PathId,
    key: Annotated[ApiKey, Depends(require("profile:read"))],
    limit: Annotated[int, Query(ge=1, le=1_000, description="How many.")] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="Only events with a smaller seq: `next_before` of the page before.")] = None,
) -> Response:
    """List the events of a user that came over this API, the latest first; those of the shop's files are not in the ledger."""
    serving: Serving = request.app.state.serving
    page = serving.ledger.events.of_user(user_id, before=before, limit=limit)
    following = page[-1].seq if len(page) == limit else None
    body = {
        "request_id": request_id(request),
        "user_id": user_id,
        "events": [{name: value for name, value in event.as_dict().items() if name != "user_id"} for event in page],
        "next_before": following,
    }
    return Response(orjson.dumps(body), media_type="application/json")


def _parsed(body: bytes) -> list[Any]:
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InputError("the body is not JSON", hint="send one event, or a list of them") from None
    events = sent if isinstance(sent, list) else [sent]
    if not 1 <= len(events) <= MAX_EVENTS:
        raise InputError(f"{len(events):,} events in one request", hint=f"send 1 to {MAX_EVENTS:,} at a time")
    return events


def _checked(raw: Any, kinds: Collection[str], now: float, scale: RatingScale | None) -> StoredEvent | EventOutcome:
    event_id = raw.get("event_id") if isinstance(raw, dict) else None
    event_id = event_id[:200] if isinstance(event_id, str) else None
    try:
        event = checked_event(raw, kinds, now, scale)
    except ValidationError as error:
        return EventOutcome(event_id=event_id, status="rejected", reason=messages.sentence(error.errors(include_url=False)[0]))
    except InputError as error:
        return EventOutcome(event_id=event_id, status="rejected", reason=str(error))
    return stored_event(event, now, event.event_id or f"reckon-{secrets.token_hex(16)}")


async def _appended(serving: Serving, events: list[StoredEvent]) -> list[Appended]:
    ledger = serving.ledger
    answer = asyncio.wrap_future(ledger.writer.submit(events))
    try:
        return await asyncio.wait_for(answer, ledger.config.append_timeout_s)
    except TimeoutError:
        message = f"the event ledger took longer than {ledger.config.append_timeout_s:g} s"
        raise LedgerUnavailableError(message, hint="send the events again with the same event ids: none is counted twice") from None


def _outcome(event: StoredEvent, appended: Appended, *, unknown: bool) -> EventOutcome:
    if appended.status == "conflict":
        return EventOutcome(event_id=event.event_id, status="rejected", reason="event_id belongs to another event: its user, item or kind differs")
    reason = "the item is not in the catalogue of the published build" if unknown else None
    return EventOutcome(event_id=event.event_id, status=appended.status, seq=appended.seq, reason=reason)


def _taken(request: Request, outcomes: list[EventOutcome], n_unknown: int) -> Response:
    counts = {status: sum(outcome.status == status for outcome in outcomes) for status in ("accepted", "duplicate", "rejected")}
    for status, count in counts.items():
        if count:
            OUTCOMES.labels(status).inc(count)
    if n_unknown:
        UNKNOWN_ITEMS.inc(n_unknown)
    body = {
        "request_id": request_id(request),
        "accepted": counts["accepted"],
        "duplicates": counts["duplicate"],
        "rejected": counts["rejected"],
        "unknown_items": n_unknown,
        "events": [{"event_id": outcome.event_id, "status": outcome.status, "seq": outcome.seq, "reason": outcome.reason} for outcome in outcomes],
    }
    return Response(orjson.dumps(body), status_code=202, media_type="application/json")
