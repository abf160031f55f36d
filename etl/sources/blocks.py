"""Text files in blocks of whole lines, plain or gzipped, with bounded memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

from etl.sources.raw import RawFile
from kg.errors import InputError

BLOCK_BYTES = 1 << 24
MAX_LINE_BYTES = 1 << 24
MAX_UNPACKED_BYTES = 64 << 30
"""A gzip file of a few megabytes can hold any amount of zeros; no shop's export comes near this."""

_BOM = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_MAGIC = {b"PAR1": "a Parquet file", b"PK\x03\x04": "a ZIP archive or an Excel workbook", b"\xd0\xcf\x11\xe0": "an old Excel workbook"}


@dataclass(frozen=True)
class Lines:
    """Consecutive lines of a file.

    Attributes:
        first: Number of the first one, from 1.
        texts: Their text without line ends; None for a line that is not UTF-8.
        broken: Line number → what could be read of a line that is not UTF-8.
    """

    first: int
    texts: list[str | None]
    broken: dict[int, str] = field(default_factory=dict)

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
    """

    lines: Lines
    read_fraction: float
    last: bool


def blocks(file: RawFile, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Give a text file's lines in blocks.

    Raises:
        InputError: It is not text, is damaged, or has a line beyond all bounds.
    """
    size = max(1, file.path.stat().st_size)
    line, rest, unpacked = 1, b"", 0
    with file.path.open("rb") as plain, _opened(file, plain) as stream:
        read = _read(file, stream, block_bytes)
        _check_start(file.name, read)
        read = read.removeprefix(_BOM)
        while read or rest:
            following = _read(file, stream, block_bytes)
            unpacked += len(read)
            if unpacked > MAX_UNPACKED_BYTES:
                raise InputError(f"{file.name} unpacks to more than {MAX_UNPACKED_BYTES >> 30} GiB", hint="split it")
            data = rest + read
            end = data.rfind(b"\n") + 1 if following else len(data)
            rest = data[end:]
            if len(rest) > MAX_LINE_BYTES:
                after = line - 1 + data.count(b"\n", 0, end)
                raise InputError(f"{file.name} has a line of more than {MAX_LINE_BYTES >> 20} MiB after line {after:,}", hint=_LONG)
            if end:
                lines = _lines(data[:end], line)
                line += len(lines.texts)
                yield Block(lines, min(1.0, plain.tell() / size), not following)
            read = following


_LONG = "write one record a line, each ended by a line feed"


def _opened(file: RawFile, plain: BinaryIO) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(fileobj=plain)) if file.gzipped else plain


def _read(file: RawFile, stream: IO[bytes], n_bytes: int) -> bytes:
    try:
        return stream.read(n_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{file.name} is a damaged gzip file: {error}", hint="copy it again; it may be cut off") from None
    except OSError as error:
        raise InputError(f"{file.name} cannot be read: {error.strerror or error}", hint="check its permissions and its disk") from None


def _check_start(name: str, start: bytes) -> None:
    for magic, what in _MAGIC.items():
        if start.startswith(magic):
            raise InputError(f"{name} is {what}", hint="export it as CSV, TSV, JSON lines or Parquet, and name it so")
    for mark, encoding in _OTHER_ENCODINGS.items():
        if start.startswith(mark):
            raise InputError(f"{name} is written in {encoding}", hint=f"convert it: iconv -f {encoding} -t UTF-8 {name}")
    if b"\0" in start[:4096]:
        raise InputError(f"{name} is not a text file", hint="correct its suffix, or set `format`")


def _lines(data: bytes, first: int) -> Lines:
    broken: dict[int, str] = {}
    data = data.removesuffix(b"\n")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
    texts: list[str | None] = []
    try:
        texts = [*data.decode("utf-8").split("\n")]
    except UnicodeDecodeError:
        for number, line in enumerate(data.split(b"\n"), start=first):
            try:
                texts.append(line.decode("utf-8"))
            except UnicodeDecodeError:
                broken[number] = line.decode("utf-8", "replace")
                texts.append(None)
    return Lines(first, texts, broken)
