"""Exact-match scores of learned extraction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kg.extract.learned.data.gold import entities


@dataclass(frozen=True)
class Score:
    """Counts over what was asked.

    Attributes:
        right: Predictions that are gold.
        predicted: Predictions made.
        stated: Answers that were there to be found.
    """

    right: int
    predicted: int
    stated: int

    @property
    def precision(self) -> float:
        """Share of the predictions that are right; 0 where there are none."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the answers that were found; 0 where there are none."""
        return self.right / self.stated if self.stated else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / (self.predicted + self.stated) if self.predicted + self.stated else 0.0

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.predicted + other.predicted, self.stated + other.stated)


def score_values(gold: Iterable[Mapping[str, Sequence[str]]], predicted: Iterable[Mapping[str, str | None]]) -> Score:
    """Score predictions of attributes: one prediction per attribute asked for, right where it is exactly one of the gold values.

    Args:
        gold: Per text, attribute asked → its values; none where the text states nothing, and any prediction is then wrong.
        predicted: Per text, attribute → value or None. Attributes that were not asked for do not count.

    >>> score_values([{"Brand": ["HP"], "Color": []}], [{"Brand": "HP", "Color": "red"}])
    Score(right=1, predicted=2, stated=1)
    """
    right = made = stated = 0
    for wanted, given in zip(gold, predicted, strict=True):
        for attribute, values in wanted.items():
            value = given.get(attribute)
            stated += bool(values)
            made += value is not None
            right += value is not None and value in values
    return Score(right, made, stated)


def score_tags(gold: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]]) -> Score:
    """Score tags by the (start, end, type) they spell.

    >>> score_tags([["B-HP", "E-HP", "S-HC"]], [["B-HP", "E-HP", "O"]])
    Score(right=1, predicted=1, stated=2)
    """
    total = Score(0, 0, 0)
    for wanted, given in zip(gold, predicted, strict=True):
        one, other = entities(wanted), entities(given)
        total += Score(len(one & other), len(other), len(one))
    return total
