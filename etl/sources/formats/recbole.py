"""RecBole's atomic files (.inter, .item, .user, .kg, .link): tab separated, no quoting, each column named with its type (`user_id:token`).

Values of a sequence are separated by spaces. A no-break space inside a value stands for a space of its own, as our exporter writes it.

Source: Zhao et al. 2021, arXiv:2011.01731; recbole.io, "Atomic files".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from etl.sources.formats import delimited
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
