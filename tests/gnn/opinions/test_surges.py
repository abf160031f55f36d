"""Surges: what is injected is found in time, what is quiet stays quiet, and nothing later than a day enters its judgement."""

from __future__ import annotations

import numpy as np
import pytest

from gnn.opinions.baselines import MOST_CONCENTRATION, pooled
from gnn.opinions.simulation import Plan, simulate
from gnn.opinions.surges import Stream, log_ratios, surges


def stream(n: list[int], k: list[int], number: int = 0) -> Stream:
    return Stream(number, np.arange(len(n)), np.array(n), np.array(k))


def test_a_defective_batch_is_found_and_dated() -> None:
    n, k = [6] * 100, [1 if day % 2 else 0 for day in range(100)]
    k[60:81] = [3] * 21
    (surge,) = surges([stream(n, k)])
    assert abs(surge.start - 60) <= 2
    assert 61 <= surge.detected <= 70
    assert surge.negatives / surge.reviews > 2 * surge.expected
    assert surge.p_value <= 2e-3


def test_a_surge_is_one_alert_and_a_second_one_is_another() -> None:
    n, k = [10] * 200, [1] * 200
    for start in (60, 150):
        k[start : start + 15] = [6] * 15
    assert [surge.start for surge in surges([stream(n, k)])] == [60, 150]


def test_the_future_does_not_change_an_alert() -> None:
    rng = np.random.default_rng(2)
    n = rng.poisson(8, 160)
    k = rng.binomial(n, np.where(np.arange(160) >= 90, 0.5, 0.1))
    whole = surges([stream(n.tolist(), k.tolist())])[0]
    until = whole.detected + 1
    assert surges([stream(n[:until].tolist(), k[:until].tolist())])[0] == whole


def test_quiet_and_empty_streams_raise_nothing() -> None:
    assert surges([]) == []
    assert surges([stream([], []), stream([5] * 50, [0] * 50, 1), stream([5] * 50, [5] * 50, 2)]) == []


def test_a_fall_is_no_surge() -> None:
    assert surges([stream([10] * 100, [8] * 50 + [1] * 50)]) == []


def test_the_ratio_has_mean_one_where_nothing_changes() -> None:
    rng = np.random.default_rng(0)
    negative, positive = np.full(200_000, 6.0), np.full(200_000, 54.0)
    share = rng.beta(negative, positive)
    k = rng.binomial(20, share).astype(float)
    ratios = np.exp(log_ratios(np.full(200_000, 20.0), k, negative, positive))
    assert ratios.mean() == pytest.approx(1.0, abs=0.1)


def test_streams_that_are_alike_are_pooled() -> None:
    n = np.full((1, 50), 200.0)
    assert pooled(n, n * 0.1).concentration[0] == MOST_CONCENTRATION
    k = np.where(np.arange(50) % 2, 100.0, 2.0)[None]
    assert pooled(n, k).concentration[0] < 10


def test_injected_surges_are_found_within_two_weeks() -> None:
    power = simulate(Plan(8, streams=15, days=120))
    assert power.detected >= 0.9
    assert power.false_alarms == 0
