"""An event as it is received, over REST or in a file of changes: what its fields may be, and which kinds, times and ratings a shop takes.

Kind and time are those of histories that come with a question, too.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema, model_validator
from pydantic.config import JsonDict

from kg.errors import InputError
from kg.validation.fields import TEXT, Id, Whole
from kg.validation.ratings import RatingScale, checked_rating
from kg.validation.suggest import did_you_mean

MAX_SECONDS = 1e11
MAX_PROPERTIES_BYTES = 4_096
EXAMPLE: JsonDict = {"event_id": "9b1d", "user_id": "718", "item_id": "844165", "kind": "purchase", "time": "2026-11-24T10:15:00Z", "quantity": 2}
_DAY_S = 86_400.0
_ISO = "write ISO 8601 with a zone (2026-11-24T10:15:00Z) or Unix seconds"


def seconds(given: Any) -> float | None:
    """Return a time as Unix seconds.

    >>> seconds("2026-11-24T10:15:00Z"), seconds(1_780_000_000), seconds(None) is None
    (1795515300.0, 1780000000.0, True)

    Args:
        given: ISO 8601 with a zone, or Unix seconds as a number; None means now.

    Raises:
        ValueError: It is neither, or its unit is not seconds: nothing is read in another unit than it was written in.
    """
    if given is None:
        return None
    if isinstance(given, str):
        return _of_text(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"is not a time; {_ISO}")
    if not given >= 0:
        raise ValueError("is before 1970; " + _ISO)
    if given > MAX_SECONDS:
        unit, factor = ("milliseconds", "1,000") if given < 1e14 else ("microseconds or smaller", "1,000,000")
        raise ValueError(
            f"{given:.0f} is no number of Unix seconds; it looks like {unit}: divide it by {factor}, or write ISO 8601" if given < 1e20 else _ISO
        )
    return float(given)


def _of_text(given: str) -> float:
    shown = repr(given[:40])
    try:
        time = datetime.fromisoformat(given.strip().upper())
    except ValueError:
        raise ValueError(f"{shown} is not a time; {_ISO}{', without quotes' if given.strip().replace('.', '', 1).isdigit() else ''}") from None
    if time.tzinfo is None:
        raise ValueError(f"{shown} names no time zone; {_ISO}")
    seconds = time.timestamp()
    if seconds < 0:
        raise ValueError(f"{shown} is before 1970")
    return seconds


Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,58}$")]
Time = Annotated[
    float | None,
    BeforeValidator(seconds),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0, "maximum": MAX_SECONDS}, {"type": "null"}]}
    ),
]


def _bounded(properties: dict[str, JsonValue]) -> dict[str, JsonValue]:
    written = orjson.dumps(properties)
    if len(written) > MAX_PROPERTIES_BYTES:
        raise ValueError(f"properties are {len(written)} bytes long; at most {MAX_PROPERTIES_BYTES}")
    if b"\\u0000" in written:
        raise ValueError("properties hold the character U+0000, which PostgreSQL cannot store")
    return properties


class Event(BaseModel):
    """One thing that a shopper did."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, json_schema_extra={"examples": [EXAMPLE]})

    event_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        pattern=TEXT,
        description="Makes it one event, however often it is sent; without, no retry is safe.",
    )
    user_id: Id
    item_id: Id | None = Field(default=None, description="What it is about; only a search has none.")
    kind: Kind = Field(description="view, cart, purchase, rating, search, impression, click, dislike, or a configured one.")
    time: Time = Field(default=None, description="When: ISO 8601 with a zone, or Unix seconds; now where it is left out.")
    quantity: float = Field(default=1.0, gt=0, le=1e6, description="How many, of purchases.")
    value: float | None = Field(default=None, allow_inf_nan=False, description="The rating, of ratings; on the scale of the shop's ratings.")
    price_cents: Whole | None = Field(default=None, ge=0, le=10**12, description="What was paid for all pieces together, in cents.")
    properties: Annotated[dict[str, JsonValue], AfterValidator(_bounded)] | None = Field(
        default=None, description="Kept with the event and given back; nothing reckons with it. At most 4 KiB."
    )

    @model_validator(mode="after")
    def _about_something(self) -> Event:
        if self.item_id is None and self.kind != "search":
            raise ValueError(f"a {self.kind} needs an item_id")
        return self


def check(kind: str, time: float | None, kinds: Collection[str], now: float) -> None:
    """Refuse a kind that has no weight, and a time that has not come.

    Args:
        kind: Of the event.
        time: Unix seconds; None means now.
        kinds: Those that are configured.
        now: Unix seconds.

    Raises:
        InputError: With what to do.
    """
    if kind not in kinds:
        raise InputError(
            f"kind {kind!r} is not configured{did_you_mean(kind, kinds)}",
            hint=f"kinds are {', '.join(sorted(kinds))}; give another one a weight in [model] kind_weights",
        )
    if time is not None and time > now + _DAY_S:
        raise InputError("time is more than a day in the future", hint="times are Unix seconds or ISO 8601")


def checked_event(raw: Any, kinds: Collection[str], now: float, scale: RatingScale | None) -> Event:
    """Return an event that a shop can use.

    Args:
        raw: As it was sent: what JSON holds.
        kinds: Those that are configured.
        now: Unix seconds.
        scale: What the shop knows of its ratings; None where it has none yet.

    Raises:
        ValidationError: It is malformed; `kg.validation.messages` puts it into words.
        InputError: Its kind, time or rating is not one of this shop.
    """
    event = Event.model_validate(raw)
    check(event.kind, event.time, kinds, now)
    if event.kind == "rating" and event.value is not None:
        checked_rating(event.value, scale)
    return event
