"""Text files in blocks of whole lines, plain or gzipped, with bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from etl.sources.raw import RawFile
from etl.sources.text import encodings, streams
from etl.sources.text.encodings import Decoder
from kg.errors import InputError

BLOCK_BYTES = 1 << 24
MAX_LINE_BYTES = 1 << 24

NOT_UTF8 = "is not UTF-8 as other lines of the file are; write the whole file in one encoding"
HAS_NUL = "holds a NUL byte, which no text has; export the record again"
_MOST_NULS = 0.05
"""A file whose start holds more of them is no text at all."""
_QUOTED = re.compile(rb'"[^"]*"')

_OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_MAGIC = {b"PAR1": "a Parquet file", b"PK\x03\x04": "a ZIP archive or an Excel workbook", b"\xd0\xcf\x11\xe0": "an old Excel workbook"}


@dataclass(frozen=True)
class Lines:
    """Consecutive lines of a file.

    Attributes:
        first: Number of the first one, from 1.
        texts: Their text without line ends; None for a line that is not text in the file's encoding.
        broken: Line number → what could be read of such a line, and what is wrong with it.
    """

    first: int
    texts: list[str | None]
    broken: dict[int, tuple[str, str]] = field(default_factory=dict)

    def number(self, n: int) -> int:
        """Return the number in the file of the n-th line, n from 0."""
        return self.first + n

    def after(self, n: int) -> Lines:
        """Return the lines without the first n."""
        return Lines(self.first + n, self.texts[n:], {line: text for line, text in self.broken.items() if line >= self.first + n})

    def followed_by(self, more: Lines) -> Lines:
        """Return these lines and the ones that come next."""
        return Lines(self.first, [*self.texts, *more.texts], {**self.broken, **more.broken}) if self.texts else more


@dataclass(frozen=True)
class Block:
    """A part of a file, cut between lines.

    Attributes:
        lines: Its lines.
        read_fraction: How much of the file has been read.
        last: Whether it is the end of the file.
        encoding: What the file is written in, as far as it has been read.
    """

    lines: Lines
    read_fraction: float
    last: bool
    encoding: str


def blocks(file: RawFile, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Give a text file's lines in blocks.

    Raises:
        InputError: It is not text, is damaged, or has a line beyond all bounds.
    """
    decoder = Decoder(file.encoding, lambda: _pieces(file))
    line, rest = 1, b""
    longest = file.max_line_bytes or MAX_LINE_BYTES
    with streams.opened(file) as stream:
        read = stream.read(block_bytes)
        check_start(file.name, read)
        if read.startswith(encodings.BOM):
            decoder.starts_with_mark()
            read = read.removeprefix(encodings.BOM)
        old_mac = _ends_lines_by_returns(read)
        while read or rest:
            following = stream.read(block_bytes)
            read = read.replace(b"\r", b"\n") if old_mac else read
            data = rest + read
            end = data.rfind(b"\n") + 1 if following else len(data)
            rest = data[end:]
            _check_length(file.name, max(len(rest), _longest(data[:end], longest)), longest, line - 1 + data.count(b"\n", 0, end))
            if end:
                lines = _lines(data[:end], line, decoder)
                line += len(lines.texts)
                yield Block(lines, stream.read_fraction, not following, decoder.encoding)
            read = following


def _pieces(file: RawFile) -> Iterator[bytes]:
    with streams.opened(file) as stream:
        while piece := stream.read(BLOCK_BYTES):
            yield piece


def _longest(data: bytes, bound: int) -> int:
    """Return the length of the longest line; 0 where all of them together are within the bound."""
    return max(map(len, data.split(b"\n"))) if len(data) > bound else 0


def _check_length(name: str, length: int, bound: int, after: int) -> None:
    if length > bound:
        shown = f"{bound >> 20} MiB" if bound >= 1 << 20 else f"{bound:,} bytes"
        raise InputError(f"{name} has a line of more than {shown} after line {after:,}", hint=_LONG)


_LONG = "write one record a line, each ended by a line feed"


def check_start(name: str, start: bytes) -> None:
    """Refuse what is no text.

    Raises:
        InputError: The first bytes are those of another kind of file, or of another encoding.
    """
    for magic, what in _MAGIC.items():
        if start.startswith(magic):
            raise InputError(f"{name} is {what}", hint="export it as CSV, TSV, JSON lines or Parquet, and name it so")
    for mark, encoding in _OTHER_ENCODINGS.items():
        if start.startswith(mark):
            raise InputError(f"{name} is written in {encoding}", hint=f"convert it: iconv -f {encoding} -t UTF-8 {name}")
    if start[:4096].count(b"\0") > _MOST_NULS * len(start[:4096]):
        raise InputError(f"{name} is not a text file", hint="correct its suffix, or set `format`")


def _ends_lines_by_returns(start: bytes) -> bool:
    """Say whether a file ends its lines by carriage returns alone, as old Macintosh programs and Excel's "CSV (Macintosh)" do.

    Line feeds within quotes are part of a cell.
    """
    if b"\r" not in start:
        return False
    outside = _QUOTED.sub(b"", start).removesuffix(b"\n")
    return b"\n" not in outside and b"\r" in outside.replace(b"\r\n", b"")


def _lines(data: bytes, first: int, decoder: Decoder) -> Lines:
    broken: dict[int, tuple[str, str]] = {}
    data = data.removesuffix(b"\n")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
    whole = None if b"\0" in data else decoder.decode(data)
    if whole is not None:
        return Lines(first, [*whole.split("\n")])
    texts: list[str | None] = []
    for number, line in enumerate(data.split(b"\n"), start=first):
        text = None if b"\0" in line else decoder.decode(line)
        texts.append(text)
        if text is None:
            broken[number] = line.decode("utf-8", "replace"), HAS_NUL if b"\0" in line else NOT_UTF8
    return Lines(first, texts, broken)
