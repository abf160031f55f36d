"""Labels and ratings of training reviews as negative and positive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from kg.errors import InputError

LabelValue = int | str
_WORDS = {
    "negative": False, "neg": False, "bad": False, "false": False, "差评": False, "负面": False,
    "positive": True, "pos": True, "good": True, "true": True, "好评": True, "正面": True,
}  # fmt: skip
NEGATIVE_TO, POSITIVE_FROM = 2, 4
"""Ratings: negative up to and with, positive from; between them is neither."""
_HINT = "use two values such as 0 and 1, the words negative and positive, or ratings from 1 to 5"


@dataclass(frozen=True)
class Labels:
    """Which rows train, and as what.

    Attributes:
        rows: Rows with a label that says something.
        positive: Per such row.
        values: What is written for negative and for positive.
    """

    rows: npt.NDArray[np.int64]
    positive: npt.NDArray[np.bool_]
    values: tuple[LabelValue, LabelValue]


def labels_of(column: pl.Series, place: str) -> Labels:
    """Read a column of labels. Rows without one, and ratings of 3, are left out.

    Args:
        column: Two numbers (the smaller is negative), ratings from 1 to 5, truth values, or words.
        place: Where it comes from, for messages.

    Raises:
        InputError: The values cannot be read, or only one kind is there.
    """
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        return _from_words(column.cast(pl.String), place)
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Int8)
    if not column.dtype.is_numeric():
        raise InputError(f"{place}: labels are {column.dtype}", hint=_HINT)
    numbers = column.cast(pl.Float64)
    kinds = numbers.filter(numbers.is_finite().fill_null(value=False)).unique().sort().to_list()
    if len(kinds) == 2:
        low, high = kinds
        return _kept((numbers == low).to_numpy(), (numbers == high).to_numpy(), (_value(low), _value(high)), place)
    if kinds and (kinds[0] < 1 or kinds[-1] > 5):
        wrong = kinds[0] if kinds[0] < 1 else kinds[-1]
        raise InputError(f"{place}: {wrong:g} is among {len(kinds)} kinds of labels", hint=_HINT)
    return _kept((numbers <= NEGATIVE_TO).to_numpy(), (numbers >= POSITIVE_FROM).to_numpy(), (0, 1), place)


def _from_words(column: pl.Series, place: str) -> Labels:
    kinds = column.drop_nulls().unique().sort().to_list()
    try:
        numbers = column.cast(pl.Float64)
    except pl.exceptions.PolarsError:
        pass
    else:
        return labels_of(numbers, place)
    unknown = [kind for kind in kinds if kind.strip().lower() not in _WORDS]
    if unknown:
        raise InputError(f"{place}: the label {unknown[0][:40]!r} says neither negative nor positive", hint=_HINT)
    meaning = {kind: _WORDS[kind.strip().lower()] for kind in kinds}
    negative, positive = ([kind for kind in kinds if meaning[kind] is wanted] for wanted in (False, True))
    values = (negative[0] if negative else "negative", positive[0] if positive else "positive")
    return _kept(column.is_in(negative).to_numpy(), column.is_in(positive).to_numpy(), values, place)


def _kept(negative: npt.NDArray[np.bool_], positive: npt.NDArray[np.bool_], values: tuple[LabelValue, LabelValue], place: str) -> Labels:
    negative, positive = (np.array([flag is True or flag == 1 for flag in flags.tolist()], dtype=bool) for flags in (negative, positive))
    if not negative.any() or not positive.any():
        missing = "positive" if negative.any() else "negative"
        raise InputError(f"{place}: there is no {missing} review", hint=f"a model needs both kinds; {_HINT}")
    rows = np.flatnonzero(negative | positive)
    return Labels(rows, positive[rows], values)


def _value(number: float) -> LabelValue:
    return int(number) if number == int(number) else str(number)
