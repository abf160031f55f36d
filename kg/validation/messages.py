"""What pydantic found wrong, in plain English: the place, the value and what it must be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_MAX_SHOWN = 32
"""Characters of a text that are repeated in a message: fewer than an API key has, which may have been put into the wrong field."""
_NAME = "must be small letters, digits and underscores, and begin with a letter"
_PATTERNS = {
    r"^[^\x00]*$": "holds the character U+0000; leave it out",
    r"^[a-z][a-z0-9_]{0,58}$": _NAME,
    r"^[a-z][a-z0-9_]{0,62}$": _NAME,
    r"^[a-z0-9][a-z0-9._-]{0,62}$": "must be small letters, digits, dots, underscores and dashes, and begin with a letter or a digit",
}
_TIME = "must be a time in ISO 8601, such as 2026-11-24T10:15:00Z"
_SAID: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a field that can be given here",
    "string_type": "must be text, in quotes",
    "string_unicode": "holds a character that is not Unicode",
    "string_too_long": "is longer than {max_length} characters",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "list_type": "must be a list: […]",
    "tuple_type": "must be a list: […]",
    "set_type": "must be a list: […]",
    "dict_type": "must be an object: {{…}}",
    "model_type": "must be an object: {{…}}",
    "model_attributes_type": "must be an object: {{…}}",
    "too_long": "has more than {max_length} entries",
    "json_invalid": "is not JSON: {error}",
    "invalid_key": "has a key that is not text",
    "timezone_aware": "must name its time zone, such as 2026-11-24T10:15:00Z",
    "timezone_naive": "must not name a time zone",
}
_UNION_BRANCHES = ("function-", "constrained-", "list[", "tuple[", "dict[", "nullable[", "lax-or-strict[", "json-or-python[")


def place(error: Mapping[str, Any]) -> str:
    """Return where it is: "body.history.0.kind". Names of pydantic's own are left out."""
    parts = [
        _readable(str(part)[:64]) for part in error["loc"] if not (isinstance(part, str) and (part == "[key]" or part.startswith(_UNION_BRANCHES)))
    ]
    return ".".join(parts[:-1] if error["type"] == "json_invalid" and len(parts) > 1 else parts)


def reason(error: Mapping[str, Any]) -> str:
    """Return what is wrong, with the value where it is short.

    >>> reason({"type": "int_type", "loc": ("k",), "msg": "Input should be a valid integer", "input": "10"})
    '"10" must be a whole number, without quotes'
    """
    kind, given, context = str(error["type"]), error.get("input"), dict(error.get("ctx") or {})
    if isinstance(given, bytes):
        return "the body is not read as JSON; send the header Content-Type: application/json"
    said = _said(kind, given, context, str(error.get("msg", "")))
    shown = "" if kind in ("missing", "extra_forbidden", "value_error", "json_invalid", "too_long", "too_short", "string_too_long") else _shown(given)
    return f"{shown} {said}".lstrip()


def _readable(text: str) -> str:
    # A lone surrogate is no text: it could not be written into the answer.
    return text if text.isprintable() else json.dumps(text)[1:-1]


def _said(kind: str, given: Any, context: Mapping[str, Any], message: str) -> str:
    unquoted = ", without quotes" if isinstance(given, str) else ""
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", message))
    if kind in ("int_type", "int_parsing"):
        return f"must be a whole number{unquoted if kind == 'int_type' else ''}"
    if kind in ("float_type", "float_parsing"):
        return f"must be a number{unquoted if kind == 'float_type' else ''}"
    if kind in ("bool_type", "bool_parsing"):
        return f"must be true or false{unquoted if kind == 'bool_type' else ''}"
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(str(context.get("pattern")), f"does not have the form {context.get('pattern')}")
    if kind in ("string_too_short", "too_short"):
        least = context.get("min_length", 1)
        return "is empty" if least == 1 else f"is shorter than {least}"
    if kind.startswith(("datetime", "date_", "time_")):
        return _TIME
    if kind in _SAID:
        try:
            return _SAID[kind].format(**context)
        except KeyError:
            return message
    return message.replace("Input should be a valid", "must be a").replace("Input should be", "must be").replace("String should", "must")


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)[:_MAX_SHOWN]
    if isinstance(value, str) and len(value) <= _MAX_SHOWN:
        return json.dumps(value, ensure_ascii=not value.isprintable())
    return ""


def sentence(error: Mapping[str, Any]) -> str:
    """Return the place and what is wrong there, in one line."""
    where = place(error)
    return f"{where}: {reason(error)}" if where else reason(error)
