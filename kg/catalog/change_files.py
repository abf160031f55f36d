"""Files of changes as they are written: lines of JSON or rows of CSV, read into the form that the models of `kg.validation` check.

A file may say a few things in a way of its own: `id` for `event_id`, `rating` for `value`, `price` in units for `price_cents`, an attribute beside
the fields rather than under `attributes`, and a list as one text with `|` between its values. A cell of CSV is text; where a number or a boolean
belongs, it is read as one, and an empty one says nothing.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from kg.errors import InputError
from kg.validation import json_text, messages
from kg.validation.items import ItemFields

LIST_SEPARATOR = "|"
_ALIASES = {"id": "event_id", "rating": "value", "price": "price_cents"}
_NUMBERS = frozenset({"price", "price_cents", "quantity", "rating", "value"})
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?")


class RefusedChangeError(ValueError):
    """A change that cannot be used.

    Attributes:
        column: Where, as the file calls it.
        value: What stands there.
        why: What is wrong with it; the words that REST has for it.
    """

    def __init__(self, column: str, value: object, why: str, *, of_all: bool = False) -> None:
        super().__init__(why if of_all or why.startswith(f"{column} ") else f"{column}: {why}")
        self.column, self.value, self.why = column, str(value)[:200], why


Row = Mapping[str, Any] | RefusedChangeError
"""A record of a file, or what is wrong where there should be one."""


def read_changes(path: Path) -> Iterator[tuple[int, Row]]:
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


def event_form(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as `kg.validation.events.Event` reads it.

    Raises:
        RefusedChangeError: Something is given in two ways, or its price is none.
    """
    form = {_ALIASES.get(name, name): _cents(value) if name == "price" else value for name, value in _given(record).items()}
    # What is null is not said: of an event nothing is emptied.
    return {name: value for name, value in form.items() if value is not None}


def item_form(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item's fields as `kg.validation.items.ItemFields` reads them.

    Raises:
        RefusedChangeError: Something is given in two ways, or its price is none.
    """
    form: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for name, value in _given(record).items():
        if name == "price":
            form["price_cents"] = _cents(value)
        elif name in ItemFields.model_fields:
            form[name] = _list(value) if name == "categories" else value
        elif name not in ("item_id", "id"):
            attributes[str(name)] = [] if value is None else _list(value)
    if not attributes:
        return form
    nested = form.get("attributes") or {}
    if not isinstance(nested, Mapping):
        return form
    twice = sorted(attributes.keys() & nested.keys())
    if twice:
        raise RefusedChangeError(twice[0], attributes[twice[0]], "is given beside `attributes` and in it; give it once")
    return {**form, "attributes": {**nested, **attributes}}


def refused(error: Mapping[str, Any], record: Mapping[str, Any]) -> RefusedChangeError:
    """Return what a model found wrong, at the column that the file has.

    Args:
        error: As pydantic describes it.
        record: The record of the file.
    """
    place = messages.place(error)
    first, _, rest = place.partition(".")
    name = next((alias for alias, ours in _ALIASES.items() if ours == first and alias in record), first)
    if name == "attributes" and rest and "attributes" not in record:
        name, rest = rest, ""
    column = name or "item_id"
    value = record.get(column.partition(".")[0], error.get("input"))
    shown = {**error, "input": value} if name in _ALIASES else error
    return RefusedChangeError(f"{column}.{rest}" if rest else column, value, messages.reason(shown), of_all=not name)


def _given(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a record but `op`, each said in one way."""
    for alias, ours in _ALIASES.items():
        if record.get(alias) is not None and record.get(ours) is not None:
            raise RefusedChangeError(alias, record[alias], f"is given beside {ours}, which says the same; give one of them")
    return {name: value for name, value in record.items() if name != "op" and not (value is None and _ALIASES.get(name) in record)}


def _list(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return [part for part in (part.strip() for part in value.split(LIST_SEPARATOR)) if part]


def _cents(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedChangeError("price", value, messages.reason({"type": "float_type", "input": value}))
    if not math.isfinite(value):
        raise RefusedChangeError("price", value, messages.reason({"type": "finite_number", "input": value}))
    return round(value * 100)


def _json_records(text: str) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        if not line.strip():
            continue
        try:
            record = orjson.loads(line)
        except ValueError as error:
            yield number, RefusedChangeError("line", line[:80], f"is not JSON ({error})")
            continue
        if not isinstance(record, dict):
            yield number, RefusedChangeError("line", line[:80], "is no JSON object")
            continue
        wrong = json_text.fault(line)
        yield number, record if wrong is None else RefusedChangeError("line", line[:80], wrong)


def _csv_records(text: str) -> Iterator[tuple[int, Row]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                yield reader.line_num, RefusedChangeError("line", reader.line_num, "has not as many cells as the header")
                continue
            try:
                # An empty cell says nothing; `null` in a JSON line is how a field is emptied.
                yield reader.line_num, {name: _cell(name, cell) for name, cell in row.items() if cell != ""}
            except RefusedChangeError as error:
                yield reader.line_num, error
    except csv.Error as error:
        yield reader.line_num, RefusedChangeError("line", reader.line_num, f"is not CSV ({error})")


def _cell(name: str, cell: str) -> Any:
    """Return a cell as JSON would have it."""
    trimmed = cell.strip()
    if name == "available":
        if trimmed not in ("true", "false"):
            raise RefusedChangeError(name, cell, messages.reason({"type": "bool_parsing", "input": cell}))
        return trimmed == "true"
    if name in _NUMBERS or name == "time":
        if _NUMBER.fullmatch(trimmed):
            return float(trimmed)
        if name != "time":
            raise RefusedChangeError(name, cell, messages.reason({"type": "float_parsing", "input": cell}))
    return cell
