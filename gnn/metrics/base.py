"""What a metric is, the registry of metrics, and measuring ranked lists with all of them: full ranking, no sampled negatives.

A user with test items T has a ranked list of candidates (all items minus the user's training items); hits are counted among the first k. Users
without test items are skipped.

A new metric is one module in `gnn/metrics/users` or `gnn/metrics/lists`, or an object that a package names in the entry-point group `reckon.metrics`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.types import BoolArray, Values
from kg.registry import Registry

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RankedLists:
    """What metrics measure.

    Attributes:
        ranked: Items by rank, -1 where a list is shorter, [U, K].
        relevant: Test items of each user.
        popularity: Training events of each item, [n_items].
        features: Ones where an item has a value, [n_items, n_values]; None where there are none.
        seed: Seed of metrics that draw a sample.
    """

    ranked: IntArray
    relevant: Sequence[IntArray]
    popularity: IntArray
    features: sp.csr_matrix | None = None
    seed: int = 0

    @cached_property
    def hits(self) -> BoolArray:
        """Which ranks are hits, [U, K]."""
        return hits_of(self.ranked, self.relevant)

    @cached_property
    def n_relevant(self) -> IntArray:
        """Number of test items of each user, [U]."""
        return np.asarray([len(items) for items in self.relevant], dtype=np.int64)

    def shown(self, k: int) -> IntArray:
        """Return the items among the first k of all lists, one after the other."""
        shown = self.ranked[:, :k]
        return shown[shown >= 0]


class Metric(Protocol):
    """Measures ranked lists; subclass `UserMetric` or `ListsMetric` and set what differs. The formula stands in its docstring.

    Attributes:
        name: What reports call it ("ndcg": "ndcg@10").
        measures: "users": one value per user, of which reports have the mean and an interval; "lists": one value of all lists together, at 10.
        title: How a sentence calls it ("MRR").
        columns: The cut-offs at which it has a column in the tables of a report.
        order: Where its columns stand; the smaller, the further left.
        needs: What must be there: "features".
        ranx: What ranx calls the same measure, whose values the tests compare; empty where it has none.
    """

    name: str
    measures: Literal["users", "lists"]
    title: str = ""
    columns: Sequence[int] = (10,)
    order: int = 100
    needs: Sequence[str] = ()
    ranx: str = ""


@runtime_checkable
class UserMetric(Metric, Protocol):
    """A metric with one value per user."""

    measures: Literal["users", "lists"] = "users"

    @abstractmethod
    def per_user(self, hits: BoolArray, n_relevant: IntArray, k: int) -> Values:
        """Return one value per user.

        Args:
            hits: Which ranks are hits, [U, K] with K ≥ k.
            n_relevant: Number of test items of each user, at least 1, [U].
            k: Cut-off.
        """


@runtime_checkable
class ListsMetric(Metric, Protocol):
    """A metric with one value of all lists together: it describes what is recommended, whatever it hits."""

    measures: Literal["users", "lists"] = "lists"

    @abstractmethod
    def of_lists(self, lists: RankedLists, k: int) -> float:
        """Return the value; NaN where there is none.

        Args:
            lists: The lists of all users.
            k: Cut-off.
        """


def _measures_nothing(metric: Metric) -> str:
    """Say what it lacks to measure what it says it measures."""
    if metric.measures == "users":
        return "" if isinstance(metric, UserMetric) else "measures users, and lacks per_user"
    return "" if isinstance(metric, ListsMetric) else "measures lists, and lacks of_lists"


METRICS: Registry[Metric] = Registry(
    "metric", Metric, group="reckon.metrics", package="gnn.metrics", order=lambda metric: metric.order, check=_measures_nothing
)


def user_metrics() -> list[UserMetric]:
    """Return the metrics with one value per user, in the order of the tables."""
    return [metric for metric in METRICS if isinstance(metric, UserMetric)]


def lists_metrics() -> list[ListsMetric]:
    """Return the metrics of all lists together, in the order of the tables."""
    return [metric for metric in METRICS if isinstance(metric, ListsMetric)]


def table_columns(measures: str) -> tuple[str, ...]:
    """Return the columns that metrics have in the tables of a report ("ndcg@10")."""
    return tuple(f"{metric.name}@{k}" for metric in METRICS if metric.measures == measures for k in metric.columns)


def titles(measures: str) -> str:
    """Return what metrics are called in a sentence, as "a, b and c"."""
    *names, last = [metric.title or metric.name for metric in METRICS if metric.measures == measures]
    return f"{', '.join(names)} and {last}" if names else last


def metrics_table() -> str:
    """Return the table of metrics in docs/how-to/add-a-metric.md."""
    formulas = {metric.name: (metric.__doc__ or "").strip().splitlines()[0].replace("|", "\\|") for metric in METRICS}
    rows = [f"| `{metric.name}` | {metric.measures} | {formulas[metric.name]} |" for metric in METRICS]
    return "\n".join(["| metric | of | formula |", "| --- | --- | --- |", *rows]) + "\n"


def hits_of(ranked: IntArray, relevant: Sequence[IntArray]) -> BoolArray:
    """Mark which ranked items are test items.

    Args:
        ranked: Items by rank, -1 where a list is shorter, [U, K].
        relevant: Test items of each user.

    Shapes:
        → [U, K].
    """
    return np.stack([np.isin(row, items) for row, items in zip(ranked, relevant, strict=True)]) if len(ranked) else np.zeros(ranked.shape, dtype=bool)


def all_per_user(hits: BoolArray, n_relevant: IntArray, cutoffs: Sequence[int]) -> dict[str, Values]:
    """Return every metric of users at every cut-off, keyed "recall@10" …"""
    return {f"{metric.name}@{k}": metric.per_user(hits, n_relevant, k) for k in cutoffs for metric in user_metrics()}


def beyond_accuracy(lists: RankedLists, k: int = 10) -> dict[str, float]:
    """Return every metric of all lists together, keyed "coverage@10" …; those that need what is not there are left out."""
    measurable = [metric for metric in lists_metrics() if "features" not in metric.needs or lists.features is not None]
    return {f"{metric.name}@{k}": metric.of_lists(lists, k) for metric in measurable}
