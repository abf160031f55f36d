"""JSON lines, in chunks: one object a line, every value as the text it was written with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson
import polars as pl

from etl.sources.importers import IMPORTERS, Importer
from etl.sources.raw import LINE, RawFile, RawTable, reject_rows
from etl.sources.text.blocks import Block, Lines, blocks
from kg.errors import InputError

_LIST = pl.List(pl.String())


def read(file: RawFile) -> Iterator[RawTable]:
    """Read a file of JSON objects, one a line. A key that some objects lack is an empty cell there; one that all lack is an error.

    Raises:
        InputError: It is not text, holds no JSON object, or no object has a wanted key.
    """
    known: dict[str, None] = {}
    n_refused = 0
    for block in blocks(file):
        rows, refused = objects(block.lines)
        for _, row in rows:
            known.update(dict.fromkeys(row))
        yield table(file, rows, refused, block)
        n_refused += len(refused)
    if not known and file.may_be_empty and not n_refused:
        return
    if not known:
        raise InputError(f"{file.name} holds no JSON object", hint="write one JSON object a line")
    file.present([*known])


def objects(lines: Lines) -> tuple[list[tuple[int, dict[str, object]]], list[tuple[int, str, str]]]:
    """Return the JSON objects of some lines by line number, and (line, text, why) of the lines that are none."""
    rows: list[tuple[int, dict[str, object]]] = []
    refused: list[tuple[int, str, str]] = []
    for number, text in enumerate(lines.texts, start=lines.first):
        if text is None:
            refused.append((number, *lines.broken[number]))
            continue
        if not text.strip():
            continue
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            refused.append((number, text, f"is not JSON: {error.msg}"))
            continue
        if isinstance(row, dict):
            rows.append((number, row))
        else:
            refused.append((number, text, "is not a JSON object"))
    return rows, refused


def table(
    file: RawFile,
    rows: Sequence[tuple[int, Mapping[str, object]]],
    refused: Sequence[tuple[int, str, str]],
    block: Block,
    empty: Mapping[str, int] | None = None,
) -> RawTable:
    """Return the records of a block as a chunk of a file."""
    native = frozenset(name for name in file.wanted if any(isinstance(row.get(name), float) for _, row in rows))
    return RawTable(file.name, frame(file.wanted, rows), reject_rows(file.name, refused), block.read_fraction, block.encoding, empty or {}, native)


def frame(wanted: Sequence[str], rows: Sequence[tuple[int, Mapping[str, object]]]) -> pl.DataFrame:
    """Return records as a table: `__line` and one text or list column per wanted name, empty where a record lacks it."""
    columns: dict[str, pl.Series] = {LINE: pl.Series([number for number, _ in rows], dtype=pl.Int64)}
    for name in dict.fromkeys(wanted):
        values = [row.get(name) for _, row in rows]
        if any(isinstance(value, list) for value in values):
            columns[name] = pl.Series([_texts(value) for value in values], dtype=_LIST)
        else:
            columns[name] = pl.Series([_text(value) for value in values], dtype=pl.String)
    return pl.DataFrame(columns)


def _texts(value: object) -> list[str | None] | None:
    if value is None:
        return None
    return [_text(each) for each in value] if isinstance(value, list) else [_text(value)]


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        # Identifiers that passed through a floating-point column come as 12345.0.
        return str(int(value))
    return orjson.dumps(value).decode()


class JsonLines(Importer):
    """One JSON object a line."""

    name = "jsonl"
    summary = 'mapped; a list is many values, `{"en": …}` a text in several languages'
    suffixes = ("jsonl", "ndjson")

    def read(self, file: RawFile) -> Iterator[RawTable]:
        """Read a file of JSON lines."""
        return read(file)


IMPORTERS.register(JsonLines())
