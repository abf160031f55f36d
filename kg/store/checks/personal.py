"""Queries of those who may not see who a shopper is: shoppers are matched, counted and compared, and no text can be made of one.

A variable that may stand for a shopper is one of a node pattern that names no other label, or of a path. It may stand in patterns, be counted,
compared with another, passed on by its name and returned (without its id), and its properties other than the id may be read. Anything else is
refused rather than understood: the embedded database makes text of a node (`u + ''`), so a rule about what may not be written would have holes.
"""

from __future__ import annotations

from collections.abc import Sequence

from kg.errors import QueryRefusedError
from kg.schema import USER
from kg.store.checks.tokens import Token, place, text_at

_HIDDEN = frozenset({"properties", "startnode", "endnode", "nodes"})
_COMPARED = frozenset({"=", "<", ">"})
_CONDITIONS = frozenset({"WHERE", "AND", "OR", "XOR", "NOT", "WHEN"})
_AFTER_ITEM = frozenset({",", "", "MATCH", "OPTIONAL", "WHERE", "RETURN", "WITH", "ORDER", "LIMIT", "SKIP", "UNWIND", "CALL", "UNION", "}", ")"})
_CLAUSES = frozenset({"WITH", "RETURN", "DISTINCT"})
_HINT = "a key with profile:read sees who shoppers are; without it count them: count(DISTINCT u)"


def check_impersonal(text: str, tokens: Sequence[Token]) -> None:
    """Refuse a query that could show who a shopper is, or find one by name.

    Raises:
        QueryRefusedError: With the place.
    """
    hidden = _maybe_shoppers(tokens)
    for n, token in enumerate(tokens):
        name = token.name
        if name is None:
            if token.text == "$" and n >= 2 and tokens[n - 1].name is not None and text_at(tokens, n - 2) == ":":
                _refuse(text, token, "a pattern takes its properties from a parameter")
            continue
        if name.lower() == USER.key and text_at(tokens, n + 1) != "(":
            _refuse(text, token, f"the query reads {USER.key}")
        if token.kind == "word" and name.lower() in _HIDDEN and text_at(tokens, n + 1) == "(":
            _refuse(text, token, f"{name}() may show a shopper")
        if token.upper == "COLLECT" and text_at(tokens, n + 1) == "{":
            _refuse(text, token, "COLLECT { } may show a shopper")
        if name in hidden and not _names_something_else(tokens, n) and not _is_harmless(tokens, n):
            _refuse(text, token, f"{name} may be a shopper, and is used as a value")


def _refuse(text: str, token: Token, what: str) -> None:
    raise QueryRefusedError(f"{place(text, token.start)}: {what}", hint=_HINT)


def _names_something_else(tokens: Sequence[Token], n: int) -> bool:
    """Say whether a word is a property, a parameter or a label, and no variable; the value of a map's key is one."""
    before = text_at(tokens, n - 1)
    return before in (".", "$") or (before == ":" and text_at(tokens, n - 3) not in ("{", ","))


def _maybe_shoppers(tokens: Sequence[Token]) -> set[str]:
    """Return the variables that may stand for a shopper or hold one.

    What a variable is elsewhere does not count, for another part of the query may be another scope.
    """
    hidden: set[str] = set()
    for n, token in enumerate(tokens):
        if token.name is None:
            continue
        before, after = text_at(tokens, n - 1), text_at(tokens, n + 1)
        if before == "(" and (n < 2 or tokens[n - 2].name is None or text_at(tokens, n - 2) in _PATTERN_WORDS):
            labelled = after == ":" and _names_another_label(tokens, n + 2)
            if after in (")", "{", "WHERE", ":") and not labelled:
                hidden.add(token.name)
        elif after == "=" and text_at(tokens, n + 2) in _PATHS:
            hidden.add(token.name)
    return hidden


_PATHS = ("(", "SHORTESTPATH", "ALLSHORTESTPATHS", "SHORTEST", "ALL", "ANY", "ACYCLIC")
_PATTERN_WORDS = frozenset({"MATCH", "WHERE", "AND", "OR", "NOT", "EXISTS", "XOR", "RETURN", "WITH", "WHEN", "IN"})


def _names_another_label(tokens: Sequence[Token], n: int) -> bool:
    """Say whether a label expression is one plain label that is not that of shoppers."""
    if n >= len(tokens) or tokens[n].name is None or text_at(tokens, n + 1) not in (")", "{", "WHERE"):
        return False
    return (tokens[n].name or "").casefold() != USER.label.casefold()


def _is_harmless(tokens: Sequence[Token], n: int) -> bool:
    before, after = text_at(tokens, n - 1), text_at(tokens, n + 1)
    if after == ":" or (after == "=" and text_at(tokens, n + 2) in _PATHS):
        # A label predicate or pattern, a named path; {u: …} would be a key of a map.
        return True
    if after == ".":
        return n + 2 < len(tokens) and tokens[n + 2].name is not None and text_at(tokens, n + 3) != "("
    if before == "(":
        return _in_brackets(tokens, n)
    if before == "DISTINCT" and text_at(tokens, n - 2) == "(" and text_at(tokens, n - 3) == "COUNT":
        return after == ")"
    if before in _CLAUSES or before == ",":
        return after in _AFTER_ITEM and (after != ")" or _closes_call(tokens, n)) and not _in_list(tokens, n)
    if before in _CONDITIONS and after in _COMPARED:
        return True
    return before in _COMPARED and text_at(tokens, n - 2) not in ("+", "-") and after not in ("+", "[", "{", "-")


def _in_brackets(tokens: Sequence[Token], n: int) -> bool:
    """Judge `(u`: a node pattern, an argument of count or length, or the variables of a subquery."""
    lead, after, beyond = text_at(tokens, n - 2), text_at(tokens, n + 1), text_at(tokens, n + 2)
    if after == ")" and lead in ("COUNT", "LENGTH", "RELATIONSHIPS", "LABELS", "ID", "ELEMENTID", "CALL"):
        return True
    if after == "{":
        return n + 3 < len(tokens) and tokens[n + 2].name is not None and text_at(tokens, n + 3) == ":"
    if after == "WHERE":
        return True
    if after == ",":
        return lead == "CALL"
    if after != ")":
        return False
    if lead in ("-", ">") or beyond in ("-", "<"):
        return beyond not in ("+", "[", "{", ".") and lead != "+"
    return lead == "MATCH" or (lead == "," and beyond not in ("+", "[", "{", ".", "]", ")"))


def _closes_call(tokens: Sequence[Token], n: int) -> bool:
    """Say whether a list of variables in brackets is that of `CALL (a, u) { … }`."""
    while n > 0 and (tokens[n].name is not None or text_at(tokens, n) == ","):
        n -= 1
    return text_at(tokens, n) == "(" and text_at(tokens, n - 1) == "CALL"


def _in_list(tokens: Sequence[Token], n: int) -> bool:
    """Say whether the nearest bracket that is open at `n` is one of a list, a map, or a call that is not CALL."""
    depth = 0
    for at in range(n - 1, -1, -1):
        text = text_at(tokens, at)
        if tokens[at].kind != "mark":
            continue
        if text in (")", "]", "}"):
            depth += 1
        elif text in ("(", "[", "{"):
            if depth == 0:
                return text == "[" or (text == "(" and text_at(tokens, at - 1) != "CALL") or (text == "{" and text_at(tokens, at + 2) == ":")
            depth -= 1
    return False
