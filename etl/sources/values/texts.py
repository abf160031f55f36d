"""Cells that hold more than a text, written as text: a list (`["a", "b"]`, `['a', 'b']`) or one text in several languages (`{"en": "Mug"}`)."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import polars as pl

from kg.extract.text import plain as without_markup

_ENTITY = r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]\w*);"
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_TAGS, _VALUES = ("@language", "language_tag", "language", "lang", "locale"), ("@value", "value", "text", "name")
_MAX_CHARS = 1_000_000
OBJECT = "is a JSON object, not a text; map the member that holds the text to a column of its own"


def structured(cell: str) -> list[Any] | dict[str, Any] | None:
    """Return the list or object that a cell holds as text, in the notation of JSON or Python; None for a plain text.

    >>> structured('["a", "b"]'), structured("['a']"), structured("[sale] mug"), structured("{x}")
    (['a', 'b'], ['a'], None, None)
    """
    text = cell.strip()
    if len(text) > _MAX_CHARS or text[:1] + text[-1:] not in ("[]", "{}"):
        return None
    try:
        result = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            result = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            return None
    return result if isinstance(result, list | dict) else None


def translation(value: Any, language: str) -> str | None:
    """Return the text in the shop's language of an object that holds it by language, else its first text; None where it is no such object.

    Args:
        value: `{"en": "Mug"}`, `{"language": "en", "value": "Mug"}`, or a list of the latter.
        language: ISO 639-1 code.

    >>> translation({"de": "Becher", "en_US": "Mug"}, "en"), translation({"de": "Becher"}, "en"), translation({"a": 1}, "en")
    ('Mug', 'Becher', None)
    """
    texts = _by_language(value)
    if texts is None:
        return None
    said = [(tag, text) for tag, text in texts if text.strip()]
    exact = [text for tag, text in said if tag.lower() == language]
    near = [text for tag, text in said if re.split("[-_]", tag.lower())[0] == language]
    return next(iter([*exact, *near, *(text for _, text in said)]), "")


def plain(cell: str, language: str, separator: str) -> str | None:
    """Return what a cell says as one text; None for an object that is no translation.

    >>> plain('["Soft.", "Warm."]', "en", " "), plain('{"en": "Mug"}', "en", " "), plain("Mug", "en", " "), plain('{"a": 1}', "en", " ")
    ('Soft. Warm.', 'Mug', 'Mug', None)
    """
    result = structured(cell)
    if result is None:
        return cell
    translated = translation(result, language)
    if translated is not None:
        return translated
    if isinstance(result, dict):
        return None
    if any(isinstance(part, dict) for part in _flat(result)):
        return None
    parts = [str(part).strip() for part in _flat(result) if part is not None]
    return separator.join(part for part in parts if part)


def values(cell: str, language: str) -> list[str] | None:
    """Return the values that a list or a translation written as text holds; None for a plain text, which is one value."""
    result = structured(cell)
    if result is None:
        return None
    translated = translation(result, language)
    if translated is not None:
        return [translated]
    if isinstance(result, dict):
        return None
    return [_value(part) for part in _flat(result) if part is not None]


def unwrapped(cells: pl.Series, language: str, separator: str) -> tuple[pl.Series, pl.Series]:
    """Return cells as plain texts, and which of them are objects that cannot be one."""
    looks = cells.str.contains(r"(?s)^\s*(?:\[.*\]|\{.*\})\s*$").fill_null(False)
    if not looks.any():
        return cells, looks
    result = {cell: plain(cell, language, separator) for cell in cells.filter(looks).unique().to_list()}
    wrong = [cell for cell, text in result.items() if text is None]
    changed = {cell: text for cell, text in result.items() if text is not None and text != cell}
    return (cells.replace([*changed], [*changed.values()]) if changed else cells), cells.is_in(wrong).fill_null(False)


def _flat(value: Sequence[Any]) -> list[Any]:
    return [part for each in value for part in (_flat(each) if isinstance(each, list) else [each])]


def _value(part: Any) -> str:
    if isinstance(part, float) and part.is_integer() and abs(part) < 2**53:
        return str(int(part))
    return part if isinstance(part, str) else orjson.dumps(part, default=str).decode()


def _by_language(value: Any) -> list[tuple[str, str]] | None:
    """Return (language tag, text) pairs; None where it is no translation."""
    if isinstance(value, list):
        pairs = [_tagged(each) for each in value]
        return [pair for pair in pairs if pair is not None] if pairs and all(pair is not None for pair in pairs) else None
    if not isinstance(value, dict) or not value:
        return None
    tagged = _tagged(value)
    if tagged is not None:
        return [tagged]
    if all(isinstance(key, str) and _LANGUAGE.fullmatch(key) and _is_tag(key) for key in value) and all(
        text is None or isinstance(text, str) for text in value.values()
    ):
        return [(key, text or "") for key, text in value.items()]
    return None


def _tagged(value: Any) -> tuple[str, str] | None:
    if not isinstance(value, Mapping):
        return None
    tag = next((value[name] for name in _TAGS if isinstance(value.get(name), str)), None)
    text = next((value[name] for name in _VALUES if isinstance(value.get(name), str)), None)
    return (tag, text) if tag is not None and text is not None and len(value) <= 3 else None


def _is_tag(key: str) -> bool:
    return re.split("[-_]", key.lower())[0] in _LANGUAGES


_LANGUAGE_CODES = (
    "af ar az be bg bn bs ca cs cy da de el en es et eu fa fi fil fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko lo lt lv mk ml "
    "mn mr ms mt my nb ne nl nn no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi zh zu default und "
)
_LANGUAGES = frozenset(_LANGUAGE_CODES.split())
"""Languages that shops write in: `{"id": …}` of numbers and `{"size": …}` are no translations."""


def without_entities(values: pl.Series) -> pl.Series:
    """Return short values (brands, categories, attributes) with HTML's entities as the characters they stand for: "L&#39;anza" is "L'anza"."""
    escaped = values.filter(values.str.contains(_ENTITY).fill_null(False)).unique().to_list()
    return values.replace({text: without_markup(text) for text in escaped}) if escaped else values
