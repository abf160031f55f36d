"""The catalogue as Gorse's bulk files: users, items and feedback as JSON lines.

Gorse keeps of an event its type, user, item, time and value; quantities and prices of events are not carried. Brand, description, price and
attributes of an item are its labels.

Source: gorse.io, "Data objects" and "Import and export data".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from etl.export.exporters import EXPORTERS, ExportedBuild, Exporter
from kg.tables import ITEM_COLUMNS, Catalog

FILES = ("items.jsonl", "users.jsonl", "feedback.jsonl")
_UNKNOWN_TIME = "0001-01-01T00:00:00Z"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_S = 253_402_300_799
"""The end of the year 9999, where its times end."""
_OWN = ("brand", "description", "price_cents")


def write_gorse(catalog: Catalog, folder: Path) -> None:
    """Write the three files into a folder that exists."""
    for name, rows in zip(FILES, (_items(catalog), _users(catalog), _feedback(catalog)), strict=True):
        _write(rows, folder / name)


def _items(catalog: Catalog) -> Iterator[dict[str, object]]:
    for row in catalog.items.iter_rows(named=True):
        labels = {name: row[name] for name in _OWN if row[name] is not None}
        labels |= {name: values for name, values in row.items() if name not in ITEM_COLUMNS and values}
        yield {
            "ItemId": row["item_id"],
            "IsHidden": row["available"] is False,
            "Categories": row["categories"],
            "Timestamp": _UNKNOWN_TIME,
            "Labels": labels,
            "Comment": row["title"] or "",
        }


def _users(catalog: Catalog) -> Iterator[dict[str, object]]:
    for row in catalog.users.iter_rows(named=True):
        yield {"UserId": row.pop("user_id"), "Labels": {name: values for name, values in row.items() if values}, "Comment": ""}


def _feedback(catalog: Catalog) -> Iterator[dict[str, object]]:
    for row in catalog.interactions.select("kind", "user_id", "item_id", "time", "rating").iter_rows(named=True):
        value = {} if row["rating"] is None else {"Value": row["rating"]}
        said = {"FeedbackType": row["kind"], "UserId": row["user_id"], "ItemId": row["item_id"], "Timestamp": timestamp(row["time"])}
        yield {**said, **value, "Comment": ""}


def timestamp(time: float | None) -> str:
    """Return Unix seconds as RFC 3339, to the microsecond; times that Gorse cannot hold as unknown.

    >>> timestamp(1714557600.25), timestamp(None)
    ('2024-05-01T10:00:00.250000Z', '0001-01-01T00:00:00Z')
    """
    if time is None or not 0 <= time <= _LAST_S:
        return _UNKNOWN_TIME
    return (_EPOCH + timedelta(microseconds=round(time * 1e6))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _write(rows: Iterable[dict[str, object]], path: Path) -> None:
    with path.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(row) + b"\n")


class GorseFiles(Exporter):
    """Write the catalogue as bulk files."""

    name = "gorse"
    writes = "catalogue: items.jsonl, users.jsonl, feedback.jsonl"
    keeps = "not: quantity and price of events, an availability that is not known"

    def write(self, build: ExportedBuild, path: Path) -> None:
        """Write the catalogue of a build as bulk files."""
        write_gorse(build.catalog, path)


EXPORTERS.register(GorseFiles())
