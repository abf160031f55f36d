"""A file of reviews replayed in the order of time: which streams turn negative, since when, and what is complained of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from gnn.opinions.surges import Stream, Surge, surges
from kg.errors import InputError
from kg.opinions.aspects import AspectFinder
from kg.opinions.labels import labels_of
from kg.opinions.lexical import negatives_without_labels
from kg.opinions.polarity import PolarityModel
from kg.opinions.reading import Language, language_of_all
from kg.opinions.training import train
from kg.opinions.vocabulary import learn_aspects
from kg.timestamps import utc_text

DAY_S = 86_400
EXAMPLES = 5
EXAMPLE_CHARS = 300
FEWEST_OF_EACH = 30
"""Ratings of each kind that a classifier is trained from."""
_OVERALL = "overall"
"""Topic of a surge whose reviews name no aspect more often than others do."""
_FEWEST_MENTIONS = 2


@dataclass(frozen=True)
class Watched:
    """Reviews in the order of time.

    Attributes:
        rows: Their rows in the file.
        texts: Of each.
        seconds: Of each, since 1970.
        keys: Of each.
        negative: Whether each is.
        source: What said so: a model, ratings, or words.
    """

    rows: npt.NDArray[np.int64]
    texts: list[str]
    seconds: npt.NDArray[np.float64]
    keys: list[str]
    negative: npt.NDArray[np.bool_]
    source: str


def watched(
    frame: pl.DataFrame, texts: Sequence[str | None], time: str, key: str, *, model: PolarityModel | None, rating: str, place: str
) -> Watched:
    """Order reviews by time and say which are negative; rows without text or key are left out.

    Args:
        frame: The file.
        texts: Of each row.
        time: Column of Unix seconds, dates or dates with times.
        key: Column of what is watched: items, brands, channels.
        model: Trained; without it one is trained on the ratings, or from words of opinion.
        rating: Column of ratings; where it is missing, words decide.
        place: Where the reviews come from, for messages.

    Raises:
        InputError: A time cannot be read, or no row is left.
    """
    seconds = _seconds(frame[time], f"{place}, column {time}")
    keys = frame[key].cast(pl.String, strict=False).to_list()
    usable = [row for row, text in enumerate(texts) if text is not None and text.strip() and keys[row]]
    if not usable:
        raise InputError(f"{place} has no review with a text and a {key}", hint="check the columns named by --text and --key")
    rows = np.array(usable)[np.argsort(seconds[usable], kind="stable")]
    ordered = [texts[row] or "" for row in rows]
    ratings = frame[rating][rows.tolist()] if rating in frame.columns else None
    negative, source = _negative(ordered, model, ratings, place)
    return Watched(rows, ordered, seconds[rows], [keys[row] or "" for row in rows], negative, source)


def _negative(texts: list[str], model: PolarityModel | None, ratings: pl.Series | None, place: str) -> tuple[npt.NDArray[np.bool_], str]:
    if model is not None:
        return model.probability(texts) < model.threshold, "the model"
    language = language_of_all(texts[:2_000])
    own = None if ratings is None else _trained(texts, ratings, language, place)
    if own is not None:
        return own.probability(texts) < own.threshold, "a model trained on the ratings of the file"
    negative, learned = negatives_without_labels(texts, language)
    return negative, "words of opinion" if learned is None else "a model that learned from words of opinion"


def _trained(texts: list[str], ratings: pl.Series, language: Language, place: str) -> PolarityModel | None:
    try:
        labels = labels_of(ratings, place)
    except InputError:
        return None
    if min(labels.positive.sum(), (~labels.positive).sum()) < FEWEST_OF_EACH:
        return None
    return train([texts[row] for row in labels.rows], labels.positive, language)


def _seconds(series: pl.Series, place: str) -> npt.NDArray[np.float64]:
    if series.dtype == pl.Date or isinstance(series.dtype, pl.Datetime):
        values = series.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
    elif series.dtype == pl.String:
        values = series.str.to_datetime(strict=False, time_unit="us", time_zone="UTC").dt.epoch("us").cast(pl.Float64) / 1e6
    elif series.dtype.is_numeric() or series.dtype == pl.Null:
        values = series.cast(pl.Float64)
    else:
        raise InputError(f"{place}: times are {series.dtype}", hint="use Unix seconds, or dates with times")
    bad = ~values.is_finite().fill_null(value=False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InputError(
            f"{place}, row {row}: the time is {series[row]!r}; {int(bad.sum()):,} rows are like this",
            hint="give each review a time, or leave it out",
        )
    seconds = values.to_numpy()
    largest = float(np.abs(seconds).max(initial=0))
    if largest > 1e11:
        raise InputError(f"{place}: {largest:.0f} is no time in Unix seconds", hint="divide milliseconds by 1,000")
    return seconds


def alerts(reviews: Watched, *, false_alarms: float) -> list[dict[str, Any]]:
    """Return the alerts in the order in which they were raised.

    Args:
        reviews: In the order of time.
        false_alarms: Bound per stream and month.
    """
    days = np.floor(reviews.seconds / DAY_S).astype(np.int64)
    names = sorted(set(reviews.keys))
    number = {name: n for n, name in enumerate(names)}
    codes = np.array([number[key] for key in reviews.keys])
    order = np.lexsort((days, codes))
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    members = [order[first:last] for first, last in pairwise(bounds.tolist())]
    raised = surges([_stream(n, days[rows], reviews.negative[rows]) for n, rows in enumerate(members)], false_alarms=false_alarms)
    if not raised:
        return []
    topics = _Topics(reviews)
    return [_alert(reviews, surge, names[surge.stream], members[surge.stream], days, topics) for surge in raised]


def _stream(number: int, days: npt.NDArray[np.int64], negative: npt.NDArray[np.bool_]) -> Stream:
    distinct, places = np.unique(days, return_inverse=True)
    return Stream(number, distinct, np.bincount(places), np.bincount(places, weights=negative).astype(np.int64))


class _Topics:
    """What negative reviews complain of, and how often those of all streams do."""

    def __init__(self, reviews: Watched) -> None:
        language = language_of_all(reviews.texts[:2_000])
        self._finder = AspectFinder.of(language, learn_aspects(reviews.texts, language))
        self._texts = reviews.texts
        everywhere = np.flatnonzero(reviews.negative)[-5_000:]
        self._everywhere = Counter(name for row in everywhere for name in self._named(row))
        self._reviews = len(everywhere)

    def _named(self, row: int) -> set[str]:
        return {aspect.name for aspect in self._finder.find(self._texts[row]) if aspect.polarity == "negative"}

    def of(self, rows: npt.NDArray[np.int64]) -> str:
        """Return the aspect that these reviews complain of most, beyond what others do."""
        counts = Counter(name for row in rows.tolist() for name in self._named(row))
        gains = {
            name: n * math.log((n / len(rows)) / ((self._everywhere[name] + 1) / (self._reviews + 1)))
            for name, n in counts.items()
            if n >= _FEWEST_MENTIONS
        }
        best = max(gains, key=lambda name: (gains[name], name), default=_OVERALL)
        return best if best == _OVERALL or gains[best] > 0 else _OVERALL


def _alert(reviews: Watched, surge: Surge, key: str, members: npt.NDArray[np.int64], days: npt.NDArray[np.int64], topics: _Topics) -> dict[str, Any]:
    within = members[(days[members] >= surge.start) & (days[members] <= surge.detected)]
    negative = within[reviews.negative[within]]
    return {
        "key": key,
        "topic": topics.of(negative),
        "start": utc_text(surge.start * DAY_S),
        "start_s": surge.start * DAY_S,
        "detected_at": utc_text(float(reviews.seconds[within].max())),
        "detected_at_s": float(reviews.seconds[within].max()),
        "size": surge.negatives,
        "reviews": surge.reviews,
        "share": round(surge.negatives / surge.reviews, 4),
        "expected_share": round(surge.expected, 4),
        "p_value": surge.p_value,
        "examples": [
            {"row": int(reviews.rows[at]), "time_s": float(reviews.seconds[at]), "text": reviews.texts[at][:EXAMPLE_CHARS]}
            for at in negative[::-1][:EXAMPLES].tolist()
        ],
    }
