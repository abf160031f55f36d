"""Query strings as callers may send them: every parameter once, unless it is a list."""

from __future__ import annotations

from urllib.parse import parse_qsl

REPEATABLE = frozenset({"cap", "relation", "rerank"})
"""Query parameters that may come more than once; a test holds this against the OpenAPI document."""


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
