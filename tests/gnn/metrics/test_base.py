from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from gnn.metrics import (
    METRICS,
    IntArray,
    ListsMetric,
    Metric,
    RankedLists,
    UserMetric,
    all_per_user,
    beyond_accuracy,
    bootstrap_interval,
    hits_of,
    paired_p_value,
)
from gnn.metrics.base import lists_metrics, metrics_table, table_columns, user_metrics
from gnn.metrics.lists.diversity import intra_list_diversity
from gnn.metrics.lists.gini import gini
from gnn.metrics.lists.long_tail import most_popular
from gnn.types import BoolArray, Values


def per_user(hits: BoolArray, n_relevant: IntArray, k: int) -> dict[str, Values]:
    return {metric.name: metric.per_user(hits, n_relevant, k) for metric in user_metrics()}


def test_measures_by_hand() -> None:
    hits = hits_of(np.array([[5, 1, 7, 2]]), [np.array([1, 2, 9])])
    assert hits.tolist() == [[False, True, False, True]]
    at_4 = {name: float(values[0]) for name, values in per_user(hits, np.array([3]), 4).items()}
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert at_4 == pytest.approx(
        {
            "recall": 2 / 3,
            "precision": 0.5,
            "f1": 2 * (2 / 3) * 0.5 / (2 / 3 + 0.5),
            "hit": 1.0,
            "ndcg": (1 / math.log2(3) + 1 / math.log2(5)) / ideal,
            "mrr": 0.5,
            "map": (1 / 2 + 2 / 4) / 3,
        }
    )


def test_nothing_found_is_zero_everywhere() -> None:
    assert all(values[0] == 0 for values in per_user(np.zeros((1, 5), dtype=bool), np.array([2]), 5).values())


@given(relevant=st.integers(1, 12), k=st.integers(1, 12))
def test_perfect_lists_have_ndcg_one(relevant: int, k: int) -> None:
    hits = np.arange(12)[None, :] < relevant
    measured = per_user(hits, np.array([relevant]), k)
    assert measured["ndcg"][0] == pytest.approx(1.0)
    assert measured["map"][0] == pytest.approx(1.0)
    assert measured["recall"][0] == pytest.approx(min(k, relevant) / relevant)


RANX = """
import json, sys
import ranx
asked = json.load(sys.stdin)
found = ranx.evaluate(ranx.Qrels(asked["qrels"]), ranx.Run(asked["run"]), asked["names"])
print(json.dumps({name: float(value) for name, value in found.items()}))
"""


def by_ranx(qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]], names: list[str]) -> dict[str, float]:
    """Measure with ranx, in a process of its own: compiled, which takes ten times as long as all tests here, it says the same."""
    command = [sys.executable, "-W", "ignore", "-c", RANX]
    asked = json.dumps({"qrels": qrels, "run": run, "names": names})
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, input=asked, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.skipif(find_spec("ranx") is None, reason="ranx is not installed: the measures were not cross-checked")
def test_measures_agree_with_ranx() -> None:
    rng = np.random.default_rng(1)
    ranked = np.stack([rng.permutation(50)[:20] for _ in range(30)])
    relevant = [np.sort(rng.choice(50, rng.integers(1, 15), replace=False)) for _ in range(30)]
    ours = all_per_user(hits_of(ranked, relevant), np.array([len(items) for items in relevant]), (5, 10, 20))
    qrels = {str(user): {str(item): 1 for item in items} for user, items in enumerate(relevant)}
    run = {str(user): {str(item): float(20 - place) for place, item in enumerate(row)} for user, row in enumerate(ranked)}
    theirs_name = {metric.name: metric.ranx for metric in METRICS if metric.ranx}
    assert len(theirs_name) >= 6
    theirs = by_ranx(qrels, run, [f"{theirs}@{k}" for theirs in theirs_name.values() for k in (5, 10, 20)])
    for name, other in theirs_name.items():
        for k in (5, 10, 20):
            assert ours[f"{name}@{k}"].mean() == pytest.approx(theirs[f"{other}@{k}"], abs=1e-9)


def test_all_measures_at_all_cutoffs() -> None:
    names = all_per_user(np.zeros((2, 10), dtype=bool), np.array([1, 1]), (5, 10))
    assert set(names) == {f"{name}@{k}" for name in (metric.name for metric in user_metrics()) for k in (5, 10)}


def test_gini_of_equal_shares_is_zero_and_of_one_item_close_to_one() -> None:
    assert gini(np.full(10, 3)) == pytest.approx(0.0)
    assert gini(np.array([0] * 99 + [7])) == pytest.approx(0.99)
    assert gini(np.zeros(4, dtype=np.int64)) == 0.0


def test_head_items_carry_most_events() -> None:
    assert most_popular(np.array([1, 80, 10, 9])).tolist() == [False, True, False, False]


def test_beyond_accuracy_by_hand() -> None:
    measured = beyond_accuracy(RankedLists(np.array([[0, 1], [0, -1]]), (), np.array([8, 1, 1, 0])), 2)
    assert measured["coverage@2"] == 0.5
    assert measured["novelty@2"] == pytest.approx((2 * -math.log2(0.8) - math.log2(0.1)) / 3)
    assert measured["long_tail@2"] == pytest.approx(1 / 3)


def test_diversity_within_lists_by_hand() -> None:
    """Items 0 and 1 share one of three values, 0 and 2 none, 1 and 2 none: (2/3 + 1 + 1) / 3; a list of one item says nothing."""
    features = sp.csr_matrix(np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], dtype=np.float32))
    assert intra_list_diversity(np.array([[0, 1, 2], [1, -1, -1]]), features, 3) == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert intra_list_diversity(np.array([[0, 1, 2]]), features, 2) == pytest.approx(2 / 3)
    assert math.isnan(intra_list_diversity(np.array([[0, -1, -1]]), features, 3))
    assert math.isnan(intra_list_diversity(np.array([[0, 1, 2]]), sp.csr_matrix((3, 4), dtype=np.float32), 3))


def test_interval_holds_the_mean_and_narrows_with_users() -> None:
    rng = np.random.default_rng(1)
    few, many = rng.random(50), rng.random(5_000)
    low, high = bootstrap_interval(few, samples=300, seed=1)
    assert low < few.mean() < high
    low_many, high_many = bootstrap_interval(many, samples=300, seed=1)
    assert high_many - low_many < (high - low) / 5


def test_paired_test_tells_a_difference_from_chance() -> None:
    rng = np.random.default_rng(2)
    base = rng.random(400)
    assert paired_p_value(base + 0.05 + 0.1 * rng.random(400), base, samples=500, seed=1) < 0.01
    assert paired_p_value(base + rng.normal(0, 0.1, 400), base, samples=500, seed=1) > 0.01
    assert paired_p_value(base, base, samples=500, seed=1) == 1.0


@pytest.mark.parametrize("metric", METRICS.all(), ids=METRICS.names())
def test_every_metric_says_what_it_is(metric: Metric) -> None:
    assert metric.__doc__
    assert metric.title
    assert (metric in user_metrics()) == (metric.measures == "users")
    assert (metric in lists_metrics()) == (metric.measures == "lists")
    assert set(metric.needs) <= {"features"}


@pytest.mark.parametrize("metric", user_metrics(), ids=lambda metric: metric.name)
def test_a_metric_of_users_is_between_none_and_all(metric: UserMetric) -> None:
    hits = np.random.default_rng(3).random((40, 20)) < 0.3
    n_relevant = np.maximum(hits.sum(axis=1), 1)
    for k in (1, 5, 20):
        values = metric.per_user(hits, n_relevant, k)
        assert values.shape == (40,)
        assert ((values >= 0) & (values <= 1)).all()
        assert (metric.per_user(hits, n_relevant, k) == values).all()
    assert (metric.per_user(np.zeros((40, 20), dtype=bool), n_relevant, 5) == 0).all()


@pytest.mark.parametrize("metric", lists_metrics(), ids=lambda metric: metric.name)
def test_a_metric_of_lists_is_one_number(metric: ListsMetric) -> None:
    rng = np.random.default_rng(4)
    features = sp.csr_matrix((rng.random((30, 6)) < 0.4).astype(np.float32))
    lists = RankedLists(np.stack([rng.permutation(30)[:12] for _ in range(9)]), (), rng.integers(0, 20, 30), features)
    assert metric.of_lists(lists, 10) == metric.of_lists(lists, 10) >= 0
    assert metric.needs == () or math.isnan(metric.of_lists(RankedLists(lists.ranked, (), lists.popularity), 10))


def test_tables_and_docs_list_every_metric() -> None:
    shown = [f"{metric.name}@{k}" for metric in METRICS for k in metric.columns]
    assert [*table_columns("users"), *table_columns("lists")] == shown
    page = Path(__file__).parents[3] / "docs" / "how-to" / "add-a-metric.md"
    assert metrics_table() in page.read_text(encoding="utf-8"), "put what metrics_table() returns into docs/how-to/add-a-metric.md"


def test_a_metric_that_measures_nothing_is_refused() -> None:
    class Nothing:
        """0"""

        name = title = "nothing"
        measures, columns, order, needs, ranx = "users", (10,), 1, (), ""

    with pytest.raises(ValueError, match="lacks per_user"):
        METRICS.register(Nothing())  # type: ignore[arg-type]
