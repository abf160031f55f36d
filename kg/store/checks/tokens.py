"""Cypher taken apart into tokens, each with its place. Pure: what is said of a text before any database sees it rests on this."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kg.errors import QueryRefusedError

_TOKEN = re.compile(
    r"""(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<quoted>`(?:[^`]|``)*`)
      | (?P<comment>/\*.*?\*/|//[^\r\n]*)
      | (?P<number>\d+(?:\.\d+)?\w*)
      | (?P<word>\w+)
      | (?P<space>\s+)
      | (?P<mark>.)""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: string, quoted, number, word or mark.
        text: As it is written.
        start: Where, in characters from the beginning.
    """

    kind: str
    text: str
    start: int

    @property
    def upper(self) -> str:
        """The word as the databases compare it: some letters beyond ASCII fold into ASCII ones (ſ → S)."""
        return self.text.casefold().upper() if self.kind == "word" else self.text

    @property
    def name(self) -> str | None:
        """The name that a word or a quoted name is, or None."""
        if self.kind == "quoted":
            return self.text[1:-1].replace("``", "`")
        return self.text if self.kind == "word" else None


def place(text: str, start: int) -> str:
    r"""Say where in a text a character is, as people count.

    >>> place("MATCH (n)\nRETURN m", 17)
    'line 2, column 8'
    """
    before = text[:start].splitlines() or [""]
    if text[:start].endswith(("\n", "\r")):
        before.append("")
    return f"line {len(before)}, column {len(before[-1]) + 1}"


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of one statement, without spaces and comments.

    Raises:
        QueryRefusedError: There are several statements, or a quote or a comment does not end.
    """
    matches = [Token(str(match.lastgroup), match.group(), match.start()) for match in _TOKEN.finditer(text)]
    kept = [token for token in matches if token.kind not in ("space", "comment")]
    while kept and kept[-1].text == ";":
        kept.pop()
    for n, token in enumerate(kept):
        if token.kind != "mark":
            continue
        if token.text == ";":
            raise QueryRefusedError(f"{place(text, token.start)}: the query holds several statements", hint="send one at a time")
        opens = token.text == "/" and n + 1 < len(kept) and kept[n + 1].text.startswith("*") and kept[n + 1].start == token.start + 1
        if token.text in "'\"`" or opens:
            raise QueryRefusedError(f"{place(text, token.start)}: the query holds a quote or a comment that does not end", hint="close it")
    return kept


def is_name(tokens: Sequence[Token], n: int) -> bool:
    """Say whether the word at `n` is a property, label, parameter or map key rather than a clause."""
    before, after = tokens[n - 1] if n else None, tokens[n + 1] if n + 1 < len(tokens) else None
    if before is not None and before.text in (":", "$"):
        return True
    if before is not None and before.text == ".":
        # `n.set` is a property; `1. SET` is a number and a clause.
        return n > 1 and (tokens[n - 2].kind in ("word", "quoted") or tokens[n - 2].text in (")", "]", "}"))
    return before is not None and before.text in ("{", ",") and after is not None and after.text == ":"


def text_at(tokens: Sequence[Token], n: int) -> str:
    """Return the token at `n` as the databases compare it, or nothing beyond the ends."""
    return tokens[n].upper if 0 <= n < len(tokens) else ""
