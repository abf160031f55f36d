"""Gradient-boosted trees as plain arrays: fitted by scikit-learn, stored and run without it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

Floats = NDArray[np.float64]


class Forest:
    """A sum of trees, squashed to a probability.

    Args:
        feature: Column that a node asks, -1 at a leaf. [trees, nodes]
        threshold: Goes left at most here. [trees, nodes]
        left: Node to go to. [trees, nodes]
        right: Node to go to. [trees, nodes]
        value: What a leaf adds. [trees, nodes]
        baseline: What every row starts from.
    """

    def __init__(self, feature: NDArray[np.int32], threshold: Floats, left: NDArray[np.int32], right: NDArray[np.int32], value: Floats, baseline: float) -> None:
        self.feature, self.threshold, self.left, self.right, self.value, self.baseline = feature, threshold, left, right, value, baseline

    @classmethod
    def fit(cls, x: Floats, y: NDArray[np.int64], *, trees: int = 200, rate: float = 0.06, leaves: int = 15, least: int = 20, seed: int = 0) -> Forest:
        """Fit on rows of features and 0/1 answers."""
        model = HistGradientBoostingClassifier(
            max_iter=trees, learning_rate=rate, max_leaf_nodes=leaves, min_samples_leaf=least, l2_regularization=1.0, early_stopping=False, random_state=seed
        )
        model.fit(x, y)
        grown = [tree.nodes for (tree,) in model._predictors]
        size = max(len(nodes) for nodes in grown)
        feature = np.full((len(grown), size), -1, dtype=np.int32)
        left, right = np.zeros((len(grown), size), dtype=np.int32), np.zeros((len(grown), size), dtype=np.int32)
        threshold, value = np.zeros((len(grown), size)), np.zeros((len(grown), size))
        for n, nodes in enumerate(grown):
            count = len(nodes)
            feature[n, :count] = np.where(nodes["is_leaf"], -1, nodes["feature_idx"])
            threshold[n, :count], value[n, :count] = nodes["num_threshold"], nodes["value"]
            left[n, :count], right[n, :count] = nodes["left"], nodes["right"]
        return cls(feature, threshold, left, right, value, float(np.ravel(model._baseline_prediction)[0]))

    def predict(self, x: Floats) -> Floats:
        """Return the probability of each row."""
        trees = np.arange(len(self.feature))[None, :]
        rows = np.arange(len(x))[:, None]
        at = np.zeros((len(x), len(self.feature)), dtype=np.int32)
        while True:
            asked = self.feature[trees, at]
            open_ = asked >= 0
            if not open_.any():
                break
            goes = x[rows, np.maximum(asked, 0)] <= self.threshold[trees, at]
            at = np.where(open_, np.where(goes, self.left[trees, at], self.right[trees, at]), at)
        total = self.baseline + self.value[trees, at].sum(axis=1)
        return np.asarray(1.0 / (1.0 + np.exp(-total)))

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return what `from_arrays` reads."""
        return {
            "feature": self.feature, "threshold": self.threshold, "left": self.left, "right": self.right,
            "value": self.value, "baseline": np.array([self.baseline]),
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Forest:
        """Rebuild a forest from `arrays`."""
        parts = [np.asarray(arrays[name]) for name in ("feature", "threshold", "left", "right", "value")]
        return cls(*parts, float(np.ravel(arrays["baseline"])[0]))
