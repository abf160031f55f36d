"""CSV (RFC 4180) and TSV, in chunks, with exact line numbers and every malformed record refused by itself.

Lines without a quote, which are nearly all, are split by polars in one go; the others go through Python's `csv`, one record at a time.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from etl.sources.importers import IMPORTERS, Importer
from etl.sources.raw import LINE, RawFile, RawTable, reject_rows
from etl.sources.text.blocks import MAX_LINE_BYTES, Block, Lines, blocks
from kg.errors import InputError

MAX_RECORD_LINES = 1000
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


def read(file: RawFile) -> Iterator[RawTable]:
    """Read a delimited file whose first record names its columns.

    Raises:
        InputError: It is not text, names a column twice, or lacks a wanted one.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    header: _Header | None = None
    waiting = Lines(1, [])
    for block in blocks(file):
        lines = waiting.followed_by(block.lines)
        if header is None:
            header = _header(file, lines)
            lines = lines.after(header.length)
        chunk = _Chunk(file, header, lines)
        waiting = lines.after(chunk.take_apart(last=block.last))
        yield chunk.table(block)
    if header is None:
        raise InputError(f"{file.name} is empty", hint="export it again")


@dataclass(frozen=True)
class _Record:
    """A record with quotes: its cells, or why it has none; `length` lines of the file."""

    cells: list[str]
    length: int
    why: str = ""
    still_open: bool = False


@dataclass(frozen=True)
class _Header:
    """The first record: its cells as written, the columns they name, and how many lines it takes."""

    cells: list[str]
    names: list[str]
    length: int


class _Chunk:
    """The records of some lines, taken apart."""

    def __init__(self, file: RawFile, header: _Header, lines: Lines) -> None:
        self._file = file
        self._lines = lines
        self._header = header.cells
        self._width = len(header.cells)
        self._wanted = {name: header.names.index(name) for name in file.present(header.names)}
        self._refused: list[tuple[int, str, str]] = []
        self._frames: list[pl.DataFrame] = []

    def take_apart(self, *, last: bool) -> int:
        """Take the lines apart and return how many were used: a record still open at the end waits for more lines, unless these are the last."""
        texts = pl.Series(self._lines.texts, dtype=pl.String)
        inside: set[int] = set()
        quoted: list[tuple[int, list[str]]] = []
        used = len(texts)
        with_quotes = set(texts.str.contains('"', literal=True).fill_null(False).arg_true().to_list()) if self._file.quoting else set()
        for start in sorted(with_quotes):
            if start in inside or start >= used:
                continue
            for n, record in self._records(start, with_quotes):
                if record.still_open and not last and len(texts) - n < MAX_RECORD_LINES:
                    used = n
                    break
                inside.update(range(n, n + record.length))
                if record.why:
                    self._refused.append((self._lines.number(n), self._lines.texts[n] or "", record.why))
                else:
                    quoted.append((n, record.cells))
        rows = pl.DataFrame({LINE: pl.int_range(len(texts), eager=True), "text": texts}).head(used)
        self._split(rows.filter(~pl.col(LINE).is_in(sorted(inside))) if inside else rows)
        self._join(quoted)
        return used

    def table(self, block: Block) -> RawTable:
        """Return the wanted columns, in the order of the file."""
        schema = {LINE: pl.Int64(), **{name: pl.String() for name in self._wanted}}
        frame = pl.concat([pl.DataFrame(schema=schema), *self._frames])
        ordered = self._without_headers(frame.sort(LINE) if len(self._frames) > 1 else frame)
        return RawTable(self._file.name, ordered, reject_rows(self._file.name, sorted(self._refused)), block.read_fraction, block.encoding)

    def _without_headers(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Leave out records that repeat the header, as files have that were put together from several."""
        if not self._wanted:
            return frame
        repeats = frame.select(pl.all_horizontal((pl.col(name) == self._header[n]).fill_null(False) for name, n in self._wanted.items())).to_series()
        if not repeats.any():
            return frame
        for line in frame.filter(repeats)[LINE]:
            self._refused.append((line, self._file.delimiter.join(self._header), "repeats the header"))
        return frame.filter(~repeats)

    def _records(self, n: int, with_quotes: set[int]) -> Iterator[tuple[int, _Record]]:
        """Give the records from line n on, as long as each starts in a line with a quote; the last one given is the first that is wrong."""
        texts = self._lines.texts
        end = n + MAX_RECORD_LINES

        def lines() -> Iterator[str]:
            m = n
            while m < min(end, len(texts)):
                yield (texts[m] or "") + "\n"
                m += 1

        reader = csv.reader(lines(), delimiter=self._file.delimiter, strict=True)
        start = n
        while n in with_quotes:
            try:
                cells = next(reader)
            except csv.Error as error:
                yield n, self._wrong(texts[n] or "", str(error))
                return
            length = start + reader.line_num - n
            broken = [self._lines.broken[self._lines.number(m)][1] for m in range(n, min(n + length, len(texts))) if texts[m] is None]
            yield n, _Record(cells, length, broken[0] if broken else "")
            n += length
            end = n + MAX_RECORD_LINES

    def _wrong(self, text: str, error: str) -> _Record:
        if self._file.delimiter == "\t":
            # Most TSV files know no quotes: what is not a proper quotation stands for itself.
            return _Record(text.split("\t"), 1)
        still_open = "end of data" in error
        return _Record([], 1, "has a quote that is never closed" if still_open else f"is not CSV: {error}", still_open)

    def _split(self, rows: pl.DataFrame) -> None:
        broken = rows.filter(pl.col("text").is_null())[LINE].to_list()
        self._refused += [(self._lines.number(n), *self._lines.broken[self._lines.number(n)]) for n in broken]
        lines = rows.filter(pl.col("text").str.len_bytes() > 0).with_columns(cells=pl.col("text").str.split(self._file.delimiter))
        right = pl.col("cells").list.len() == self._width
        for n, text, cells in lines.filter(~right).iter_rows():
            self._refused.append((self._lines.number(n), text, self._wrong_width(len(cells))))
        result = {name: pl.col("cells").list.get(n, null_on_oob=True) for name, n in self._wanted.items()}
        self._frames.append(lines.filter(right).select(pl.col(LINE) + self._lines.first, **result))

    def _join(self, quoted: list[tuple[int, list[str]]]) -> None:
        right = [(self._lines.number(n), cells) for n, cells in quoted if len(cells) == self._width]
        for n, cells in quoted:
            if len(cells) != self._width:
                self._refused.append((self._lines.number(n), self._lines.texts[n] or "", self._wrong_width(len(cells))))
        if right:
            columns = {LINE: [line for line, _ in right], **{name: [cells[n] for _, cells in right] for name, n in self._wanted.items()}}
            self._frames.append(pl.DataFrame(columns, schema={LINE: pl.Int64(), **{name: pl.String() for name in self._wanted}}))

    def _wrong_width(self, width: int) -> str:
        return f"has {width} cells where the header has {self._width}"


def _header(file: RawFile, lines: Lines) -> _Header:
    if lines.texts and lines.texts[0] is None:
        raise InputError(f"{file.name}: its first line, which names the columns, {lines.broken[lines.first][1]}", hint="export it again")
    reader = csv.reader((f"{line or ''}\n" for line in lines.texts[:MAX_RECORD_LINES]), delimiter=file.delimiter)
    try:
        cells = next(reader, [])
    except csv.Error as error:
        raise InputError(
            f"{file.name}: its first line is not CSV: {error}", hint="end each line by a line feed, and name the columns in the first"
        ) from None
    names = [file.named(cell) for cell in cells]
    repeated = sorted({name for name in names if names.count(name) > 1 and name in file.wanted})
    if repeated:
        raise InputError(f"{file.name} names the column {repeated[0]!r} twice", hint="rename one of them")
    if len(names) == 1:
        for delimiter, called in _DELIMITERS.items():
            if delimiter in names[0] and delimiter != file.delimiter:
                raise InputError(f"{file.name} separates its cells by {called}", hint=f'write `delimiter = "{_shown(delimiter)}"` in its [[source]]')
    file.present(names)
    return _Header(cells, names, reader.line_num)


def _shown(delimiter: str) -> str:
    return "\\t" if delimiter == "\t" else delimiter


class Csv(Importer):
    """Values separated by commas, or by what `delimiter` says."""

    name = "csv"
    summary = "mapped by `columns`; `delimiter` where it is no comma"
    suffixes = ("csv",)

    def read(self, file: RawFile) -> Iterator[RawTable]:
        """Read a delimited file."""
        return read(file)


class Tsv(Importer):
    """Values separated by tabs."""

    name = "tsv"
    summary = "mapped"
    suffixes = ("tsv", "tab")
    delimiter = "\t"

    def read(self, file: RawFile) -> Iterator[RawTable]:
        """Read a delimited file."""
        return read(file)


IMPORTERS.register(Csv())
IMPORTERS.register(Tsv())
