"""What is wrong with a query, said with its place and what to change, whichever database found it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kg.errors import QueryError
from kg.schema import ITEM, USER
from kg.store.checks.tokens import Token, place, text_at
from kg.validation.suggest import did_you_mean

_NEO4J_PLACE = re.compile(r"\s*\(line (\d+), column (\d+)(?: \(offset: \d+\))?\)")
_ARCADE_PLACE = re.compile(r"(?:Syntax error at line (\d+):(\d+) - |\s*at line (\d+), column (\d+))")
_QUOTED = re.compile(r"[`'\"]([^`'\"\s]{1,80})[`'\"]")
_UNKNOWN = re.compile(r"Unknown (?:procedure|function|procedure/function):? ['`]?([\w.]+)")
_EXPRESSION = frozenset({"WHERE", "AND", "OR", "NOT", "RETURN", "WITH", "IN", "WHEN", "THEN", "ELSE", "BY", "AS"})
_MAX_NAMES, _MAX_DEPTH = 100, 8


def explained(message: str, text: str, tokens: Sequence[Token], *, shift: int) -> QueryError:
    """Return the error of a database as one that names place and remedy.

    Args:
        message: What the database said.
        text: What was asked.
        tokens: Its tokens.
        shift: Characters that stood before it on the first line.
    """
    first = (message.strip().splitlines() or [""])[0]
    unknown = _UNKNOWN.search(first)
    if unknown is not None:
        what = f"this graph database does not have the procedure or function {unknown[1]}"
        return QueryError(what, hint="not every database has all that is allowed; docs/cypher.md says what to write instead")
    at, said = _place(first, text, tokens, shift)
    said = said[:300].rstrip()
    return QueryError(f"{at}: {said}" if at else said, hint=_remedy(said, tokens))


def _place(first: str, text: str, tokens: Sequence[Token], shift: int) -> tuple[str, str]:
    exact = _NEO4J_PLACE.search(first)
    if exact is not None:
        line, column = int(exact[1]), int(exact[2])
        return f"line {line}, column {max(1, column - shift if line == 1 else column)}", _NEO4J_PLACE.sub("", first)
    counted = _ARCADE_PLACE.search(first)
    if counted is not None:
        line, column = int(counted[1] or counted[3]), int(counted[2] or counted[4]) + 1
        return f"line {line}, column {column}", _ARCADE_PLACE.sub("", first)
    for quoted in _QUOTED.finditer(first):
        start = next((token.start for token in tokens if (token.name or "").lower() == quoted[1].lower()), None)
        if start is not None:
            return place(text, start), first
    return "", first


def _remedy(said: str, tokens: Sequence[Token]) -> str:
    name = _QUOTED.search(said)
    if name is not None and "not defined" in said:
        others = sorted({token.name for token in tokens if token.name and token.name != name[1]})
        return f"bring {name[1]} in by MATCH, WITH or UNWIND before it is used{did_you_mean(name[1], others)}"
    if "expect" in said or "viable" in said or "nexpected input" in said:
        return "correct what stands there, or just before it"
    return "correct the Cypher"


def check_parameters(text: str, tokens: Sequence[Token], parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that are missing, not in the query, or no value that a database takes.

    Raises:
        QueryError: With the parameter and what to do.
    """
    used = {
        tokens[n + 1].name: token.start
        for n, token in enumerate(tokens)
        if token.kind == "mark" and token.text == "$" and n + 1 < len(tokens) and (tokens[n + 1].name or tokens[n + 1].kind == "number")
    }
    for name, start in used.items():
        if name is not None and name not in parameters:
            given = did_you_mean(name, list(parameters))
            raise QueryError(f"{place(text, start)}: the parameter {name} has no value{given}", hint=f"give one: -p {name}=…, or in `parameters`")
    if len(parameters) > _MAX_NAMES:
        raise QueryError(f"{len(parameters)} parameters", hint=f"{_MAX_NAMES} is the limit; pass a list")
    for name, value in parameters.items():
        if name not in used:
            meant = did_you_mean(name, [each for each in used if each])
            raise QueryError(f"the query has no parameter {name[:60]}{meant}", hint=f"write ${name[:60]} in it, or leave the value out")
        _check_value(name, value, 0)


def _check_value(name: str, value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise QueryError(f"parameter {name}: nested deeper than {_MAX_DEPTH}", hint="pass flat lists and maps")
    match value:
        case None | bool() | str():
            return
        case int() if -(2**63) <= value < 2**63:
            return
        case float() if value == value and abs(value) != float("inf"):
            return
        case list() | tuple():
            for each in value:
                _check_value(name, each, depth + 1)
        case dict() if all(isinstance(key, str) for key in value):
            for each in value.values():
                _check_value(name, each, depth + 1)
        case _:
            shown = str(value)[:40]
            raise QueryError(
                f"parameter {name}: {shown!r} is no value of the graph", hint="pass texts, numbers within 64 bits, booleans, lists, maps"
            )


def number_ids(text: str, tokens: Sequence[Token], parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a sentence for each id that is compared with a number: ids are text, so it finds nothing."""
    notes: list[str] = []
    for n, token in enumerate(tokens[:-2]):
        if token.name not in (ITEM.key, USER.key) or text_at(tokens, n + 1).upper() not in ("=", ":", "IN"):
            continue
        following = [*tokens[n + 2 : n + 4], *tokens[-1:]]
        value, named = following[text_at(tokens, n + 2) == "["], following[1].name if following[0].text == "$" else None
        at = f"{place(text, token.start)}: {token.name} is text"
        if value.kind == "number":
            notes.append(f"{at}, and the number {value.text} is equal to none; write '{value.text}'")
        elif named is not None and _has_numbers(parameters.get(named)):
            notes.append(f'{at}, and the parameter {named} is a number, equal to none; pass text, in JSON in quotes: "…"')
    return tuple(notes)


def _has_numbers(value: Any) -> bool:
    return any(isinstance(each, int | float) for each in (value if isinstance(value, list | tuple) else [value]))


class Vocabulary:
    """The labels, relations and properties that a graph has.

    Args:
        labels: Of nodes.
        relations: Types of edges.
        properties: Of both.
    """

    def __init__(self, labels: frozenset[str], relations: frozenset[str], properties: frozenset[str]) -> None:
        self.labels, self.relations, self.properties = labels, relations, properties

    def unknown(self, text: str, tokens: Sequence[Token]) -> tuple[str, ...]:
        """Return a sentence for each name of a query that the graph does not have: not wrong, but it finds nothing."""
        notes: list[str] = []
        for n, token in enumerate(tokens):
            name = token.name
            if name is None:
                continue
            kind, known = self._kind(tokens, n)
            if known is not None and name not in known:
                notes.append(f"{place(text, token.start)}: the graph has no {kind} {name[:60]}{did_you_mean(name, sorted(known))}")
        return tuple(dict.fromkeys(notes))

    def _kind(self, tokens: Sequence[Token], n: int) -> tuple[str, frozenset[str] | None]:
        before = text_at(tokens, n - 1)
        if before in (":", "|", "&", "!"):
            bracket = _opening(tokens, n)
            if bracket == "[":
                return "relation", self.relations
            if bracket == "(" or (before == ":" and n >= 2 and tokens[n - 2].name and bracket == ""):
                return "label", self.labels
        elif before == "." and n >= 2 and tokens[n - 2].name is not None and text_at(tokens, n + 1) not in ("(", "."):
            return "property", self.properties
        return "", None


def _opening(tokens: Sequence[Token], n: int) -> str:
    """Return the bracket of a pattern that a name stands in, straight after it or a variable; nothing where it stands in an expression."""
    n -= 1
    while n >= 0 and (text_at(tokens, n) in (":", "|", "&", "!") or tokens[n].name is not None):
        if tokens[n].kind == "word" and text_at(tokens, n) in (
            "WHERE",
            "AND",
            "OR",
            "NOT",
            "RETURN",
            "WITH",
            "IN",
            "WHEN",
            "THEN",
            "ELSE",
            "BY",
            "AS",
        ):
            return ""
        n -= 1
    return text_at(tokens, n) if text_at(tokens, n) in ("(", "[") else ("{" if n >= 0 else "")
