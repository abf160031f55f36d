"""Changes of a catalogue beside its files: items added, edited and deleted, events added and deleted.

One change is one JSON object (or one CSV row) with an `op`:

* `upsert_item` with `item_id` and the fields that are new: fields not named stay, null empties one. Beyond the item columns any name is an attribute.
* `delete_item` with `item_id`: its events and its edges go with it.
* `add_interaction` with `user_id`, `item_id`, `kind` and, where known, `time`, `quantity`, `rating`, `price`. With an `id` it is taken once.
* `delete_interaction` with `user_id`, `item_id` and, to be narrower, `kind` and `time`: every event that matches goes.

Each becomes the record that the same change over REST becomes: an `ItemChange` or a `StoredEvent` of the ledger.
"""

from __future__ import annotations

import csv
import io
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from kg import schema
from kg.catalog.changes import Change
from kg.catalog.records import ItemChange, StoredEvent
from kg.errors import InputError
from kg.validation.ids import checked

OPERATIONS = ("upsert_item", "delete_item", "add_interaction", "delete_interaction")
MAX_TEXT = 100_000
MAX_LIST = 1_000
LIST_SEPARATOR = "|"
MAX_EVENT_ID = 200

_TEXTS = ("title", "description", "brand")
_EVENT_FIELDS = frozenset({"op", "id", "user_id", "item_id", "kind", "time", "quantity", "rating", "price", "price_cents"})
_KIND = re.compile(r"[a-z][a-z0-9_]{0,62}")


class RefusedChangeError(ValueError):
    """A change that cannot be used."""

    def __init__(self, column: str, value: object, why: str) -> None:
        super().__init__(f"{column} {value!r} {why}")
        self.column, self.value, self.why = column, str(value)[:200], why


def parse(record: Mapping[str, Any], now: float | None = None) -> Change:
    """Check one change.

    Args:
        record: As the file has it.
        now: Time of an event without one, Unix seconds; None asks the clock.

    Raises:
        RefusedChangeError: With the column, the value and what is wrong with it.
    """
    op = record.get("op")
    if op not in OPERATIONS:
        raise RefusedChangeError("op", op, f"is not one of {', '.join(OPERATIONS)}")
    item_id = _text(record, "item_id", required=True) or ""
    if op == "upsert_item":
        return ItemChange(0, item_id, "upsert", _item_fields(record))
    if op == "delete_item":
        return ItemChange(0, item_id, "delete")
    values = _event_values(record, whole=op == "add_interaction")
    if op == "delete_interaction":
        return ItemChange(0, item_id, "delete_events", values)
    at = values["time"]
    return StoredEvent(
        0,
        values["user_id"],
        item_id,
        values["kind"],
        (time.time() if now is None else now) if at is None else at,
        values["quantity"],
        values["rating"],
        values["price_cents"],
        (_text(record, "id") or "")[:MAX_EVENT_ID],
    )


def read_changes(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | RefusedChangeError]]:
    """Yield (line, record) of a file of changes, CSV by its suffix and otherwise JSON lines; what is no record comes as what is wrong with it.

    Raises:
        InputError: The file is missing or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist", hint="reckon import --changes FILE") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: {error}", hint="save it as UTF-8") from None
    yield from _csv_records(text) if path.suffix == ".csv" else _json_records(text)


def accepted(
    records: Iterable[tuple[int, Mapping[str, Any] | RefusedChangeError]], item_ids: Iterable[str]
) -> tuple[list[Change], list[tuple[int, RefusedChangeError]]]:
    """Check changes one after another against the items that are there by then.

    Args:
        records: (line, record).
        item_ids: Items before the first change.

    Returns:
        The changes that can be used, and (line, what is wrong) of the others.
    """
    known: set[str | None] = set(item_ids)
    good: list[Change] = []
    bad: list[tuple[int, RefusedChangeError]] = []
    for line, record in records:
        try:
            if isinstance(record, RefusedChangeError):
                raise record
            change = parse(record)
            operation = change.operation if isinstance(change, ItemChange) else "add_event"
            if operation != "upsert" and change.item_id not in known:
                raise RefusedChangeError("item_id", change.item_id, "is not an item of the catalogue")
            title = change.fields.get("title", change.item_id in known) if isinstance(change, ItemChange) else True
            if operation == "upsert" and not title:
                raise RefusedChangeError("title", record.get("title") or "", "is missing: no item can be recommended without one")
        except RefusedChangeError as error:
            bad.append((line, error))
            continue
        if operation == "upsert":
            known.add(change.item_id)
        elif operation == "delete":
            known.discard(change.item_id)
        good.append(change)
    return good, bad


def _item_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    attributes: dict[str, list[str]] = {}
    for name in record:
        if name in ("op", "item_id", "id"):
            continue
        if name in _TEXTS:
            values[name] = _text(record, name)
        elif name in ("price", "price_cents"):
            values["price_cents"] = _price(record, name)
        elif name == "available":
            values[name] = _boolean(record[name])
        elif name == "categories":
            values[name] = _list(record[name], name)
        else:
            try:
                schema.attribute_relation(str(name))
            except InputError:
                raise RefusedChangeError(str(name), record[name], "is not a name: a–z, 0–9 and _, starting with a letter") from None
            attributes[str(name)] = _list(record[name], str(name))
    return {**values, "attributes": attributes} if attributes else values


def _event_values(record: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    unknown = sorted(str(name) for name in set(record) - _EVENT_FIELDS if record[name] is not None)
    if unknown:
        raise RefusedChangeError(unknown[0], record[unknown[0]], f"is not a column of an event; it has {', '.join(sorted(_EVENT_FIELDS))}")
    values: dict[str, Any] = {"user_id": _text(record, "user_id", required=True)}
    kind = _text(record, "kind", required=whole)
    if kind is not None and not _KIND.fullmatch(kind):
        raise RefusedChangeError("kind", kind, "is not a kind: a–z, 0–9 and _, starting with a letter")
    at = _time(record.get("time"))
    if not whole:
        return values | ({"kind": kind} if kind is not None else {}) | ({"time": at} if at is not None else {})
    values |= {"kind": kind, "time": at, "quantity": _number(record, "quantity", 1.0), "rating": _number(record, "rating", None)}
    return values | {"price_cents": _price(record, "price_cents" if record.get("price_cents") is not None else "price")}


def _text(record: Mapping[str, Any], name: str, *, required: bool = False) -> str | None:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        value = str(value) if isinstance(value, int) and not isinstance(value, bool) and name in ("item_id", "user_id", "id") else value
        if not isinstance(value, str):
            raise RefusedChangeError(name, value, "is not a text")
    text = (value or "").strip()
    if len(text) > MAX_TEXT or "\x00" in text:
        raise RefusedChangeError(name, text[:40], f"is longer than {MAX_TEXT} characters or holds a null character")
    if name in ("item_id", "user_id") and text:
        try:
            return checked(text)
        except ValueError as error:
            raise RefusedChangeError(name, text[:40], str(error)) from None
    if required and not text:
        raise RefusedChangeError(name, value, "is empty")
    return text or None


def _list(value: object, name: str) -> list[str]:
    if value is None:
        return []
    parts = value if isinstance(value, list) else str(value).split(LIST_SEPARATOR) if isinstance(value, str | int | float) else None
    if parts is None or any(not isinstance(part, str | int | float) or isinstance(part, bool) for part in parts) or len(parts) > MAX_LIST:
        raise RefusedChangeError(name, value, f"is not a list of at most {MAX_LIST} texts")
    return [text for part in parts if (text := str(part).strip())]


def _number(record: Mapping[str, Any], name: str, default: float | None) -> float | None:
    value = record.get(name)
    if value is None or value == "":
        return default
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise RefusedChangeError(name, value, "is not a number")
    return number


def _price(record: Mapping[str, Any], name: str) -> int | None:
    number = _number(record, name, None)
    if number is None:
        return None
    cents = round(number if name == "price_cents" else number * 100)
    if not 0 <= cents < 2**53 or (name == "price_cents" and number != cents):
        raise RefusedChangeError(name, record[name], "is not a price")
    return cents


def _boolean(value: object) -> bool | None:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": None, "none": None}
    text = str(value).strip().lower()
    if text not in known:
        raise RefusedChangeError("available", value, "is neither true nor false")
    return known[text]


def _time(value: object) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        try:
            parsed = datetime.fromisoformat(str(value))
        except ValueError:
            raise RefusedChangeError("time", value, "is neither ISO 8601 nor a number") from None
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not math.isfinite(number):
        raise RefusedChangeError("time", value, "is neither ISO 8601 nor a number")
    return number


def _json_records(text: str) -> Iterator[tuple[int, Mapping[str, Any] | RefusedChangeError]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except ValueError as error:
            yield number, RefusedChangeError("line", line[:80], f"is not JSON ({error})")
            continue
        yield number, record if isinstance(record, dict) else RefusedChangeError("line", line[:80], "is no JSON object")


def _csv_records(text: str) -> Iterator[tuple[int, Mapping[str, Any] | RefusedChangeError]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                yield reader.line_num, RefusedChangeError("line", reader.line_num, "has not as many cells as the header")
                continue
            # An empty cell says nothing; `null` in a JSON line is how a field is emptied.
            yield reader.line_num, {name: cell for name, cell in row.items() if cell != ""}
    except csv.Error as error:
        yield reader.line_num, RefusedChangeError("line", reader.line_num, f"is not CSV ({error})")
