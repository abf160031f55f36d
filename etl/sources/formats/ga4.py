"""Google Analytics 4 e-commerce events as BigQuery exports them: one JSON object a line, one event each, with the items it is about.

An event becomes one row per item. Events that name no item (page_view, a search without results) say nothing about items and are counted as empty.

Source: Google Analytics Help, "BigQuery Export schema"; developers.google.com, "Measure ecommerce".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from etl.sources.formats import jsonl
from etl.sources.importers import IMPORTERS, Importer, Meaning, Table
from etl.sources.raw import RawFile, RawTable
from etl.sources.text.blocks import blocks
from kg.errors import InputError

KINDS: Mapping[str, str] = {
    "view_item": "view",
    "add_to_cart": "cart",
    "purchase": "purchase",
    "view_search_results": "search",
    "select_item": "click",
    "view_item_list": "impression",
    "add_to_wishlist": "wishlist",
}
"""Event name → kind of interaction."""

_UNSET = {"(not set)", "(not provided)", ""}
_CATEGORIES = ("item_category", "item_category2", "item_category3", "item_category4", "item_category5")


def read(file: RawFile) -> Iterator[RawTable]:
    """Read an export.

    Raises:
        InputError: It is not text, or none of its lines is an event.
    """
    n_events = n_refused = 0
    for block in blocks(file):
        objects, refused = jsonl.objects(block.lines)
        rows: list[tuple[int, Mapping[str, object]]] = []
        empty: Counter[str] = Counter()
        for line, event in objects:
            problem = _problem(event)
            if problem:
                refused.append((line, str(event)[:200], problem))
                continue
            n_events += 1
            result = list(_rows(event, items_only="user" not in file.wanted))
            rows += [(line, row) for row in result]
            if not result:
                empty[f"{event['event_name']} names no item, or is no e-commerce event"] += 1
        refused.sort()
        yield jsonl.table(file, rows, refused, block, empty)
        n_refused += len(refused)
    if not n_events and not (file.may_be_empty and not n_refused):
        raise InputError(f"{file.name} holds no GA4 event", hint="write one event a line, each with `event_name`, as BigQuery exports them")


def _problem(event: Mapping[str, object]) -> str:
    if not isinstance(event.get("event_name"), str):
        return "has no event_name"
    items = event.get("items")
    if items is not None and not (isinstance(items, list) and all(isinstance(item, dict) for item in items)):
        return "items is not a list of objects"
    try:
        _seconds(event.get("event_timestamp"))
    except (TypeError, ValueError):
        return "event_timestamp is not a number of microseconds"
    return ""


def _rows(event: Mapping[str, object], *, items_only: bool) -> Iterator[dict[str, object]]:
    """Give the event's rows; for a catalogue every item counts, whatever happened to it."""
    kind = KINDS.get(str(event["event_name"]))
    items = event.get("items")
    if not isinstance(items, list) or (kind is None and not items_only):
        return
    ecommerce = event.get("ecommerce")
    shared = {
        "event_kind": kind,
        "user": _set(event.get("user_id")) or _set(event.get("user_pseudo_id")),
        "event_time": _seconds(event.get("event_timestamp")),
        "transaction_id": _set(ecommerce.get("transaction_id")) if isinstance(ecommerce, dict) else None,
    }
    for item in items:
        row = {name: _set(value) for name, value in item.items()}
        categories = [value for name in _CATEGORIES if isinstance(value := row.get(name), str)]
        yield {**row, **shared, "categories": categories, "paid": _paid(row), "purchase_line": _line(row, shared["transaction_id"])}


def _line(row: Mapping[str, object], transaction_id: object) -> str | None:
    """Return what identifies a line of a transaction: a page that is loaded again sends its purchase again, at another time."""
    if transaction_id is None:
        return None
    return "/".join(str(part) for part in (transaction_id, row.get("item_variant"), row.get("quantity"), row.get("price"), row.get("item_revenue")))


def _paid(row: Mapping[str, object]) -> object:
    """Return what was paid for all pieces of an item: `item_revenue`, or `price`, which GA4 counts by piece, times `quantity`."""
    price, quantity, revenue = row.get("price"), row.get("quantity"), row.get("item_revenue")
    if revenue is not None:
        return revenue
    try:
        # Six places are far below a cent, and above what a product of floating point numbers adds.
        return price if price is None or quantity is None else round(float(str(price)) * float(str(quantity)), 6)
    except ValueError:
        # It is refused where the column is read, by its place and value.
        return price


def _set(value: object) -> object:
    return None if isinstance(value, str) and value.strip() in _UNSET else value


def _seconds(microseconds: object) -> float | None:
    if microseconds is None:
        return None
    if isinstance(microseconds, bool) or not isinstance(microseconds, int | float | str):
        raise TypeError(microseconds)
    return int(microseconds) / 1e6


_EVENTS = Meaning(
    {
        **{"user_id": "user", "item_id": "item_id", "kind": "event_kind", "time": "event_time"},
        **{"quantity": "quantity", "price": "paid", "order": "transaction_id", "event_id": "purchase_line"},
    }
)
_ITEMS = Meaning(
    {"item_id": "item_id", "title": "item_name", "brand": "item_brand", "categories": "categories", "price": "price", "variant": "item_variant"},
    repeated="first",
)


class AnalyticsExport(Importer):
    """An export of GA4."""

    name = "ga4"
    summary = "GA4 e-commerce events, JSON lines as BigQuery exports them"
    tables = ("items", "interactions")

    def read(self, file: RawFile) -> Iterator[RawTable]:
        """Read an export."""
        return read(file)

    def meaning(self, table: Table, file: RawFile) -> Meaning | None:
        """Return what the fields of an event, or of its items, mean."""
        return {"items": _ITEMS, "interactions": _EVENTS}.get(table)


IMPORTERS.register(AnalyticsExport())
