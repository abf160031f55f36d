"""JSON as it may be sent, over REST or in a file: every key once, for parsers disagree on what a second one means, and no number that JSON lacks."""

from __future__ import annotations

import json
from typing import Any, NoReturn


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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Fault(f"the key {twice[:64]!r} is given {names.count(twice)} times in one object; give it once")
    return members


def _constant(name: str) -> NoReturn:
    raise _Fault(f"{name} is not JSON; send a number or null")
