"""The text check of read-only Cypher: what may not even reach the database. Pure, so it is tested without one.

It is the first of three locks (see `kg.store.query`), and it errs on the strict side: a variable called `set` must be written in backticks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kg.errors import QueryRefusedError

MAX_TEXT = 20_000
"""Characters of a query."""

_FIRST = frozenset({"MATCH", "OPTIONAL", "WITH", "UNWIND", "RETURN", "CALL"})
"""Every administrative command, EXPLAIN and PROFILE, and everything that is not Cypher start differently."""

_WRITING = frozenset(
    {
        "CREATE",
        "MERGE",
        "SET",
        "DELETE",
        "DETACH",
        "NODETACH",
        "REMOVE",
        "DROP",
        "FOREACH",
        "LOAD",
        "INSERT",
        "ALTER",
        "USE",
        "TRANSACTIONS",
        "COMMIT",
    }
)
_PROCEDURES = frozenset(
    {"db.labels", "db.relationshiptypes", "db.propertykeys", "db.schema.visualization", "db.schema.nodetypeproperties", "db.schema.reltypeproperties"}
)
_NAMESPACES = frozenset({"date", "datetime", "time", "localtime", "localdatetime", "duration", "point", "vector"})
"""Namespaces of built-in functions; those of extensions may do anything, so they are not called."""

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
class _Token:
    kind: str
    text: str

    @property
    def upper(self) -> str:
        """The word as the databases compare it: some letters beyond ASCII fold into ASCII ones (ſ → S)."""
        return self.text.casefold().upper()


def check_text(text: str) -> None:
    """Refuse a text that holds a writing clause, several statements, or a procedure or function that is not known to be harmless.

    Args:
        text: What a person wrote.

    Raises:
        QueryRefusedError: With what was found and what to write instead.
    """
    if len(text) > MAX_TEXT:
        raise QueryRefusedError(f"the query has {len(text)} characters", hint=f"{MAX_TEXT} is the limit")
    if "\x00" in text or re.search(r"\\u", text, re.IGNORECASE):
        # Neo4j reads such escapes before it reads the Cypher, so they could close a string or spell a clause.
        raise QueryRefusedError("the query holds a unicode escape or a null character", hint="write the character itself, or pass a parameter")
    tokens = _tokens(text)
    if not tokens:
        raise QueryRefusedError("the query is empty", hint="write MATCH … RETURN …")
    if tokens[0].kind != "word" or tokens[0].upper not in _FIRST:
        raise QueryRefusedError(f"the query starts with {tokens[0].text[:40]!r}", hint=f"start with one of {', '.join(sorted(_FIRST))}")
    for n, token in enumerate(tokens):
        if token.kind == "word" and token.upper in _WRITING and not _is_name(tokens, n):
            raise QueryRefusedError(f"the query holds {token.upper}", hint=f"only reading is allowed; a name is written `{token.text}`")
        if token.kind == "word" and token.upper == "CALL" and not _is_name(tokens, n):
            _check_procedure(tokens, n + 1)
        elif token.text == "(" and token.kind == "mark":
            _check_function(tokens, n)


def _tokens(text: str) -> list[_Token]:
    found = [_Token(str(match.lastgroup), match.group()) for match in _TOKEN.finditer(text)]
    kept = [token for token in found if token.kind not in ("space", "comment")]
    while kept and kept[-1].text == ";":
        kept.pop()
    marks = [token.text for token in kept if token.kind == "mark"]
    if ";" in marks:
        raise QueryRefusedError("the query holds several statements", hint="send one at a time")
    if any(mark in marks for mark in "'\"`") or re.search(r"/\*", "".join(token.text for token in kept if token.kind not in ("string", "quoted"))):
        raise QueryRefusedError("the query holds a quote or a comment that does not end", hint="close it")
    return kept


def _is_name(tokens: list[_Token], n: int) -> bool:
    """Say whether the word at `n` is a property, label, parameter or map key rather than a clause."""
    before, after = tokens[n - 1] if n else None, tokens[n + 1] if n + 1 < len(tokens) else None
    if before is not None and before.text in (":", "$"):
        return True
    if before is not None and before.text == ".":
        # `n.set` is a property; `1. SET` is a number and a clause.
        return n > 1 and (tokens[n - 2].kind in ("word", "quoted") or tokens[n - 2].text in (")", "]", "}"))
    return before is not None and before.text in ("{", ",") and after is not None and after.text == ":"


def _check_procedure(tokens: list[_Token], n: int) -> None:
    if n < len(tokens) and tokens[n].text in ("{", "("):
        return
    parts = []
    while n < len(tokens) and (tokens[n].kind in ("word", "quoted") or tokens[n].text == "."):
        parts.append(tokens[n].text)
        n += 1
        if parts[-1] != "." and (n >= len(tokens) or tokens[n].text != "."):
            break
    name = "".join(parts)
    if name.lower() not in _PROCEDURES:
        raise QueryRefusedError(f"the query calls {name or 'a procedure'}", hint=f"allowed: {', '.join(sorted(_PROCEDURES))}")


def _check_function(tokens: list[_Token], n: int) -> None:
    """Refuse a function of a namespace that is not Cypher's own; `n` is the opening bracket."""
    start = n - 1
    if start < 2 or tokens[start].kind not in ("word", "quoted") or tokens[start - 1].text != ".":
        return
    while start >= 2 and tokens[start - 1].text == "." and tokens[start - 2].kind in ("word", "quoted"):
        start -= 2
    name = "".join(token.text for token in tokens[start:n])
    if start and tokens[start - 1].upper == "CALL":
        return
    if tokens[start].text.lower() not in _NAMESPACES:
        raise QueryRefusedError(f"the query calls the function {name}", hint=f"allowed namespaces: {', '.join(sorted(_NAMESPACES))}")
