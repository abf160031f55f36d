"""What the formats that we know mean: their columns as ours, so that a shop that exports them need not say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from etl.settings import REQUIRED, SourceConfig
from etl.sources import registry
from etl.sources.formats import gorse, merchant, recbole
from etl.sources.mapping.attributes import attribute_name
from etl.sources.raw import RawFile
from kg.errors import InputError

Columns = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Meaning:
    """What one table of a format says by default.

    Attributes:
        columns: Our column → the format's.
        split: Our column → separator of many values in one cell.
        attributes_json: The format's column that holds an object of attributes.
        repeated: What rows that repeat an id mean.
        kind: Kind of interaction where no column says it.
    """

    columns: Columns
    split: Mapping[str, str] = field(default_factory=dict)
    attributes_json: str = ""
    repeated: str = "reject"
    kind: str = ""


_SALE = ("sale_price", "sale_dates")
GMC = Meaning(
    {
        **{name: name for name in ("title", "description", "brand", "gtin", "mpn", "color", "size", "material", "pattern", "gender", "age_group")},
        **{"item_id": "id", "price": "price", "available": "availability", "condition": "condition", "item_group": "item_group_id"},
        **{"sale_price": "sale_price", "sale_dates": "sale_price_effective_date"},
        "categories": ["product_type", "google_product_category"],
    },
    split={"categories": ">", "color": "/", "material": "/"},
    attributes_json=merchant.DETAILS,
)
GA4_EVENTS = Meaning(
    {
        **{"user_id": "user", "item_id": "item_id", "kind": "event_kind", "time": "event_time"},
        **{"quantity": "quantity", "price": "paid", "order": "transaction_id", "event_id": "purchase_line"},
    }
)
GA4_ITEMS = Meaning(
    {"item_id": "item_id", "title": "item_name", "brand": "item_brand", "categories": "categories", "price": "price", "variant": "item_variant"},
    repeated="first",
)
GORSE_ITEMS = Meaning(
    {
        **{"item_id": "ItemId", "title": "Comment", "categories": "Categories", "available": "Available"},
        **{name: f"Labels.{name}" for name in gorse.OWN_LABELS},
    },
    attributes_json="Labels",
)
GORSE_USERS = Meaning({"user_id": "UserId"}, attributes_json="Labels")
GORSE_FEEDBACK = Meaning({"user_id": "UserId", "item_id": "ItemId", "kind": "Kind", "time": "Timestamp", "rating": "Value"})

_STATIC: Mapping[tuple[str, str], Meaning] = {
    ("gmc", "items"): GMC,
    ("ga4", "interactions"): GA4_EVENTS,
    ("ga4", "items"): GA4_ITEMS,
    ("gorse", "items"): GORSE_ITEMS,
    ("gorse", "users"): GORSE_USERS,
    ("gorse", "interactions"): GORSE_FEEDBACK,
}

_SYNONYMS: Mapping[str, Sequence[str]] = {
    "user_id": ("user_id", "uid", "session_id"),
    "item_id": ("item_id", "iid", "item_id_list"),
    "time": ("timestamp", "time"),
    "rating": ("rating",),
    "kind": ("kind", "behavior", "behavior_type"),
    "quantity": ("quantity",),
    "price": ("price",),
    "price_cents": ("price_cents",),
    "order": ("order",),
    "title": ("title", "name", "item_name", "movie_title", "product_title"),
    "description": ("description",),
    "brand": ("brand", "item_brand"),
    "categories": ("categories", "category", "class", "genre", "genres"),
    "available": ("available",),
    "head": ("head_id", "head"),
    "relation": ("relation_id", "relation"),
    "tail": ("tail_id", "tail"),
}
"""Our column → what RecBole's data sets call it, the first one that a file has."""

_OURS: Mapping[str, Sequence[str]] = {
    "items": ("item_id", "title", "description", "brand", "categories", "price", "price_cents", "available"),
    "interactions": ("user_id", "item_id", "time", "rating", "kind", "quantity", "price", "price_cents", "order"),
    "users": ("user_id",),
    "triples": ("head", "relation", "tail"),
}


@dataclass(frozen=True)
class Prepared:
    """A source whose file has been found.

    Attributes:
        source: Its declaration, complete.
        file: Its file.
        file_format: How it is read.
        optional: The file's columns that may be missing.
    """

    source: SourceConfig
    file: RawFile
    file_format: str
    optional: frozenset[str] = frozenset()


def prepared(source: SourceConfig, path: Path) -> Prepared:
    """Complete a source's declaration from what its format says.

    Args:
        source: As reckon.toml declares it.
        path: Where its file is.

    Raises:
        InputError: The file is not of its format, or nothing in it is a column that the table needs.
    """
    file_format = source.file_format or registry.format_of(path)
    bound = int(source.max_line_mb * 2**20)
    file = registry.opened(path, file_format=file_format, delimiter=source.delimiter, encoding=source.encoding, max_line_bytes=bound)
    file = replace(file, may_be_empty=source.table != "items")
    if file_format == "recbole":
        meaning = _recbole(source, recbole.header(file))
    elif (file_format, source.table) in _STATIC:
        meaning = _STATIC[file_format, source.table]
    else:
        return Prepared(source, file, file_format)
    return _merged(source, meaning, file, file_format)


def _merged(source: SourceConfig, meaning: Meaning, file: RawFile, file_format: str) -> Prepared:
    columns = {**meaning.columns, **source.columns}
    if "price" in source.columns:
        # Who names the price themselves means that one.
        columns = {ours: theirs for ours, theirs in columns.items() if ours not in _SALE or ours in source.columns}
    if "price_cents" in source.columns:
        columns = {ours: theirs for ours, theirs in columns.items() if ours not in ("price", *_SALE)}
    columns = {ours: theirs for ours, theirs in columns.items() if theirs}
    missing = [name for name in REQUIRED[source.table] if name not in columns]
    if missing:
        raise InputError(f"{file.name} has no column for {', '.join(missing)}", hint="name it under `columns` in its [[source]]")
    complete = source.model_copy(
        update={
            "columns": columns,
            "split": {ours: separator for ours, separator in {**meaning.split, **source.split}.items() if ours in columns},
            "attributes_json": source.attributes_json or meaning.attributes_json,
            "repeated": source.repeated or meaning.repeated,
            "kind": source.kind or ("" if "kind" in columns else meaning.kind),
        }
    )
    required = {part for name in REQUIRED[source.table] for part in _parts(columns[name])}
    stated = {part for names in source.columns.values() for part in _parts(names)}
    by_default = {part for names in meaning.columns.values() for part in _parts(names)} | {meaning.attributes_json}
    return Prepared(complete, replace(file, wanted=complete.wanted), file_format, frozenset(by_default - required - stated))


def _parts(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def _recbole(source: SourceConfig, header: Mapping[str, str]) -> Meaning:
    columns: dict[str, str | list[str]] = {}
    for ours in _OURS[source.table]:
        found = next((name for name in _SYNONYMS[ours] if name in header), None)
        if found and not (ours == "price_cents" and "price" in columns):
            columns[ours] = found
    if source.table in ("items", "users"):
        taken = {name for names in columns.values() for name in _parts(names)}
        columns |= {attribute_name(name): name for name, kind in header.items() if name not in taken and kind.startswith("token")}
    kind = "" if "kind" in columns else "rating" if "rating" in columns else "purchase"
    return Meaning(columns, kind=kind if source.table == "interactions" else "")
