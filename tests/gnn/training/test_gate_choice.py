"""Gates are closed where that costs no more than chance, and popularity counts where it helps by more than chance."""

from __future__ import annotations

import numpy as np
import pytest

from gnn.model.closed import ClosedGate
from gnn.training.candidates import Candidates, Gates, Pool, build_pool
from gnn.training.gate_choice import FEWEST_JUDGES, MOST_MOVED, CrossFit, bounded, popularity_exponent, simplified, unhelpful

N_ITEMS, N_USERS = 40, 1_200
NAMES = ("useful", "noise", "harmful")
POPULARITY = np.geomspace(1, 1e6, N_ITEMS).astype(np.float32)


def pool(n_users: int = N_USERS, *, popular: float = 0.0, seed: int = 4) -> Pool:
    """Shoppers who each look for the item that is best in truth; the useful part tells most of it, raised by popularity to some power."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n_users):
        truth = rng.random(N_ITEMS)
        relevant = np.arange(N_ITEMS) == int(np.argmax(truth))
        useful = (truth + 0.3 * rng.random(N_ITEMS)) * POPULARITY**popular
        noise, harmful = rng.random(N_ITEMS) * 0.02, np.where(relevant, 0.0, rng.random(N_ITEMS)) * 0.2
        features = np.stack([useful, noise, harmful], axis=1).astype(np.float32)
        every = np.ones(N_ITEMS, dtype=bool)
        rows.append(Candidates(np.arange(N_ITEMS), features, relevant, every, np.zeros(N_ITEMS, dtype=np.float32)))
    return build_pool(rows, np.ones(n_users, dtype=np.int64))


def gates(noise: float = 0.02, harmful: float = 0.1) -> Gates:
    return np.array([1.0, noise, harmful])


def closed_of(pool: Pool, gates: Gates, kept: frozenset[int] = frozenset()) -> dict[int, ClosedGate]:
    fitted = CrossFit.of(pool, gates, kept)
    assert fitted is not None
    return unhelpful(fitted, [place for place in range(3) if gates[place] > 0 and place not in kept], NAMES)


def test_what_helps_nobody_is_closed_and_what_helps_stays_open() -> None:
    closed = closed_of(pool(), gates())
    assert {gate.name for gate in closed.values()} == {"noise", "harmful"}
    assert set(closed) == {1, 2}
    assert all(gate.cost <= gate.error for gate in closed.values())


def test_what_is_kept_is_not_closed() -> None:
    assert set(closed_of(pool(), gates(), frozenset({1}))) == {2}


def test_a_gate_that_is_closed_already_is_not_named() -> None:
    assert set(closed_of(pool(), gates(harmful=0.0))) == {1}


def test_few_shoppers_close_nothing_and_choose_no_popularity() -> None:
    few = pool(FEWEST_JUDGES - 1, popular=0.05)
    assert CrossFit.of(few, gates(), frozenset()) is None
    assert simplified(few, gates(), NAMES, frozenset(), [1, 2], None, 0.005, again=False).closed == ()
    assert popularity_exponent(few, gates(0, 0), POPULARITY) == 0.0


@pytest.mark.parametrize("planted", [0.1, -0.05])
def test_the_exponent_takes_back_what_popularity_adds(planted: float) -> None:
    assert popularity_exponent(pool(popular=planted), gates(0, 0), POPULARITY) == -planted


def test_popularity_counts_nothing_where_it_says_nothing() -> None:
    assert popularity_exponent(pool(), gates(0, 0), POPULARITY) == 0.0


def test_a_factor_multiplies_every_part_and_keeps_the_scales() -> None:
    before = pool(20)
    after = before.times(POPULARITY)
    np.testing.assert_allclose(after.scores(gates()), before.scores(gates()) * POPULARITY[before.items], rtol=1e-4)
    np.testing.assert_array_equal(after.scales, before.scales)


def test_a_part_that_moves_lists_and_is_worth_nothing_is_made_small() -> None:
    """Noise three times as large as what ranks: it moves nearly all of a list, and whatever is left of it costs nothing more."""
    found = pool()
    fitted = CrossFit(((np.array([1.0, 0.0, 0.5]), found.users(slice(0, 600))), (np.array([1.0, 0.0, 0.5]), found.users(slice(600, None)))))
    assert fitted.moved(2, np.ones(3)) > MOST_MOVED
    assert fitted.moved(1, np.ones(3)) == 0
    smaller = bounded(fitted, [1, 2], NAMES)
    assert set(smaller) == {2}
    assert smaller[2].name == "harmful"
    assert smaller[2].factor < 1
    assert smaller[2].cost <= smaller[2].error
    before, after = (fitted.judged(np.array([1.0, 1.0, factor])).mean() for factor in (1.0, smaller[2].factor))
    assert after >= before - smaller[2].error


def test_a_part_that_carries_the_ranking_keeps_its_size() -> None:
    found = pool()
    fitted = CrossFit.of(found, gates(0, 0), frozenset())
    assert fitted is not None
    assert fitted.moved(0, np.ones(3)) > MOST_MOVED
    # The one open gate ranks alike whatever its size is; beside another part it does not.
    beside = CrossFit(tuple((np.array([1.0, 0.0, 0.1]), judges) for _, judges in fitted.halves))
    assert bounded(beside, [0], NAMES) == {}
