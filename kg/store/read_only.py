"""The text check of read-only Cypher: what may not even reach the database. Pure, so it is tested without one.

It is the first of three locks (see `kg.store.query`), and it errs on the strict side: a variable called `set` must be written in backticks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kg.errors import QueryError, QueryRefusedError
from kg.store.checks.functions import FUNCTIONS, KEY_WORDS, NAMESPACES, PROCEDURES
from kg.store.checks.tokens import Token, is_name, place, text_at, tokens_of
from kg.validation.suggest import did_you_mean

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


def check_text(text: str) -> list[Token]:
    """Refuse a text that holds a writing clause, several statements, or a procedure or function that is not known to be harmless.

    Args:
        text: What a person wrote.

    Returns:
        Its tokens.

    Raises:
        QueryRefusedError: With the place, what was found there and what to write instead.
        QueryError: It calls a function that Cypher does not have.
    """
    if len(text) > MAX_TEXT:
        raise QueryRefusedError(f"the query has {len(text)} characters", hint=f"{MAX_TEXT} is the limit")
    escape = re.search(r"\x00|\\u", text, re.IGNORECASE)
    if escape is not None:
        # Neo4j reads such escapes before it reads the Cypher, so they could close a string or spell a clause.
        what = f"{place(text, escape.start())}: the query holds a unicode escape or a null character"
        raise QueryRefusedError(what, hint="write the character itself, or pass a parameter")
    tokens = tokens_of(text)
    if not tokens:
        raise QueryRefusedError("the query is empty", hint="write MATCH … RETURN …")
    if tokens[0].kind != "word" or tokens[0].upper not in _FIRST:
        what = f"{place(text, tokens[0].start)}: the query starts with {tokens[0].text[:40]!r}"
        raise QueryRefusedError(what + did_you_mean(tokens[0].text, sorted(_FIRST)), hint=f"start with one of {', '.join(sorted(_FIRST))}")
    for n, token in enumerate(tokens):
        if token.kind == "word" and not is_name(tokens, n):
            if token.upper in _WRITING:
                what = f"{place(text, token.start)}: the query holds {token.upper}"
                raise QueryRefusedError(what, hint=f"only reading is allowed; a name is written `{token.text}`")
            if token.upper == "CALL":
                _check_procedure(text, tokens, n + 1)
        if token.text == "(" and token.kind == "mark":
            _check_function(text, tokens, n)
    return tokens


def _check_procedure(text: str, tokens: Sequence[Token], n: int) -> None:
    if text_at(tokens, n) in ("{", "("):
        return
    parts: list[str] = []
    start = n
    while n < len(tokens) and (tokens[n].name is not None or tokens[n].text == "."):
        parts.append(tokens[n].text)
        n += 1
        if parts[-1] != "." and text_at(tokens, n) != ".":
            break
    name = "".join(parts)
    if name.lower() not in PROCEDURES:
        at = place(text, tokens[min(start, len(tokens) - 1)].start)
        raise QueryRefusedError(f"{at}: the query calls {name or 'a procedure'}", hint=f"allowed: {', '.join(sorted(PROCEDURES))}")


def _check_function(text: str, tokens: Sequence[Token], n: int) -> None:
    """Refuse a function that is not Cypher's own; `n` is the opening bracket."""
    end = n - 1
    if end < 0 or tokens[end].name is None:
        return
    start = end
    while start >= 2 and tokens[start - 1].text == "." and tokens[start - 2].name is not None:
        start -= 2
    name, at = "".join(token.text for token in tokens[start:n]), place(text, tokens[start].start)
    if start and tokens[start - 1].upper == "CALL" and not is_name(tokens, start - 1):
        return
    if start < end or text_at(tokens, start - 1) == ".":
        namespace, _, rest = name.lower().partition(".")
        if rest not in NAMESPACES.get(namespace, "").split():
            allowed = f"allowed namespaces: {', '.join(sorted(NAMESPACES))}"
            raise QueryRefusedError(f"{at}: the query calls the function {name}", hint=allowed)
        return
    if tokens[end].upper in KEY_WORDS or is_name(tokens, end):
        return
    if name.lower() not in FUNCTIONS:
        meant = did_you_mean(name, sorted(FUNCTIONS))
        raise QueryError(f"{at}: there is no function {name}{meant}", hint="docs/cypher.md lists the functions that may be called")
