"""Gorse's bulk files: JSON lines of users, items or feedback.

Labels may be a list of values, one value, or an object of them; as an object they become attributes by their keys.

Source: gorse.io, "Data objects" and "Import and export data".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import orjson

from etl.sources.formats import jsonl
from etl.sources.importers import IMPORTERS, Importer, Meaning, Table
from etl.sources.raw import RawFile, RawTable
from etl.sources.text.blocks import blocks
from kg.errors import InputError

OWN_LABELS = ("brand", "description", "price_cents")
"""Keys of an item's labels that are fields of ours; a raw column "Labels.brand" each. All others become attributes."""
UNKNOWN_TIME = "0001-01-01T00:00:00Z"
"""How Gorse writes that it does not know."""

_KEYS = {"ItemId", "UserId", "FeedbackType"}


def read(file: RawFile) -> Iterator[RawTable]:
    """Read a file of users, items or feedback.

    Raises:
        InputError: It is not text, or none of its objects is one of Gorse's.
    """
    known: set[str] = set()
    n_refused = 0
    for block in blocks(file):
        objects, refused = jsonl.objects(block.lines)
        rows = [(line, _row(record)) for line, record in objects]
        for _, record in objects:
            known.update(record)
        yield jsonl.table(file, rows, refused, block)
        n_refused += len(refused)
    if not known & _KEYS and not (file.may_be_empty and not known and not n_refused):
        raise InputError(f"{file.name} holds none of Gorse's objects", hint="write one object a line, with ItemId, UserId or FeedbackType")


def kind(feedback_type: str) -> str:
    """Return the kind of interaction that a feedback type is ("Add to cart" → "add_to_cart")."""
    return re.sub(r"[^a-z0-9]+", "_", feedback_type.lower()).strip("_")


def _row(record: Mapping[str, object]) -> dict[str, object]:
    labels = _labels(record.get("Labels"))
    row = {name: value for name, value in record.items() if name != "Labels"}
    if "IsHidden" in record:
        row["Available"] = "false" if record["IsHidden"] is True else "true"
    if str(record.get("Timestamp") or "").startswith("0001-01-01"):
        row["Timestamp"] = None
    if isinstance(record.get("FeedbackType"), str):
        row["Kind"] = kind(str(record["FeedbackType"]))
    row |= {f"Labels.{name}": labels.pop(name) for name in OWN_LABELS if not isinstance(labels.get(name, []), list)}
    if labels:
        row["Labels"] = orjson.dumps(labels).decode()
    return row


def _labels(labels: object) -> dict[str, object]:
    if isinstance(labels, dict):
        return dict(labels)
    return {"label": labels} if labels else {}


_ITEMS = Meaning(
    {
        **{"item_id": "ItemId", "title": "Comment", "categories": "Categories", "available": "Available"},
        **{name: f"Labels.{name}" for name in OWN_LABELS},
    },
    attributes_json="Labels",
)
_USERS = Meaning({"user_id": "UserId"}, attributes_json="Labels")
_FEEDBACK = Meaning({"user_id": "UserId", "item_id": "ItemId", "kind": "Kind", "time": "Timestamp", "rating": "Value"})


class GorseFiles(Importer):
    """Bulk files of Gorse."""

    name = "gorse"
    summary = "Gorse bulk files, JSON lines"
    tables = ("items", "interactions", "users")

    def read(self, file: RawFile) -> Iterator[RawTable]:
        """Read a file of users, items or feedback."""
        return read(file)

    def meaning(self, table: Table, file: RawFile) -> Meaning | None:
        """Return what the fields of a user, an item or feedback mean."""
        return {"items": _ITEMS, "users": _USERS, "interactions": _FEEDBACK}.get(table)


IMPORTERS.register(GorseFiles())
