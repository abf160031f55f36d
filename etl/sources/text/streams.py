"""The bytes of a file, plain or gzipped, bounded: a small file that unpacks to a huge one is refused, and damage is reported in one line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

from etl.sources.raw import RawFile
from kg.errors import InputError

MAX_UNPACKED_BYTES = 64 << 30
"""No shop's export comes near this."""
MAX_RATIO = 400
"""Unpacked bytes per packed byte. Tables of events pack 5 to 50 times; a file of zeros packs 1,030 times."""
_RATIO_FROM = 64 << 20
"""A small file may repeat itself as it likes."""


class Bytes:
    """A stream that is read once, front to back.

    Args:
        name: How messages call the file.
        stream: The unpacked bytes.
        plain: The file itself; the same as `stream` where it is not packed.
        size: Its length.
    """

    def __init__(self, name: str, stream: IO[bytes], plain: BinaryIO, size: int) -> None:
        self._name, self._stream, self._plain = name, stream, plain
        self._size = max(1, size)
        self._unpacked = 0

    def read(self, n_bytes: int) -> bytes:
        """Return the next bytes; none at the end.

        Raises:
            InputError: The file is damaged, cannot be read, or unpacks to more than any shop's file holds.
        """
        try:
            read = self._stream.read(n_bytes)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{self._name} is a damaged gzip file: {error}", hint="copy it again; it may be cut off") from None
        except OSError as error:
            raise InputError(f"{self._name} cannot be read: {error.strerror or error}", hint="check its permissions and its disk") from None
        self._unpacked += len(read)
        self._check()
        return read

    @property
    def read_fraction(self) -> float:
        """How much of the file has been read."""
        return min(1.0, self._plain.tell() / self._size)

    def _check(self) -> None:
        if self._unpacked > MAX_UNPACKED_BYTES:
            raise InputError(f"{self._name} unpacks to more than {MAX_UNPACKED_BYTES >> 30} GiB", hint="split it")
        if self._stream is self._plain or self._unpacked < _RATIO_FROM:
            return
        ratio = self._unpacked // max(1, self._plain.tell())
        if ratio > MAX_RATIO:
            raise InputError(
                f"{self._name} unpacks to {ratio:,} times its size: more than {MAX_RATIO} times is taken for a bomb",
                hint="if it is genuine, unpack it first",
            )


@contextmanager
def opened(file: RawFile) -> Iterator[Bytes]:
    """Open a file for reading once."""
    with file.path.open("rb") as plain:
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=plain)) if file.gzipped else plain
        yield Bytes(file.name, stream, plain, file.path.stat().st_size)
