"""Gold without labels: where an item's structured field stands in its title, the title teaches the attribute.

A field whose value stands in the title as written there is a label. One of which no word stands in the title says that the title states nothing. One
of which only some words do ("Hewlett-Packard" in "Hewlett printer") teaches nothing, and neither does an empty field: unknown is not absent.

Source: Mintz et al. 2009, Distant supervision for relation extraction without labeled data, ACL, P09-1113.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from kg import schema
from kg.extract.learned.data.gold import NOTHING
from kg.extract.lexicon import placeholders
from kg.tables import ITEM_COLUMNS

MIN_LABELS = 30
"""An attribute with fewer labels than this is not learned."""
MAX_TITLES = 4_000
"""Titles that are taught; what persons answered comes on top."""
NEGATIVES = 2
"""Titles that state nothing are taught up to so many times as often as those that state something."""

_MAX_CHARS = 100
_MAX_WORDS = 8
_WORD = re.compile(r"[^\W_]+")

Labels = Mapping[str, Sequence[str]]
"""Attribute → values as the title writes them; empty where it states none."""


def categories_of(items: pl.DataFrame) -> list[str]:
    """Return the category each item is read with: the last it is listed under, empty where there is none."""
    return [str(names[-1]) if names else "" for names in items["categories"].to_list()]


def gold_rows(items: pl.DataFrame, answers: Iterable[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """Make gold lines of a shop's items and of what persons answered.

    Args:
        items: Items (`kg.tables.items_table`).
        answers: Gold lines made of answers (`kg.extract.learned.data.review`); they win over the labels of the same title.

    Returns:
        Gold lines (`kg.extract.learned.data.gold`), the same for the same items in any order.
    """
    stated: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for row in answers:
        stated[str(row["input"]), str(row["category"])].update(row["target_scores"])
    labels = _balanced(dict(_labelled(items)))
    counts = Counter(name for result in labels.values() for name, values in result.items() if values)
    kept = {name for name, count in counts.items() if count >= MIN_LABELS}
    rows: list[dict[str, Any]] = []
    for key, result in labels.items():
        scores: dict[str, Mapping[str, int]] = {name: dict.fromkeys(values, 1) or {NOTHING: 1} for name, values in result.items() if name in kept}
        if scores and key not in stated and len(rows) < MAX_TITLES:
            rows.append(_row(key, scores))
        elif key in stated:
            stated[key] = {**scores, **stated[key]}
    return rows + [_row(key, scores) for key, scores in sorted(stated.items())]


def _row(key: tuple[str, str], scores: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    return {"input": key[0], "category": key[1], "target_scores": dict(sorted(scores.items()))}


def _labelled(items: pl.DataFrame) -> Iterator[tuple[tuple[str, str], dict[str, list[str]]]]:
    """Yield what each title teaches, once per title and category."""
    fields = ["brand", *(name for name in items.columns if name not in ITEM_COLUMNS)]
    relations = {name: schema.attribute_relation(name) for name in fields}
    ordered = items.with_columns(category=pl.Series(categories_of(items), dtype=pl.String)).sort("item_id")
    seen: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(dict)
    for row in ordered.select("title", "category", *fields).iter_rows(named=True):
        title = row["title"]
        if not title:
            continue
        here = seen[title, row["category"]]
        for name in fields:
            values = [row[name]] if name == "brand" else row[name]
            result = _taught(title, [value for value in values or [] if value])
            if result is not None:
                here.setdefault(relations[name], result)
    yield from seen.items()


def _taught(title: str, values: Sequence[str]) -> list[str] | None:
    """Return the values of a field as the title writes them, none where it states none, None where that is unknown."""
    usable = [value.strip() for value in values if _usable(value)]
    if not usable or len(usable) < len(values):
        return None
    result = sorted({surface for value in usable if (surface := written_form(title, value)) is not None})
    if result:
        return result
    words = {word.lower() for word in _WORD.findall(title)}
    return None if any(word.lower() in words for value in usable for word in _WORD.findall(value)) else []


def _usable(value: str) -> bool:
    """Say whether a value is words that a title would repeat: a bare number says too little, a sentence is no value."""
    words = _WORD.findall(value)
    plain = value.strip().lower() in placeholders() or value.strip().isdigit()
    return 0 < len(words) <= _MAX_WORDS and len(value) <= _MAX_CHARS and len("".join(words)) > 1 and not plain


def written_form(title: str, value: str) -> str | None:
    """Return a value as a title writes it, whatever the case and what stands between its words, or None.

    >>> written_form("Hewlett-Packard LaserJet", "hewlett packard")
    'Hewlett-Packard'
    """
    words = [re.escape(word) for word in _WORD.findall(value)]
    if not words:
        return None
    match = re.search(r"(?<![^\W_])" + r"[\W_]{1,3}".join(words) + r"(?![^\W_])", title, re.IGNORECASE)
    return match.group() if match else None


def _balanced(labels: Mapping[tuple[str, str], Mapping[str, list[str]]]) -> dict[tuple[str, str], dict[str, list[str]]]:
    """Drop what goes beyond the allowed share of titles that state nothing, and put the titles in an order that favours none."""
    positive = Counter(name for result in labels.values() for name, values in result.items() if values)
    left = {name: NEGATIVES * count for name, count in positive.items()}
    out: dict[tuple[str, str], dict[str, list[str]]] = {}
    for key in sorted(labels, key=lambda k: _digest(*k)):
        kept: dict[str, list[str]] = {}
        for name, values in labels[key].items():
            if not values:
                if left.get(name, 0) <= 0:
                    continue
                left[name] -= 1
            kept[name] = values
        out[key] = kept
    return out


def _digest(title: str, category: str) -> str:
    return hashlib.sha256(f"{title}\0{category}".encode()).hexdigest()
