"""In which encoding a text file is written: UTF-8 unless its bytes say otherwise."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Literal

UTF8 = "UTF-8"
UTF8_BOM = "UTF-8 with a byte order mark"
LATIN1 = "Latin-1 (Windows-1252)"
MIXED = "UTF-8, with lines that are not"

Encoding = Literal["utf-8", "latin-1"]
BOM = codecs.BOM_UTF8

_IN_WORD = re.compile(rb"[A-Za-z0-9][\x80-\xff]|[\x80-\xff][A-Za-z0-9]")


class Decoder:
    """Decodes lines; settles what they are written in when the first one comes that is not UTF-8.

    A file whose every line beyond ASCII fails as UTF-8, and reads as words in Latin-1, is Latin-1 (read as Windows-1252, which is meant by it).
    In any other the lines that are not UTF-8 are refused one by one, because nothing says what they are.

    Args:
        declared: The encoding that reckon.toml states; None finds out.
        again: Reads the file's bytes once more, in pieces; called at most once.
    """

    def __init__(self, declared: Encoding | None, again: Callable[[], Iterable[bytes]]) -> None:
        self._again = again
        self._latin1 = declared == "latin-1"
        self._settled = declared is not None
        self.encoding = LATIN1 if self._latin1 else UTF8

    def decode(self, data: bytes) -> str | None:
        """Return the text, or None for what is not written in the file's encoding."""
        if not self._latin1:
            try:
                return data.decode("utf-8")
            except UnicodeDecodeError:
                if not self._settled:
                    self._settle()
        return latin1(data) if self._latin1 else None

    def starts_with_mark(self) -> None:
        """Note that the file says itself that it is UTF-8."""
        self._settled = True
        self.encoding = UTF8_BOM

    def _settle(self) -> None:
        self._settled = True
        self._latin1 = _is_latin1(self._again())
        self.encoding = LATIN1 if self._latin1 else MIXED


def latin1(data: bytes) -> str:
    """Return bytes as Windows-1252 text; its five undefined bytes as ISO 8859-1 has them."""
    return codecs.charmap_decode(data, "strict", _TABLE)[0]


def _is_latin1(pieces: Iterable[bytes]) -> bool:
    """Say whether no line is UTF-8 beyond ASCII, and most of the others have their letters beyond ASCII within words ("Caf\\xe9")."""
    rest = b""
    n_lines = n_words = 0
    for piece in chain(pieces, [b"\n"]):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.isascii():
                continue
            if _is_utf8(line):
                return False
            n_lines += 1
            n_words += _IN_WORD.search(line) is not None
    return 2 * n_words > n_lines


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _table() -> str:
    characters = []
    for code in range(256):
        try:
            characters.append(bytes([code]).decode("cp1252"))
        except UnicodeDecodeError:
            characters.append(chr(code))
    return "".join(characters)


_TABLE = _table()
