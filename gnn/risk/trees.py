"""Boosted trees whose score is an exact sum of what each feature adds (TreeSHAP).

The share of a feature is its Shapley value in the game "which features of the row are known", where an unknown feature goes down both branches by the
number of training rows that went there. The values of all features and the mean of the trees add up to the score.

Source: Lundberg et al. 2020, "From local explanations to global understanding with explainable AI for trees", 10.1038/s42256-019-0138-9, algorithm 1.
Trees are small, so the sum over subsets is tabled per leaf instead of walked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from kg.errors import ArtifactError
from kg.models.forest import Forest

Floats = npt.NDArray[np.float64]
_ROWS = 4_096
"""Rows explained at once; bounds the memory."""
MAX_DEPTH = 7


@dataclass(frozen=True)
class _Leaf:
    """A leaf: its path by feature, and what each feature adds by which of them the row meets.

    Attributes:
        features: Distinct features on the path, [m].
        steps: For each, the positions of its splits among the tree's splits, and whether the path goes left there.
        table: [2^m, m]: bit j of the row number is whether the row meets feature j.
    """

    features: tuple[int, ...]
    steps: tuple[tuple[tuple[int, bool], ...], ...]
    table: Floats


@dataclass(frozen=True)
class Trees:
    """A boosted ensemble.

    Attributes:
        forest: The trees; leaves and `base` in log-odds.
        cover: Training rows that came to each node.
        missing_left: Whether a row goes left at a node where the feature is unknown (NaN).
    """

    forest: Forest
    cover: npt.NDArray[np.int64]
    missing_left: npt.NDArray[np.bool_]

    @classmethod
    def fit(cls, x: npt.NDArray[np.float32], y: npt.NDArray[np.int8], *, seed: int) -> Trees:
        """Fit the trees.

        Args:
            x: Features, [n, n_features]; NaN where unknown.
            y: 1 for fraud, 0 for honest, [n].
            seed: Draws the features that each split may choose from.
        """
        model = HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=200,
            max_leaf_nodes=16,
            max_depth=MAX_DEPTH,
            min_samples_leaf=max(1, min(40, len(y) // 20)),
            l2_regularization=5.0,
            max_features=0.3,
            early_stopping=False,
            random_state=seed,
        ).fit(np.where(np.isnan(x).all(axis=0), 0, x), y)  # scikit-learn cannot bin a column without any value; a constant is never split on
        return cls._of(model)

    @classmethod
    def _of(cls, model: HistGradientBoostingClassifier) -> Trees:
        tables = [row[0].nodes for row in model._predictors]
        starts = np.cumsum([0, *(len(nodes) for nodes in tables[:-1])])
        nodes = np.concatenate(tables)
        offset = np.repeat(starts, [len(nodes) for nodes in tables])
        leaf, place = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
        threshold = nodes["num_threshold"]
        single = threshold.astype(np.float32)
        # Features are 32-bit: the largest such number at or below the threshold splits them in the same way.
        single = np.where(single > threshold, np.nextafter(single, np.float32(-np.inf)), single)
        forest = Forest(
            "logit",
            float(model._baseline_prediction.ravel()[0]),
            starts.astype(np.int32),
            np.where(leaf, -1, nodes["feature_idx"]).astype(np.int16),
            np.where(leaf, 0, single).astype(np.float32),
            np.where(leaf, place, nodes["left"] + offset).astype(np.int32),
            np.where(leaf, place, nodes["right"] + offset).astype(np.int32),
            np.where(leaf, nodes["value"], 0).astype(np.float32),
        )
        return cls(forest, nodes["count"].astype(np.int64), nodes["missing_go_to_left"].astype(bool))

    def log_odds(self, x: npt.NDArray[np.float32]) -> Floats:
        """Return the log-odds of fraud before calibration; each row's are the same whatever other rows are scored with it.

        Shapes:
            x [n, n_features] → [n].
        """
        total = np.full(len(x), self.forest.base)
        for root in self.forest.roots.tolist():
            rows, node = np.arange(len(x)), np.full(len(x), root)
            while len(rows):
                inner = self.forest.feature[node] >= 0
                total[rows[~inner]] += self.forest.value[node[~inner]]
                rows, node = rows[inner], node[inner]
                left = self._goes_left(x[rows, self.forest.feature[node]], node)
                node = np.where(left, self.forest.left[node], self.forest.right[node])
        return total

    def _goes_left(self, values: npt.NDArray[np.float32], nodes: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        return np.asarray((values <= self.forest.threshold[nodes]) | (np.isnan(values) & self.missing_left[nodes]))

    @cached_property
    def _leaves(self) -> list[tuple[npt.NDArray[np.intp], list[_Leaf]]]:
        """Per tree: its splits as node numbers, and its leaves."""
        ends = [*self.forest.roots[1:].tolist(), len(self.forest.feature)]
        trees = []
        for root, end in zip(self.forest.roots.tolist(), ends, strict=True):
            splits = root + np.flatnonzero(self.forest.feature[root:end] >= 0)
            position = {int(node): place for place, node in enumerate(splits)}
            trees.append((splits, list(self._walk(root, {}, position))))
        return trees

    def _walk(self, node: int, path: dict[int, tuple[float, list[tuple[int, bool]]]], position: Mapping[int, int]) -> Any:
        feature = int(self.forest.feature[node])
        if feature < 0:
            ratios = np.array([ratio for ratio, _ in path.values()])
            steps = tuple(tuple(steps) for _, steps in path.values())
            yield _Leaf(tuple(path), steps, float(self.forest.value[node]) * _shapley(ratios))
            return
        for left, child in ((True, int(self.forest.left[node])), (False, int(self.forest.right[node]))):
            ratio, earlier = path.get(feature, (1.0, []))
            part = self.cover[child] / self.cover[node]
            yield from self._walk(child, {**path, feature: (ratio * part, [*earlier, (position[node], left)])}, position)

    @cached_property
    def mean(self) -> float:
        """The log-odds of a row of which nothing is known: the base, and the mean of each tree's leaves over the training rows."""
        leaf, total = self.forest.feature < 0, self.forest.base
        ends = [*self.forest.roots[1:].tolist(), len(leaf)]
        for root, end in zip(self.forest.roots.tolist(), ends, strict=True):
            is_leaf = leaf[root:end]
            rows = self.cover[root:end][is_leaf]
            total += float(self.forest.value[root:end][is_leaf].astype(np.float64) @ rows) / float(rows.sum())
        return total

    def contributions(self, x: npt.NDArray[np.float32]) -> Floats:
        """Return what each feature adds to the log-odds; with `mean` they add up to `log_odds`.

        Shapes:
            x [n, n_features] → [n, n_features].
        """
        contributions = np.zeros(x.shape)
        for start in range(0, len(x), _ROWS):
            self._add(x[start : start + _ROWS], contributions[start : start + _ROWS])
        return contributions

    def _add(self, x: npt.NDArray[np.float32], contributions: Floats) -> None:
        for splits, leaves in self._leaves:
            left = self._goes_left(x[:, self.forest.feature[splits]], splits)
            for leaf in leaves:
                met = np.zeros(len(x), dtype=np.intp)
                for bit, steps in enumerate(leaf.steps):
                    meets = np.ones(len(x), dtype=bool)
                    for place, goes_left in steps:
                        meets &= left[:, place] == goes_left
                    met |= meets.astype(np.intp) << bit
                for bit, feature in enumerate(leaf.features):
                    contributions[:, feature] += leaf.table[met, bit]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what `from_arrays` needs."""
        return {**self.forest.arrays(), "cover": self.cover, "missing_left": self.missing_left}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], *, n_features: int) -> Trees:
        """Rebuild the trees.

        Raises:
            ArtifactError: The arrays are not those of trees over `n_features` features.
        """
        forest, cover, missing_left = Forest.from_arrays(arrays, n_features=n_features), arrays["cover"], arrays["missing_left"]
        if not len(cover) == len(missing_left) == len(forest.feature) or bool(np.any(cover <= 0)):
            raise ArtifactError("the covers of a stored tree are inconsistent", hint="train the model again")
        return cls(forest, cover, missing_left)


def _shapley(ratios: Floats) -> Floats:
    """Return the Shapley value of each feature of a path for each set of features that a row meets, for a leaf of value 1.

    The value of a set of known features is the product, over the path's features, of whether the row meets a known one, and an unknown one's ratio.

    Shapes:
        ratios [m] → [2^m, m].
    """
    m = len(ratios)
    sets = np.arange(1 << m)
    bits = (sets[:, None] >> np.arange(m)) & 1
    # worth[met, known]: product over the features.
    worth = np.ones((1 << m, 1 << m))
    for j in range(m):
        worth *= np.where(bits[None, :, j] == 1, bits[:, None, j], ratios[j])
    weights = np.array([factorial(k) * factorial(m - k - 1) / factorial(m) for k in range(m)]) if m else np.zeros(0)
    table = np.zeros((1 << m, m))
    for j in range(m):
        without = sets[bits[:, j] == 0]
        gain = worth[:, without | (1 << j)] - worth[:, without]
        table[:, j] = gain @ weights[bits[without].sum(axis=1)]
    return table
