"""The embeddings give way to paths where the ranking stays as good."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gnn.training.candidates import Candidates, build_pool
from gnn.training.copurchases import copurchases_of, entries, residuals
from gnn.training.fit import _met, item_embeddings, regressed_weights
from gnn.training.graph_first import FACTORS, SharePool, choose_point, share_pool
from gnn.training.regression import item_weights, support
from gnn.types import Values
from tests.gnn.model.test_learned_paths import CONFIG, PURCHASED, shop

GATES = np.array([1.0, 2.0, 4.0])


def share(gates: Values) -> float:
    return float(gates[:-1].sum() / gates.sum())


@pytest.mark.parametrize(("loss", "chosen"), [(0.0, 1.0), (0.0035, 0.7), (0.2, 0.0)])
def test_the_largest_share_within_the_loss_is_chosen(loss: float, chosen: float) -> None:
    """An ndcg that falls by 1.5 % of itself per tenth of the gate below seven tenths, and by less above."""

    def judged(factors: Values) -> float:
        return 0.1 * (1 - 0.01 * (1 - float(factors[-1])) - 0.15 * max(0.0, 0.7 - float(factors[-1])))

    factor, points = choose_point(judged, share, GATES, loss)
    assert factor == chosen
    assert [point.factor for point in points] == list(FACTORS)
    assert [point.factor for point in points if point.chosen] == [chosen]
    assert all(one.graph_share <= other.graph_share for one, other in pairwise(points))
    assert points[0].graph_share == pytest.approx(3 / 7)


def test_a_better_ranking_without_embeddings_closes_them() -> None:
    factor, _ = choose_point(lambda factors: 1.0 - float(factors[-1]), share, GATES, 0.0)
    assert factor == 0


def test_the_share_is_of_the_first_ten() -> None:
    """Eleven candidates: the weakest, all of whose score runs over paths, does not count."""
    features = np.ones((1, 11, 2))
    features[0, 10] = 0.1
    on_paths = features * np.array([1.0, 0.25])
    on_paths[0, 10] = 0.1
    assert SharePool(features, on_paths).graph_share(np.array([1.0, 1.0])) == pytest.approx((1 + 0.25) / 2)
    assert SharePool(features, on_paths).graph_share(np.array([1.0, 0.0])) == 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_is_on_paths_is_what_explanations_say(seed: int) -> None:
    """Against sums over the shoppers of both, from the factors themselves."""
    graph, _ = shop(seed)
    met, factors, weights = _met(graph, CONFIG), item_embeddings(graph, CONFIG), regressed_weights(graph, CONFIG)
    found = copurchases_of(graph, met, factors, CONFIG, regressed=True)
    assert found is not None
    assert weights is not None
    assert found.edge_type == PURCHASED
    history = met[:3].copy()
    rows = []
    for user in range(3):
        own = history[user].toarray()[0]
        items = np.flatnonzero(own == 0)
        parts = np.stack([(own @ weights.toarray())[items], ((own @ factors.source) @ factors.target.T)[items]], axis=1)
        every = np.ones(len(items), dtype=bool)
        rows.append(Candidates(items, parts.astype(np.float32), np.arange(len(items)) == 0, every, np.zeros(len(items), dtype=np.float32)))
    pool = build_pool(rows, np.ones(3, dtype=np.int64))
    begins = graph.adjacency(PURCHASED).T.tocsr()
    begins.sort_indices()
    pooled = share_pool(pool, np.ones(2), history, factors.source, factors.target, weights, begins, found, np.ones(graph.n_items, dtype=np.float32))
    strongest = np.argsort(-pool.scores(np.ones(2)), axis=1, kind="stable")
    als, bought = factors.als, graph.adjacency(PURCHASED).toarray()
    assert als is not None
    assert factors.own_share is not None
    for user in range(3):
        own = history[user].toarray()[0].astype(float)
        profile = own @ factors.source.astype(float)
        for place, candidate in enumerate(strongest[user].tolist()):
            if not np.isfinite(pool.offset[user, candidate]):
                continue
            item, expected = int(pool.items[user, candidate]), [0.0, 0.0]
            for k in np.flatnonzero(own).tolist():
                shared = np.flatnonzero(bought[:, k] * bought[:, item]).tolist()
                direct = len(shared) / found.support[k] if found.support[k] else 0.0
                expected[0] += min(float(weights[k, item]), direct)
                for u in shared:
                    taken = 5.0 - 4.0 * float(als.users[u].astype(float) @ als.before[k].astype(float))
                    given = 5.0 - 4.0 * float(als.users[u].astype(float) @ als.items[item].astype(float))
                    expected[1] += float(profile @ found.through[k]) * taken * given * float(factors.own_share[item])
            # Of the embeddings no more than they give, and nothing of another sign.
            given_in_all = float(profile @ factors.target[item].astype(float))
            expected[1] = min(max(expected[1], min(0.0, given_in_all)), max(0.0, given_in_all))
            assert pooled.on_paths[user, place] * pool.scales == pytest.approx(expected, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("seed", [0, 1])
def test_factors_are_sums_over_shoppers(seed: int) -> None:
    """y_i = M_U Σ_u e_ui x_u and x_u = M_Y Σ_k e'_uk y'_k, the equations that the split stands on."""
    graph, _ = shop(seed)
    met, als = _met(graph, CONFIG), item_embeddings(graph, CONFIG).als
    assert als is not None
    users, items = (part.astype(np.int64) for part in met.nonzero())
    weights = entries(met, users, items)
    ridge = als.regularization * np.eye(als.items.shape[1])
    taken, given = np.zeros(met.shape), np.zeros(met.shape)
    taken[users, items] = residuals(weights, als.users, als.before, users, items, als.confidence)
    given[users, items] = residuals(weights, als.users, als.items, users, items, als.confidence)
    solved = np.linalg.solve(als.users.T.astype(float) @ als.users + ridge, als.users.T.astype(float) @ given).T
    np.testing.assert_allclose(solved, als.items, atol=2e-4 * np.abs(als.items).max())
    solved = np.linalg.solve(als.before.T.astype(float) @ als.before + ridge, als.before.T.astype(float) @ taken.T).T
    np.testing.assert_allclose(solved, als.users, atol=2e-4 * np.abs(als.users).max())


def test_weights_solve_their_equation_and_never_outweigh_its_first_term_where_third_items_only_take_off() -> None:
    graph, _ = shop(3)
    met = _met(graph, CONFIG)
    weights = item_weights(met, regularization=0.5, kept=1_000).toarray().astype(float)
    gram, divisor = (met.T @ met).toarray().astype(float), support(met, regularization=0.5)
    full = _ease(gram, divisor)
    np.testing.assert_allclose(weights, np.maximum(full, 0), atol=1e-4)
    for k, i in zip(*np.nonzero(full), strict=True):
        others = [n for n in range(len(gram)) if n not in (k, i)]
        assert full[k, i] == pytest.approx((gram[k, i] - gram[k, others] @ full[others, i]) / divisor[k], abs=1e-9)


def _ease(gram: Values, divisor: Values) -> Values:
    core = np.flatnonzero(divisor)
    inverse = np.linalg.inv(gram[np.ix_(core, core)] + np.diag(divisor[core] - np.diagonal(gram)[core]))
    found = np.zeros_like(gram)
    found[np.ix_(core, core)] = -inverse / np.diagonal(inverse)
    found[core, core] = 0
    return found
