"""RecBole's atomic files (.inter, .item, .user, .kg, .link): tab separated, no quoting, each column named with its type (`user_id:token`).

Values of a sequence are separated by spaces. A no-break space inside a value stands for a space of its own, as our exporter writes it.

Source: Zhao et al. 2021, arXiv:2011.01731; recbole.io, "Atomic files".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from etl.sources.formats import delimited
from etl.sources.importers import IMPORTERS, Importer, Meaning, Table
from etl.sources.mapping.attributes import attribute_name
from etl.sources.raw import RawFile, RawTable
from etl.sources.text.blocks import blocks
from kg.errors import InputError

TYPES = ("token", "token_seq", "float", "float_seq")
SPACE_INSIDE = "\N{NO-BREAK SPACE}"


def header(file: RawFile) -> dict[str, str]:
    """Return the columns of an atomic file: name → type.

    Raises:
        InputError: It is not text, or a column has no type of RecBole's.
    """
    first = next(iter(blocks(file)), None)
    line = (first.lines.texts[0] if first else None) or ""
    columns: dict[str, str] = {}
    for cell in line.split("\t"):
        name, colon, kind = cell.strip().rpartition(":")
        if not colon or kind not in TYPES or ":" in name:
            raise InputError(
                f"{file.name}: the column {cell[:80]!r} has no type", hint=f"write NAME:TYPE with one of {', '.join(TYPES)}, separated by tabs"
            )
        columns[name] = kind
    return columns


def column_name(written: str) -> str:
    """Return a column's name without its type."""
    return written.strip().rpartition(":")[0] or written.strip()


def read(file: RawFile) -> Iterator[RawTable]:
    """Read an atomic file.

    Raises:
        InputError: It is not text, has a column without a type, or lacks a wanted one.
    """
    sequences = [name for name, kind in header(file).items() if kind.endswith("_seq") and name in file.wanted]
    for table in delimited.read(replace(file, delimiter="\t", named=column_name, quoting=False)):
        yield replace(table, frame=table.frame.with_columns(_sequence(name) for name in sequences if name in table.frame.columns))


def _sequence(name: str) -> pl.Expr:
    return pl.col(name).str.split(" ").list.eval(pl.element().str.replace_all(SPACE_INSIDE, " ", literal=True))


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


def _meaning(table: Table, columns_of: Mapping[str, str]) -> Meaning:
    columns: dict[str, str | list[str]] = {}
    for ours in _OURS[table]:
        result = next((name for name in _SYNONYMS[ours] if name in columns_of), None)
        if result and not (ours == "price_cents" and "price" in columns):
            columns[ours] = result
    if table in ("items", "users"):
        taken = {name for names in columns.values() for name in ([names] if isinstance(names, str) else names)}
        columns |= {attribute_name(name): name for name, kind in columns_of.items() if name not in taken and kind.startswith("token")}
    kind = "" if "kind" in columns else "rating" if "rating" in columns else "purchase"
    return Meaning(columns, kind=kind if table == "interactions" else "")


class AtomicFiles(Importer):
    """Atomic files of RecBole."""

    name = "recbole"
    summary = "RecBole atomic files"
    suffixes = ("inter", "item", "user", "kg", "link")
    delimiter = "\t"
    tables = ("items", "interactions", "users", "triples")
    bare_entities = True

    def read(self, file: RawFile) -> Iterator[RawTable]:
        """Read an atomic file."""
        return read(file)

    def meaning(self, table: Table, file: RawFile) -> Meaning | None:
        """Return what the columns of an atomic file mean by their names and types."""
        return _meaning(table, header(file))


IMPORTERS.register(AtomicFiles())
