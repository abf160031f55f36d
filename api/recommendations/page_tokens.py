"""Page tokens: where the next page of a list begins, what was on the pages before, and as of which event.

A token is a statement of the caller about what has been shown; it opens nothing, so it is checked for form and not signed.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from dataclasses import dataclass

import numpy as np

from kg.errors import InputError

MAX_LISTED = 1_000
"""Places of one list that pages reach."""
MAX_TOKEN = 6_000
_HEAD = struct.Struct("<BQII")
_FORM = 1


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page begins.

    Attributes:
        offset: Places before it.
        seq: The last event that the first page reckoned with; later ones wait for a new list.
        question: What was asked, `question` of it.
        shown: `gnn.recommend.query.item_hash` of what is on the pages before.
    """

    offset: int
    seq: int
    question: int
    shown: tuple[int, ...]

    def token(self) -> str:
        """Return it as text."""
        raw = _HEAD.pack(_FORM, self.seq, self.offset, self.question) + np.asarray(self.shown, dtype="<u4").tobytes()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    @classmethod
    def read(cls, token: str) -> Page:
        """Read a token.

        Raises:
            InputError: It is none.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            form, seq, offset, question_hash = _HEAD.unpack_from(raw)
            shown = np.frombuffer(raw, dtype="<u4", offset=_HEAD.size).tolist()
        except (binascii.Error, struct.error, ValueError):
            form, shown = 0, []
        if form != _FORM or len(shown) > MAX_LISTED:
            raise InputError("page_token is not one of ours", hint="send next_page_token as it was answered, or none")
        return cls(offset, seq, question_hash, tuple(shown))


def question(*parts: object) -> int:
    """Return 32 bits that stand for what was asked: a token of another question is refused."""
    return zlib.crc32(repr(parts).encode())
