"""Changes of the catalogue while the shop is open: what an item is after them. Pure, so that a rebuild, the worker and the API agree.

An item's fields are one JSON-ready dict: those of `kg.tables.ITEM_COLUMNS` but the id, and `attributes`, name → values. A field that is left out
or null is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from kg.catalog.records import Fields, ItemChange
from kg.extract.text import plain
from kg.tables import ITEM_COLUMNS

FIELDS = tuple(name for name in ITEM_COLUMNS if name != "item_id")


def changed(fields: Fields | None, changes: Iterable[ItemChange]) -> Fields | None:
    """Return an item's fields after changes in order; None where there is no such item.

    Args:
        fields: Before them.
        changes: Of this item.
    """
    now = None if fields is None else dict(fields)
    for change in changes:
        if change.operation == "delete":
            now = None
        elif change.operation == "put":
            now = _patched({}, change.fields)
        elif change.operation == "upsert" or (change.operation == "patch" and now is not None):
            now = _patched(now or {}, change.fields)
    return now


def by_item(changes: Iterable[ItemChange]) -> dict[str, list[ItemChange]]:
    """Return the changes of each item, in order."""
    grouped: dict[str, list[ItemChange]] = {}
    for change in changes:
        grouped.setdefault(change.item_id, []).append(change)
    return grouped


def fields_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a row of an items table."""
    attributes = {name: list(values) for name, values in row.items() if name not in ITEM_COLUMNS and values}
    given = {name: row[name] for name in FIELDS if row[name] is not None}
    return _patched({}, {**given, "attributes": attributes})


def items_frame(rows: Sequence[tuple[str, Fields]]) -> pl.DataFrame:
    """Return (item_id, fields) as an items table (`kg.tables.items_table`)."""
    extras = sorted({name for _, fields in rows for name in fields.get("attributes", {})})
    columns = {**ITEM_COLUMNS, **dict.fromkeys(extras, pl.List(pl.String()))}
    records = [
        {
            "item_id": item_id,
            **{name: fields.get(name) for name in FIELDS},
            "title": _shown(fields.get("title")),
            "categories": list(fields.get("categories", ())),
            **{name: list(fields.get("attributes", {}).get(name, ())) for name in extras},
        }
        for item_id, fields in rows
    ]
    return pl.DataFrame(records, schema=columns)


def overlaid(items: pl.DataFrame, changes: Iterable[ItemChange]) -> pl.DataFrame:
    """Return an items table as it is after changes.

    Args:
        items: One row per item_id (`kg.tables.ITEM_COLUMNS` and attribute columns).
        changes: In order.
    """
    touched = by_item(changes)
    if not touched:
        return items
    is_touched = pl.col("item_id").is_in(pl.Series([*touched], dtype=pl.String).implode())
    before = {str(row["item_id"]): fields_of(row) for row in items.filter(is_touched).iter_rows(named=True)}
    after = [(item_id, fields) for item_id, of_item in touched.items() if (fields := changed(before.get(item_id), of_item)) is not None]
    frame = pl.concat([items.filter(~is_touched), items_frame(after)], how="diagonal")
    empty = pl.lit([], dtype=pl.List(pl.String()))
    lists = [name for name, dtype in frame.schema.items() if dtype == pl.List(pl.String())]
    return frame.with_columns(pl.col(name).fill_null(empty) for name in lists)


def _patched(fields: Mapping[str, Any], given: Fields) -> dict[str, Any]:
    now = dict(fields)
    for name, value in given.items():
        if name == "attributes":
            merged = {**now.get("attributes", {}), **{key: list(values) for key, values in (value or {}).items() if values}}
            dropped = {key for key, values in (value or {}).items() if not values}
            now["attributes"] = {key: values for key, values in merged.items() if key not in dropped} if value is not None else {}
        elif value is None or (name == "categories" and not value):
            now.pop(name, None)
        else:
            now[name] = value
    if not now.get("attributes"):
        now.pop("attributes", None)
    return now


def _shown(title: str | None) -> str | None:
    """Return a title as it is shown; the ledger keeps what was sent."""
    return None if title is None else plain(title) or title
