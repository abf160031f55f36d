"""A trained extractor over a shop's items: what their titles state beside what the shop's fields and the rules say already."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from kg.errors import ArtifactError
from kg.extract.learned import commands
from kg.extract.learned.attributes import AttributeModel
from kg.extract.learned.data.distant import categories_of
from kg.extract.learned.data.gold import Example
from kg.extract.statements.statements import states
from kg.tables import ATTRIBUTE_COLUMNS

LEARNED = "learned"
"""Extractor of facts that a trained model read."""
VERSION = "1"

_BATCH = 256
_STATED = "catalog"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model reads for one attribute.

    Attributes:
        value: The characters.
        start: First character in the title.
        end: After the last character.
        confidence: 0–1.
    """

    value: str
    start: int
    end: int
    confidence: float


class AttributeReader(Protocol):
    """What is asked of a trained extractor."""

    @property
    def attributes(self) -> Sequence[str]:
        """Attributes it can be asked for."""

    def read(self, examples: Sequence[Example]) -> list[dict[str, Reading]]:
        """Return, per text, the attributes asked for that it states."""


class ShopReader:
    """A trained model as the extract stage asks it.

    Args:
        model: The model.
    """

    def __init__(self, model: AttributeModel) -> None:
        self._model = model

    @classmethod
    def load(cls, path: Path) -> ShopReader:
        """Read a stored model.

        Raises:
            ArtifactError: It is damaged, or reads tags instead of attributes.
        """
        model = commands.load(path)
        if not isinstance(model, AttributeModel):
            raise ArtifactError(f"{path} reads tags, not attributes", hint="train it with `reckon extract train -w DIR`")
        return cls(model)

    @property
    def attributes(self) -> Sequence[str]:
        """Attributes it can be asked for."""
        return self._model.attributes

    def read(self, examples: Sequence[Example]) -> list[dict[str, Reading]]:
        """Return, per text, the attributes asked for that it states."""
        return [
            {
                name: Reading(answer.value, answer.start, answer.end, answer.confidence)
                for name, answer in answers.items()
                if answer.value is not None and answer.start is not None and answer.end is not None
            }
            for answers in self._model.answer(examples)
        ]


def learned_facts(
    reader: AttributeReader, items: pl.DataFrame, facts: pl.DataFrame, progress: Callable[[int, int], None] | None = None, *, language: str = "en"
) -> pl.DataFrame:
    """Read titles for what items do not state.

    A value is given as the shop itself writes it where its fields know it. What a title denies, imitates or says of other goods is left out.

    Args:
        reader: The trained extractor.
        items: Items (`kg.tables.items_table`).
        facts: What is known of them (`kg.tables.ATTRIBUTE_COLUMNS`).
        progress: Called with (titles done, titles in all).
        language: ISO 639-1 code of the titles.

    Returns:
        Facts of the same columns whatever their confidence, at most one per item and relation, none for a relation that the item has already;
        sorted.
    """
    known = _spellings(facts)
    questions = _questions(reader.attributes, items, facts)
    rows: list[tuple[object, ...]] = []
    for (title, _, _), item_ids, result in _read(reader, questions, progress):
        for relation, reading in result.items():
            if not states(title, relation, reading.start, reading.end, language):
                continue
            value = known.get(relation, {}).get(_folded(reading.value), reading.value.strip())
            surface = title[reading.start : reading.end]
            tail = (relation, value, reading.confidence, "title", reading.start, reading.end, surface, LEARNED, VERSION)
            rows.extend((item_id, *tail) for item_id in item_ids if value)
    return pl.DataFrame(rows, schema=dict(ATTRIBUTE_COLUMNS), orient="row").sort("item_id", "relation", "value")


def respelt(before: pl.DataFrame, after: pl.DataFrame) -> list[str]:
    """Return the items with a value that a model read and that the shop's fields now write in another way, sorted.

    Args:
        before: Facts that the values were given by.
        after: Facts now, the readings still as they were.
    """
    old, new = _spellings(before), _spellings(after)
    changed = {
        (relation, form)
        for relation in {*old, *new}
        for form in {*old.get(relation, {}), *new.get(relation, {})}
        if old.get(relation, {}).get(form) != new.get(relation, {}).get(form)
    }
    if not changed:
        return []
    values = {(relation, old[relation][form]) for relation, form in changed if form in old.get(relation, {})}
    read = after.filter(pl.col("extractor") == LEARNED).select("item_id", "relation", "value").unique()
    return sorted({item_id for item_id, name, value in read.iter_rows() if (name, value) in values or (name, _folded(value)) in changed})


def confident(facts: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Return the facts whose confidence reaches a threshold."""
    return facts.filter(pl.col("confidence") >= threshold)


def _questions(attributes: Sequence[str], items: pl.DataFrame, facts: pl.DataFrame) -> dict[tuple[str, str, tuple[str, ...]], list[str]]:
    """Return (title, category, what is to be asked) → items."""
    has: dict[str, set[str]] = defaultdict(set)
    for item_id, relation in facts.select("item_id", "relation").unique().iter_rows():
        has[item_id].add(relation)
    names = sorted(attributes)
    questions: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    columns = items.select("item_id", "title").with_columns(category=pl.Series(categories_of(items), dtype=pl.String)).sort("item_id")
    for item_id, title, category in columns.iter_rows():
        wanted = tuple(name for name in names if name not in has[item_id])
        if title and wanted:
            questions[title, category, wanted].append(item_id)
    return questions


def _read(
    reader: AttributeReader, questions: Mapping[tuple[str, str, tuple[str, ...]], list[str]], progress: Callable[[int, int], None] | None
) -> Iterator[tuple[tuple[str, str, tuple[str, ...]], list[str], Mapping[str, Reading]]]:
    keys = list(questions)
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        examples = [Example((("input", title),), category, wanted, None, {}) for title, category, wanted in batch]
        for key, result in zip(batch, reader.read(examples), strict=True):
            yield key, questions[key], result
        if progress:
            progress(start + len(batch), len(keys))


def _spellings(facts: pl.DataFrame) -> dict[str, dict[str, str]]:
    """Return relation → value in lower-case words → as the shop states it most often."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    stated = facts.filter(pl.col("extractor") == _STATED).group_by("relation", "surface", "value").len().sort("relation", "surface", "value")
    for relation, surface, value, count in stated.iter_rows():
        for written in {_folded(surface or value), _folded(value)}:
            counts[relation][written][value] += count
    return {relation: {written: _most(values) for written, values in forms.items()} for relation, forms in counts.items()}


def _most(values: Counter[str]) -> str:
    return min(values, key=lambda value: (-values[value], value))


def _folded(text: str) -> str:
    return " ".join(text.lower().split())
