"""What is known of a user, and what the user wants to be left out of it."""

from __future__ import annotations

import math
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.ids import PathId
from api.http.schemas import Answer, request_id
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.serving.snapshot_server import Serving
from gnn.users.interests import MAX_EDITS, items_with
from gnn.users.profile import BRAND, CATEGORY, Habits, Interest, habits, interests
from kg import schema
from kg.catalog.records import InterestEdit
from kg.errors import ConflictError, InputError, LedgerUnavailableError

router = APIRouter(prefix="/v1", tags=["users"])
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class EvidenceEvent(Answer):
    """What was done with an item, in one way."""

    relation: str = Field(examples=["PURCHASED"], description="Edge type in the graph.")
    count: float
    last_time: float | None = Field(description="Unix seconds, or the shop's order number; null where unknown.")


class ProfileEvidence(Answer):
    """A history item behind an interest."""

    item_id: str
    title: str
    share: float = Field(description="Its part of the interest's weight.")
    events: list[EvidenceEvent]


class ProfileInterest(Answer):
    """A value that the history leans to."""

    relation: str = Field(examples=["has_category"])
    value: str
    weight: float = Field(description="Part of the weighted history that has this value, edits left aside.")
    edited: float | None = Field(description="The factor that was set for it; 0 hides it. Null where it was left alone.")
    items: int = Field(description="Items of the history that have it.")
    evidence: list[ProfileEvidence]


class ProfileHabits(Answer):
    """When, how often, and what was paid; exact over the events that are known. Null is what they do not tell."""

    events: int
    purchases: int
    first_time: float | None
    last_time: float | None
    active_days: int | None
    days_between: float | None = Field(description="Mean number of days from one active day to the next.")
    hours: list[int] | None = Field(description="Events by hour of the day, in the time zone of `[serve] timezone`.")
    weekdays: list[int] | None = Field(description="Events by weekday in that zone, Monday first.")
    spent_cents: int | None
    priced_purchases: int = Field(description="Purchases whose price is known: `spent_cents` and `price_band_cents` speak of these.")
    price_band_cents: list[int] | None = Field(description="Quarter, half and three quarters of the prices paid.")


class Profile(Answer):
    """What is known of a user."""

    request_id: str
    build_id: str
    user_id: str
    degraded: list[str]
    known_to_build: bool
    fresh_events: int = Field(description="Events since the build; they are in everything below.")
    categories: list[ProfileInterest]
    brands: list[ProfileInterest]
    others: list[ProfileInterest] = Field(description="Edited interests of other relations, and those asked for by `relation`.")
    habits: ProfileHabits
    declared: dict[str, list[str]] | None = Field(description="What the user declared; null while the ledger is down.")


class ProfileChanged(Answer):
    """What was stored; it is durable, and in the user's next list."""

    request_id: str
    user_id: str
    changed: int


class InterestChange(BaseModel):
    """One interest as the user wants it."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"relation": "has_brand", "value": "Leafy", "weight": 0}]})

    relation: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="has_category, has_brand, or any other relation from items to values.")
    value: Text = Field(description="The value as the profile and the graph call it.")
    weight: float = Field(ge=0, le=10, description="0 hides it, 0.5 halves what it contributes, 1 takes an earlier edit back.")


class ProfileChanges(BaseModel):
    """Changes of a profile, all of them or none."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"interests": [{"relation": "has_brand", "value": "Leafy", "weight": 0}]}]}
    )

    interests: list[InterestChange] = Field(min_length=1, max_length=MAX_EDITS)


@router.get("/users/{user_id:path}/profile", response_model=Profile)
def profile(
    request: Request,
    user_id: PathId,
    key: Annotated[ApiKey, Depends(require("profile:read"))],
    relation: Annotated[tuple[str, ...], Query(max_length=8, description="Further relations to tell interests of, such as has_color.")] = (),
    n: Annotated[int, Query(ge=1, le=100, description="Interests per relation.")] = 10,
) -> Response:
    """Tell what is known of a user: interests with the events behind them, habits, and what the user declared."""
    serving: Serving = request.app.state.serving
    return _answer(request, serving, user_id, tuple(schema.checked_name(name, what="relation") for name in relation), n)


@router.patch("/users/{user_id:path}/profile", response_model=ProfileChanged)
def change(request: Request, user_id: PathId, changes: ProfileChanges, key: Annotated[ApiKey, Depends(require("events:write"))]) -> Response:
    """Hide an interest, weigh it otherwise, or take that back; the user's next list follows, and says what it left out."""
    serving: Serving = request.app.state.serving
    if "\0" in user_id:
        raise InputError("user_id holds the character U+0000", hint="leave it out")
    recommender = serving.recommender_of(user_id)
    before = {(edit.relation, edit.value) for edit in serving.ledger.interests.of(user_id)}
    edits = {(one.relation, one.value): InterestEdit(user_id, one.relation, one.value, one.weight) for one in changes.interests}
    for relation, value in edits:
        if (relation, value) not in before and not len(items_with(recommender.artifact, relation, value)):
            raise InputError(f"no item has {relation} {value[:100]!r}", hint="values are those of the profile and of the graph")
    if len(before | set(edits)) > MAX_EDITS:
        raise ConflictError(f"user {user_id!r} has {len(before)} edited interests", hint=f"at most {MAX_EDITS}; set the weight of some to 1")
    serving.ledger.edit(list(edits.values()))
    # Not the profile: a key that may write need not be one that may read it.
    return Response(orjson.dumps({"request_id": request_id(request), "user_id": user_id, "changed": len(edits)}), media_type="application/json")


def _answer(request: Request, serving: Serving, user_id: str, relations: tuple[str, ...], n: int) -> Response:
    recommender = serving.recommender_of(user_id)
    artifact, fresh = recommender.artifact, serving.fresh(user_id, recommender)
    shopper = recommender.users.user(user_id, fresh)
    edited = [edit.relation for edit, _ in shopper.edits.values]
    others = [name for name in dict.fromkeys([*relations, *edited]) if name not in (CATEGORY, BRAND)]
    degraded = serving.degraded
    try:
        declared = {name: list(values) for name, values in serving.ledger.people.declared(user_id).items()} if serving.ledger.up else None
    except LedgerUnavailableError:
        declared, degraded = None, list(dict.fromkeys([*degraded, "ledger"]))
    body = {
        "request_id": request_id(request),
        "build_id": artifact.build_id,
        "user_id": user_id,
        "degraded": degraded,
        "known_to_build": user_id in artifact.user_nums,
        "fresh_events": len(fresh),
        "categories": [_interest(interest) for interest in interests(artifact, shopper, CATEGORY, n=n)],
        "brands": [_interest(interest) for interest in interests(artifact, shopper, BRAND, n=n)],
        "others": [_interest(interest) for name in others for interest in interests(artifact, shopper, name, n=n if name in relations else 0)],
        "habits": _habits(habits(artifact, user_id, fresh, ZoneInfo(request.app.state.config.timezone))),
        "declared": declared,
    }
    return Response(orjson.dumps(body), media_type="application/json")


def _interest(interest: Interest) -> dict[str, Any]:
    evidence = [
        {
            "item_id": one.item_id,
            "title": one.title,
            "share": one.share,
            "events": [
                {"relation": schema.relation(relation).type, "count": count, "last_time": None if math.isnan(last) else last}
                for relation, count, last in one.events
            ],
        }
        for one in interest.evidence
    ]
    head = {"relation": interest.relation, "value": interest.value, "weight": interest.weight, "edited": interest.edited, "items": interest.n_items}
    return {**head, "evidence": evidence}


def _habits(habits: Habits) -> dict[str, Any]:
    return {
        "events": habits.events,
        "purchases": habits.purchases,
        "first_time": habits.first_time,
        "last_time": habits.last_time,
        "active_days": habits.active_days,
        "days_between": habits.days_between,
        "hours": habits.hours,
        "weekdays": habits.weekdays,
        "spent_cents": habits.spent_cents,
        "priced_purchases": habits.priced_purchases,
        "price_band_cents": habits.price_band,
    }
