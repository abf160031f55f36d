from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from gnn.training.regression import item_weights


def interactions(seed: int, n_users: int = 60, n_items: int = 12) -> sp.csr_matrix:
    return sp.csr_matrix((np.random.default_rng(seed).random((n_users, n_items)) < 0.3).astype(np.float32))


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_the_positive_part_of_the_closed_form(seed: int) -> None:
    x = interactions(seed)
    gram = (x.T @ x).toarray().astype(np.float64)
    inverse = np.linalg.inv(gram + 2.0 * np.diag(gram).mean() * np.eye(len(gram)))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    found = item_weights(x, regularization=2.0, kept=100)
    np.testing.assert_allclose(found.toarray(), np.maximum(expected, 0), atol=1e-4)


def test_each_item_minimises_the_regression_on_the_others() -> None:
    """The closed form is the ridge regression without the item itself: solved here item by item."""
    x = interactions(7).toarray().astype(np.float64)
    penalty = 5.0 * x.sum() / x.shape[1]
    found = item_weights(sp.csr_matrix(x), regularization=5.0, kept=100).toarray()
    for item in range(x.shape[1]):
        others = np.delete(np.arange(x.shape[1]), item)
        a = x[:, others]
        solved = np.linalg.solve(a.T @ a + penalty * np.eye(len(others)), a.T @ x[:, item])
        np.testing.assert_allclose(found[others, item], np.maximum(solved, 0), atol=1e-4)


def test_only_items_of_two_shoppers_take_part_and_the_largest_weights_stay() -> None:
    x = interactions(1).tolil()
    x[:, 0] = 0
    x[0, 0] = 1
    x = sp.csr_matrix(x)
    found = item_weights(x, regularization=0.5, kept=2)
    taking_part = set(np.flatnonzero(np.asarray(x.getnnz(axis=0)).ravel() >= 2).tolist())
    assert 0 not in taking_part
    assert set(found.nonzero()[0].tolist()) <= taking_part
    assert set(found.nonzero()[1].tolist()) <= taking_part
    assert np.diff(found.indptr).max() <= 2
    whole = item_weights(x, regularization=0.5, kept=6).toarray()
    for row in range(x.shape[1]):
        np.testing.assert_array_equal(np.sort(found.toarray()[row])[-2:], np.sort(whole[row])[-2:])


def test_rows_wider_than_a_block_agree_with_the_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = item_weights(interactions(4), regularization=1.0, kept=100)
    monkeypatch.setattr("gnn.training.regression._ROWS", 5)
    np.testing.assert_array_equal(item_weights(interactions(4), regularization=1.0, kept=100).toarray(), whole.toarray())


def test_a_shop_without_pairs_has_no_weights() -> None:
    assert item_weights(sp.csr_matrix((3, 4), dtype=np.float32), regularization=1.0, kept=5).nnz == 0
