"""Values that no text states: predicted from an item's category, brand and words, each with a calibrated confidence and marked as inferred.

For every relation with a manageable number of values a naive Bayes model is fitted on the items that state one value. Its confidence is brought to
the frequency of being right (isotonic regression on out-of-fold predictions). Only items of categories whose items usually state the relation are
asked: nobody infers the screen size of a shampoo. What is calibrated is therefore "given that the item has such a value".

Source: naive Bayes by Rennie et al. 2003 (ComplementNB, ICML); calibration by Zadrozny and Elkan 2002, doi:10.1145/775047.775151.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from kg import schema
from kg.tables import ATTRIBUTE_COLUMNS

INFERRED = "inferred"
VERSION = "1"

MIN_ITEMS = 100
"""Fewer examples than this calibrate nothing."""
MIN_PER_VALUE = 10
MAX_VALUES = 200
MAX_RELATIONS = 50
COVERAGE = 0.3
"""Share of a category's items that state the relation, from which on the others are asked."""

_FOLDS = 3
_MIN_FREQUENCY = 3
_WORD = re.compile(r"[^\W_]{2,}")
_NEVER = frozenset(
    {"compatible_with", "has_allergen", "has_allergen_trace", "has_category", "has_brand", "has_price_band", "has_model", schema.MENTIONS}
)
"""Names and prices are not properties that neighbours share by nature."""


@dataclass(frozen=True)
class _Features:
    """Sparse features of items, and what each column is called in evidence."""

    matrix: sp.csr_matrix
    names: Sequence[str]


def infer(items: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Predict values that items do not state.

    Args:
        items: Items (`kg.tables.items_table`).
        facts: What they state (`kg.tables.ATTRIBUTE_COLUMNS`).

    Returns:
        Facts of the same columns, at most one per item and relation, none for a relation that the item states already. `extractor` is "inferred",
        `field` too, `start` and `end` are null, `surface` names the strongest evidence, `confidence` is the calibrated probability.
    """
    ordered = items.sort("item_id")
    numbers = ordered.select("item_id").with_row_index("num")
    categories = [list(row or []) for row in ordered["categories"].to_list()]
    features = _features(ordered, categories)
    parts = [pl.DataFrame(schema=dict(ATTRIBUTE_COLUMNS))]
    for relation in _relations(facts):
        stated = facts.filter(pl.col("relation") == relation).join(numbers, on="item_id")
        parts.append(_of_relation(relation, stated, ordered["item_id"], categories, features))
    return pl.concat(parts).sort("item_id", "relation")


def _relations(facts: pl.DataFrame) -> list[str]:
    """Return the relations worth a model: enough items, few values, usually one per item; the best covered first."""
    per_item = facts.group_by("relation", "item_id").agg(n=pl.len(), value=pl.col("value").first())
    common = per_item.group_by("relation", "value").len().filter(pl.col("len") >= MIN_PER_VALUE).group_by("relation").agg(values=pl.len())
    table = per_item.group_by("relation").agg(items=pl.len(), several=(pl.col("n") > 1).mean()).join(common, on="relation")
    chosen = table.filter(
        pl.col("items") >= MIN_ITEMS, pl.col("values").is_between(2, MAX_VALUES), pl.col("several") < 0.5, ~pl.col("relation").is_in(sorted(_NEVER))
    )
    return chosen.sort("items", "relation", descending=[True, False])["relation"].head(MAX_RELATIONS).to_list()


def _of_relation(relation: str, stated: pl.DataFrame, item_ids: pl.Series, categories: Sequence[Sequence[str]], features: _Features) -> pl.DataFrame:
    labelled = stated.group_by("num").agg(n=pl.len(), value=pl.col("value").first()).filter(pl.col("n") == 1).sort("num")
    labelled = labelled.filter(pl.len().over("value") >= MIN_PER_VALUE)
    unstated = _unstated(stated["num"].unique().to_numpy(), categories)
    if labelled.height < MIN_ITEMS or labelled["value"].n_unique() < 2 or not len(unstated):
        return pl.DataFrame(schema=dict(ATTRIBUTE_COLUMNS))
    values = labelled["value"].unique().sort().to_list()
    place = {value: number for number, value in enumerate(values)}
    rows, labels = labelled["num"].to_numpy(), np.asarray([place[value] for value in labelled["value"].to_list()])
    weights = _fitted(features.matrix[rows], labels, len(values))
    probability, calibrated = _calibration(features.matrix[rows], labels, len(values))
    scores = _probabilities(features.matrix[unstated], weights)
    best = scores.argmax(axis=1)
    confidence = np.interp(scores.max(axis=1), probability, calibrated)
    evidence = [_evidence(features, int(item), weights[:, value]) for item, value in zip(unstated, best, strict=True)]
    return pl.DataFrame(
        {
            "item_id": item_ids.gather(unstated),
            "relation": [relation] * len(unstated),
            "value": [values[value] for value in best],
            "confidence": confidence,
            "field": [INFERRED] * len(unstated),
            "start": pl.Series([None] * len(unstated), dtype=pl.Int64),
            "end": pl.Series([None] * len(unstated), dtype=pl.Int64),
            "surface": evidence,
            "extractor": [INFERRED] * len(unstated),
            "extractor_version": [VERSION] * len(unstated),
        },
        schema=dict(ATTRIBUTE_COLUMNS),
    )


def _unstated(stating: npt.NDArray[np.uint32], categories: Sequence[Sequence[str]]) -> npt.NDArray[np.int64]:
    """Return the items that do not state the relation although most of their last category's items do."""
    states = np.zeros(len(categories), dtype=bool)
    states[stating] = True
    seen: dict[str, list[int]] = {}
    for number, row in enumerate(categories):
        if row:
            seen.setdefault(row[-1], []).append(number)
    return np.asarray(
        sorted(number for members in seen.values() if states[members].mean() >= COVERAGE for number in members if not states[number]), dtype=np.int64
    )


def _features(items: pl.DataFrame, categories: Sequence[Sequence[str]]) -> _Features:
    """Return which categories, brand and title words each item has, [n_items, f] of ones."""
    titles, brands = items["title"].to_list(), items["brand"].to_list()
    named = [
        {*(f"category {name}" for name in row), *([f"brand {brand}"] if brand else []), *(f"word {word}" for word in _words(title))}
        for row, brand, title in zip(categories, brands, titles, strict=True)
    ]
    frequency: dict[str, int] = {}
    for names in named:
        for name in names:
            frequency[name] = frequency.get(name, 0) + 1
    columns = {name: number for number, name in enumerate(sorted(name for name, n in frequency.items() if n >= _MIN_FREQUENCY))}
    indices = [sorted(columns[name] for name in names if name in columns) for names in named]
    indptr = np.cumsum([0, *(len(row) for row in indices)])
    flat = np.asarray([number for row in indices for number in row], dtype=np.int32)
    matrix = sp.csr_matrix((np.ones(len(flat), dtype=np.float32), flat, indptr), shape=(len(named), len(columns)))
    return _Features(matrix, list(columns))


def _words(title: str | None) -> Iterator[str]:
    return (word.lower() for word in _WORD.findall(title or ""))


Weights = npt.NDArray[np.float64]


def _fitted(matrix: sp.csr_matrix, labels: npt.NDArray[np.int64], n_values: int) -> Weights:
    """Return the weights of complement naive Bayes: how much less often a feature occurs beside the other values, [f, n values]."""
    ones = sp.csr_matrix((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=(n_values, len(labels)))
    counts = np.asarray((ones @ matrix).todense(), dtype=np.float64)  # [n values, f]
    others = counts.sum(axis=0) - counts + 1.0
    weights = -np.log(others / others.sum(axis=1, keepdims=True))
    weights /= np.abs(weights).sum(axis=1, keepdims=True)
    return np.asarray(weights.T * weights.shape[1])


def _probabilities(matrix: sp.csr_matrix, weights: Weights) -> Weights:
    """Return softmax of the mean evidence per feature, [n, n values]: comparable between items with many and with few features."""
    lengths = np.maximum(np.diff(matrix.indptr), 1)[:, None]
    scores = 20.0 * np.asarray(matrix @ weights) / lengths
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))


def _calibration(matrix: sp.csr_matrix, labels: npt.NDArray[np.int64], n_values: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return knots that turn a probability into the frequency of being right, from items that the model had not seen."""
    # Imported here: only builds infer, and the library takes a second to load.
    from sklearn.isotonic import IsotonicRegression

    folds = np.arange(len(labels)) % _FOLDS
    probability, right = np.zeros(len(labels)), np.zeros(len(labels))
    for fold in range(_FOLDS):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        scores = _probabilities(matrix[test], _fitted(matrix[train], labels[train], n_values))
        probability[test], right[test] = scores.max(axis=1), scores.argmax(axis=1) == labels[test]
    model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(probability, right)
    # Shrunk towards the mean as if each knot had seen a few more: a step that rests on two lucky items is no certainty.
    knots, values = np.asarray(model.X_thresholds_), np.asarray(model.y_thresholds_)
    support = np.asarray([(np.abs(probability - knot) <= 0.02).sum() for knot in knots])
    return knots, (values * support + right.mean() * 5.0) / (support + 5.0)


def _evidence(features: _Features, item: int, weights: npt.NDArray[np.float64]) -> str:
    row = features.matrix.indices[features.matrix.indptr[item] : features.matrix.indptr[item + 1]]
    strongest = sorted(row, key=lambda column: (-weights[column], column))[:3]
    return ", ".join(features.names[column] for column in strongest)


def above(facts: pl.DataFrame, thresholds: Mapping[str, float] | float) -> pl.DataFrame:
    """Return the facts certain enough to be shown.

    Args:
        facts: What `infer` returned.
        thresholds: Least confidence, for all relations or per relation; a relation that is not listed shows none.
    """
    if isinstance(thresholds, float | int):
        return facts.filter(pl.col("confidence") >= thresholds)
    least = pl.col("relation").replace_strict(dict(thresholds), default=None, return_dtype=pl.Float64)
    return facts.filter(pl.col("confidence") >= least)
