"""Changes of a catalogue beside its files: items added, edited and deleted, events added and deleted.

One change is one JSON object (or one CSV row) with an `op`:

* `upsert_item` with `item_id` and the fields that are new: fields not named stay, null empties one. Beyond the item columns any name is an attribute.
* `delete_item` with `item_id`: its events and its edges go with it.
* `add_interaction` with `user_id`, `item_id`, `kind` and, where known, `time`, `quantity`, `rating`, `price`. With an `id` it is taken once.
* `delete_interaction` with `user_id`, `item_id` and, to be narrower, `kind` and `time`: every event that matches goes.

Each becomes the record that the same change over REST becomes, an `ItemChange` or a `StoredEvent` of the ledger, and is checked by the same models
(`kg.validation`): `kg.catalog.change_files` puts it into their form.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kg.catalog.change_files import RefusedChangeError, Row, event_form, item_form, refused
from kg.catalog.changes import Change
from kg.catalog.records import ItemChange, stored_event
from kg.errors import InputError
from kg.validation import messages
from kg.validation.events import Event, check, checked_event
from kg.validation.fields import Id
from kg.validation.items import UNTITLED, ItemFields
from kg.validation.ratings import RatingScale

OPERATIONS = ("upsert_item", "delete_item", "add_interaction", "delete_interaction")
_ID: TypeAdapter[str] = TypeAdapter(Id)


@dataclass(frozen=True, slots=True)
class ShopRules:
    """What a shop takes of events.

    Attributes:
        kinds: Those that are configured.
        rating_scale: What a rating may be; None where the shop has none yet.
    """

    kinds: Collection[str]
    rating_scale: RatingScale | None = None


def parse(record: Mapping[str, Any], rules: ShopRules, now: float | None = None) -> Change:
    """Check one change.

    Args:
        record: As the file has it.
        rules: What the shop takes.
        now: Unix seconds, the time of an event without one; None asks the clock.

    Raises:
        RefusedChangeError: With the column, the value and what is wrong with it.
    """
    op, at = record.get("op"), time.time() if now is None else now
    if op not in OPERATIONS:
        raise RefusedChangeError("op", op, f"{op!r} is not one of {', '.join(OPERATIONS)}")
    with _translated(record):
        if op == "add_interaction":
            event = checked_event(event_form(record), rules.kinds, at, rules.rating_scale)
            return stored_event(event, at, event.event_id or "")
        if op == "delete_interaction":
            return _deletion(event_form(record), rules, at)
        if "item_id" not in record:
            raise RefusedChangeError("item_id", None, messages.reason({"type": "missing"}))
        try:
            item_id = _ID.validate_python(record["item_id"], strict=True)
        except ValidationError as error:
            raise RefusedChangeError("item_id", record["item_id"], messages.reason(_first(error))) from None
        if op == "delete_item":
            return ItemChange(0, item_id, "delete")
        return ItemChange(0, item_id, "upsert", ItemFields.model_validate(item_form(record)).given())


def accepted(
    records: Iterable[tuple[int, Row]], item_ids: Iterable[str], rules: ShopRules
) -> tuple[list[Change], list[tuple[int, RefusedChangeError]]]:
    """Check changes one after another against the items that are there by then.

    Args:
        records: (line, record).
        item_ids: Items before the first change.
        rules: What the shop takes.

    Returns:
        The changes that can be used, and (line, what is wrong) of the others. Events about unknown items can be used, as over REST: they count once
        the catalogue has the item.
    """
    known = set(item_ids)
    good: list[Change] = []
    bad: list[tuple[int, RefusedChangeError]] = []
    for line, record in records:
        try:
            if isinstance(record, RefusedChangeError):
                raise record
            change = parse(record, rules)
            if isinstance(change, ItemChange):
                _check_item(change, known)
        except RefusedChangeError as error:
            bad.append((line, error))
            continue
        good.append(change)
    return good, bad


def _check_item(change: ItemChange, known: set[str]) -> None:
    if change.operation == "upsert":
        if change.item_id not in known and "title" not in change.fields:
            raise RefusedChangeError("title", None, UNTITLED)
        known.add(change.item_id)
    elif change.item_id not in known:
        raise RefusedChangeError("item_id", change.item_id, f"{change.item_id!r} is not an item of the catalogue")
    elif change.operation == "delete":
        known.discard(change.item_id)


def _deletion(form: Mapping[str, Any], rules: ShopRules, now: float) -> ItemChange:
    # An event is deleted by what names it; where no kind is given, that of all events of the pair.
    named = {name: value for name, value in form.items() if name in ("user_id", "item_id", "kind", "time")}
    further = sorted(form.keys() - named.keys())
    if further:
        raise RefusedChangeError(further[0], form[further[0]], "does not name an event: user_id, item_id, kind and time do")
    event = Event.model_validate({"kind": "view", **named})
    if event.item_id is None:
        raise RefusedChangeError("item_id", None, messages.reason({"type": "missing"}))
    if "kind" in named:
        check(event.kind, event.time, rules.kinds, now)
    kind = {"kind": event.kind} if "kind" in named else {}
    return ItemChange(0, event.item_id, "delete_events", {"user_id": event.user_id, **kind, **({} if event.time is None else {"time": event.time})})


@contextmanager
def _translated(record: Mapping[str, Any]) -> Iterator[None]:
    """Turn what the models say into a refused change: the column as the file has it, and the words of REST.

    Raises:
        RefusedChangeError: Instead of what they raise.
    """
    try:
        yield
    except ValidationError as error:
        raise refused(_first(error), record) from None
    except InputError as error:
        raise refused({"type": "value_error", "loc": (error.message.split()[0],), "ctx": {"error": error}}, record) from None


def _first(error: ValidationError) -> Mapping[str, Any]:
    return error.errors(include_url=False)[0]
