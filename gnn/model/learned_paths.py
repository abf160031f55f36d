"""The learned part of scores, split into what runs over paths item ← shopper → item and what stays learned.

The algebra is in `gnn.model.copurchases`. One path k ← u → i from history item k adds

    n_i · g_L · q_k · e'_uk · e_ui   +   c_k · g_B · claim_ki · x_uk x_ui / G_ki

    q_k = Σ_j c_j ⟨a_j, v_k⟩ ,   n_i = min(1, ⟨x, b_i⟩ / Σ_k q_k Σ_u e'_uk e_ui) or 0 ,   claim_ki = min(B_ki, f_i G_ki / (λ + G_kk))

and exactly that is taken off what the learned part has for the history items that it came from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.graph.walks import FloatArray
from gnn.model.copurchases import CoPurchases
from gnn.model.history import History
from gnn.model.scorer import entries_among
from gnn.model.shared_shoppers import SharedShoppers
from gnn.types import BoolArray, IntArray, Values

TOGETHER = 16
"""Items whose shoppers are looked at at a time: a row of numbers per shopper."""


@dataclass(frozen=True, slots=True)
class LearnedShares:
    """The split of the learned part of some items.

    Attributes:
        embedded: n_i g_L q_k, [n items, n history items].
        regressed: c_k g_B claim_ki / G_ki, [n items, n history items].
        values: What all paths from a history item to an item add, [n items, n history items].
        moved: What that takes off the learned part per history item, those included that the build does not know, [n items, n history items].
        shared: The shoppers of both, of `TOGETHER` items at a time.
    """

    embedded: Values
    regressed: Values
    values: Values
    moved: Values
    shared: tuple[SharedShoppers, ...] = ()

    @property
    def pairs(self) -> BoolArray:
        """Which pairs have paths with something learned on them, [n items, n history items]."""
        return np.asarray(self.values != 0)

    def some(self, part: slice) -> LearnedShares:
        """Return the split of some of the items, of which the first is the first of `TOGETHER`."""
        shared = self.shared[part.start // TOGETHER : -(-part.stop // TOGETHER)]
        return LearnedShares(self.embedded[part], self.regressed[part], self.values[part], self.moved[part], shared)


class LearnedPaths:
    """Splits the learned part of a model.

    Args:
        copurchases: What the split is worked out from.
        begins: The shoppers of each item, [items, shoppers], in the order of `copurchases`.
        ends: Where walks go on to, the same the other way round: hubs lead on to some of their neighbours only.
        targets: b_i, [n_items, d].
        item_weights: B, where there are any.
        gates: g_L and g_B.
        factor: f, [n_items]; None for ones.
    """

    def __init__(
        self,
        copurchases: CoPurchases,
        begins: sp.csr_matrix,
        ends: sp.csr_matrix,
        targets: FloatArray,
        item_weights: sp.csr_matrix | None,
        gates: tuple[float, float],
        factor: FloatArray | None = None,
    ) -> None:
        self._copurchases, self._begins, self._ends, self._targets = copurchases, begins, ends, targets
        self._weights, self._gates, self._factor = item_weights, gates, factor
        at = slice(None) if ends is begins or ends.nnz == begins.nnz else _places(begins, ends)
        self.taken, self.met = np.asarray(copurchases.taken), np.asarray(copurchases.met)
        self.given, self.met_last = np.asarray(copurchases.given)[at], np.asarray(copurchases.met)[at]
        self._walked = np.ones(begins.shape[1], dtype=bool)

    def split(self, history: History, sources: Values, built: History, items: IntArray) -> LearnedShares:
        """Split the learned part of some items.

        Args:
            history: Whose scores they are.
            sources: a_j of its items, [n history items, d].
            built: The history without what the build does not know, which is its last.
            items: item_nums of the build.
        """
        parts = [self._some(history, sources, built, items[n : n + TOGETHER]) for n in range(0, len(items), TOGETHER)]
        if len(parts) == 1:
            return parts[0]
        names = ("embedded", "regressed", "values", "moved")
        embedded, regressed, values, moved = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
        return LearnedShares(embedded, regressed, values, moved, tuple(part.shared[0] for part in parts))

    def on_paths(self, shares: LearnedShares, positions: IntArray, places: IntArray, first: IntArray, last: IntArray) -> Values:
        """Return what was learned and runs over each of some paths.

        Args:
            shares: The split.
            positions: Which history item each begins at.
            places: To which item each leads.
            first: Where its first edge is among those of the items.
            last: Where its last edge is among those that walks go on to.
        """
        embedded = shares.embedded[places, positions] * self.taken[first] * self.given[last]
        return np.asarray(embedded + shares.regressed[places, positions] * self.met[first] * self.met_last[last])

    def _some(self, history: History, sources: Values, built: History, items: IntArray) -> LearnedShares:
        nums, (learned_gate, weights_gate) = built.nums, self._gates
        shape = (len(items), len(nums))
        shared = SharedShoppers(self._begins, self._ends, nums, items, self._walked)
        moved = np.zeros((len(items), len(history.nums)))
        embedded, values, regressed = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        if learned_gate > 0 and self._copurchases.through.shape[1]:
            through = self._copurchases.through[nums].astype(np.float64)  # [n history items, d]
            profile = history.weights @ sources
            addends = through @ profile
            paths = shared.sums(self.taken, self.given)
            net = net_fraction(paths @ addends, self._targets[items].astype(np.float64) @ profile)[:, None]
            embedded = net * learned_gate * addends
            values = embedded * paths
            moved += net * learned_gate * history.weights * ((paths @ through) @ sources.T)
        if weights_gate > 0 and self._weights is not None:
            gram = shared.sums(self.met, self.met_last)
            claimed = self.claimed(self._weights, nums, items, gram) * (weights_gate * built.weights)
            np.divide(claimed, gram, out=regressed, where=gram > 0)
            values = values + claimed
            moved[:, : len(nums)] += claimed
        return LearnedShares(embedded, regressed, values, moved, (shared,))

    def claimed(self, item_weights: sp.csr_matrix, nums: IntArray, items: IntArray, gram: Values) -> Values:
        """Return what of item–item weights the shoppers of both are given, [n items, n history items].

        Args:
            item_weights: B.
            nums: The history items.
            items: The items.
            gram: G_ki of them, [n items, n history items].
        """
        weights = np.zeros(gram.shape)
        places, positions, entries = entries_among(item_weights, nums, items)
        weights[places, positions] = entries
        support = np.asarray(self._copurchases.support)[nums]
        direct = np.divide(gram, support, out=np.zeros_like(gram), where=support > 0)
        factor = 1.0 if self._factor is None else np.asarray(self._factor)[items].astype(np.float64)[:, None]
        return np.asarray(np.minimum(weights, direct * factor))


def net_fraction(paths: Values, learned: Values) -> Values:
    """Return which fraction of their addends all paths to an item get: together no more than the learned part has, and nothing of another sign.

    Args:
        paths: What they would get, [n items].
        learned: What the embeddings give to each item, [n items].
    """
    fraction = np.divide(learned, paths, out=np.zeros_like(learned), where=paths != 0)
    return np.asarray(np.clip(fraction, 0.0, 1.0))


def _places(whole: sp.csr_matrix, part: sp.csr_matrix) -> IntArray:
    """Return where the entries of a matrix with fewer entries are in the whole one, both with sorted columns."""

    def keys(matrix: sp.csr_matrix) -> npt.NDArray[np.int64]:
        rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
        return np.asarray(rows * matrix.shape[1] + matrix.indices, dtype=np.int64)

    return np.asarray(np.searchsorted(keys(whole), keys(part)), dtype=np.int64)
