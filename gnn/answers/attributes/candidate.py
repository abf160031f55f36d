"""An attribute with its values, as a shop writes it, taken apart: `item_weight: { unit:pounds, value:1.83 }`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from gnn.text.analysis import folded, stem

MAX_CANDIDATE = 4_000
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\d+(?:[.,]\d+)?|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+")
_PAIR = re.compile(r"""([A-Za-z_]+):\s*(?:"([^"]*)"|([^\s{}\[\],;]+))""")
_INNER = re.compile(r"([A-Za-z_]+):\s*[{\[]")
_BARE = re.compile(r"[{}\[\]]")
_STRUCTURE = frozenset({"value", "unit", "normalized_value", "standardized_values", "language_tag"})
_NORMALIZED = re.compile(r"normalized_value:\s*\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What can be compared with a question.

    Attributes:
        name: Words of the attribute's name and of the parts of its value ("display", "size").
        values: Words of the values.
        units: Units as written, one word each.
        kind: "boolean", "number" or "text": the kind of the first value.
        title: The name as a person reads it.
    """

    name: tuple[str, ...]
    values: tuple[str, ...]
    units: tuple[str, ...]
    kind: str
    title: str


def terms(text: str) -> tuple[str, ...]:
    """Return the words of a text, folded and without plurals.

    >>> terms("Are these dishes dishwasher_safe?")
    ('are', 'these', 'dish', 'dishwasher', 'safe')
    """
    return tuple(stem(word) for word in _TOKEN.findall(folded(text[:MAX_CANDIDATE])))


@lru_cache(maxsize=50_000)
def parse(text: str) -> Candidate:
    """Take a candidate apart; text that has no such form is a value without a name.

    >>> parse('item_weight:  { unit:pounds, value:1.83 }')
    Candidate(name=('item', 'weight'), values=('1.83',), units=('pound',), kind='number', title='item weight')
    >>> parse('color: "green"').values
    ('green',)
    """
    head, colon, body = text[:MAX_CANDIDATE].partition(":")
    if not colon:
        head, body = "", head
    body = _NORMALIZED.sub("", body)
    pairs = _PAIR.findall(body)
    inner = [name for name in _INNER.findall(body) if name not in _STRUCTURE]
    inner += [name for name, _, _ in pairs if name not in _STRUCTURE]
    values = [quoted or bare for name, quoted, bare in pairs if name != "unit"]
    values += re.findall(r'(?<!:)"([^"]*)"', body) if pairs else [_BARE.sub(" ", body).strip(' "')]
    units = [(quoted or bare).replace("_", " ") for name, quoted, bare in pairs if name == "unit"]
    name = terms(head.replace("_", " ") + " " + " ".join(dict.fromkeys(inner)).replace("_", " "))
    words = tuple(dict.fromkeys(word for value in values for word in terms(value.replace("_", " "))))
    unit_words = tuple(dict.fromkeys(word for unit in units for word in terms(unit)))
    return Candidate(name, words, unit_words, _kind(values), head.strip().replace("_", " "))


def _kind(values: list[str]) -> str:
    first = values[0].strip().lower() if values else ""
    if first in ("true", "false", "yes", "no"):
        return "boolean"
    return "number" if re.fullmatch(r"-?\d+(?:[.,]\d+)?", first) else "text"
