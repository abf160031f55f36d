"""JSON as callers may send it: every key once, and no number that JSON does not have. Parsers disagree on what a repeated key means."""

from __future__ import annotations

import json
from typing import Any, NoReturn
from urllib.parse import parse_qsl

REPEATABLE = frozenset({"cap", "relation"})
"""Query parameters that may come more than once; a test holds this against the OpenAPI document."""


class _Fault(Exception):
    """What is wrong with the text."""


def fault(text: str | bytes) -> str | None:
    """Say what is wrong with JSON that a lenient parser would take; None where nothing is. What is no JSON at all is left to the parser.

    >>> fault('{"k": 1, "k": 2}')
    "the key 'k' is given 2 times in one object; give it once"
    """
    try:
        json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except _Fault as error:
        return str(error)
    except (ValueError, RecursionError):
        return None
    return None


def repeated(query: bytes) -> str | None:
    """Return the message for a query parameter that is given more than once and is not a list.

    >>> repeated(b"k=5&k=6"), repeated(b"cap=has_brand:1&cap=has_color:2")
    ('query.k: is given 2 times; give it once', None)
    """
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    for name in names:
        if name not in REPEATABLE and names.count(name) > 1:
            return f"query.{name[:64]}: is given {names.count(name)} times; give it once"
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Fault(f"the key {twice[:64]!r} is given {names.count(twice)} times in one object; give it once")
    return members


def _constant(name: str) -> NoReturn:
    raise _Fault(f"{name} is not JSON; send a number or null")
