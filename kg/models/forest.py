"""Decision-tree ensembles as plain arrays: trained with scikit-learn, stored without pickle, evaluated with numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier

from kg.errors import ArtifactError

Link = Literal["mean", "logit"]

_BLOCK = 4096
"""Rows walked through all trees at once; bounds the memory of a prediction."""


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest 32-bit number at or below each threshold: features are 32-bit, so every comparison comes out the same."""
    single = threshold.astype(np.float32)
    return np.where(single > threshold, np.nextafter(single, np.float32(-np.inf)), single).astype(np.float32)


@dataclass(frozen=True)
class Forest:
    """Trees laid end to end.

    Attributes:
        link: "mean" averages the leaves' probabilities; "logit" adds the leaves to `base` and applies the logistic function.
        base: Score before the first tree, for "logit".
        roots: Node number of each tree's root. Shape [n_trees].
        feature: Feature a node splits on, -1 for a leaf. Shape [n_nodes].
        threshold: A row goes left where its feature is at or below this. Shape [n_nodes].
        left: Node number of the left child; a leaf points at itself. Shape [n_nodes].
        right: The same for the right child. Shape [n_nodes].
        value: What a leaf adds. Shape [n_nodes].
    """

    link: Link
    base: float
    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]

    @classmethod
    def _of(cls, trees: Sequence[Any], values: Sequence[NDArray[np.float64]], *, link: Link, base: float) -> Forest:
        sizes = [tree.node_count for tree in trees]
        offsets = np.cumsum([0, *sizes[:-1]])
        nodes = [np.arange(size) for size in sizes]
        leaf = [tree.children_left == -1 for tree in trees]
        left = [np.where(is_leaf, node, tree.children_left) + start for tree, is_leaf, node, start in zip(trees, leaf, nodes, offsets, strict=True)]
        right = [np.where(is_leaf, node, tree.children_right) + start for tree, is_leaf, node, start in zip(trees, leaf, nodes, offsets, strict=True)]
        feature = [np.where(is_leaf, -1, tree.feature) for tree, is_leaf in zip(trees, leaf, strict=True)]
        return cls(
            link,
            base,
            offsets.astype(np.int32),
            np.concatenate(feature).astype(np.int16),
            _rounded_down(np.concatenate([tree.threshold for tree in trees])),
            np.concatenate(left).astype(np.int32),
            np.concatenate(right).astype(np.int32),
            np.concatenate(values).astype(np.float32),
        )

    @classmethod
    def extra_trees(cls, model: ExtraTreesClassifier) -> Forest:
        """Take over a fitted two-class model: a leaf holds the fraction of its training rows that matched."""
        trees = [estimator.tree_ for estimator in model.estimators_]
        fractions = [tree.value[:, 0, 1] / tree.value[:, 0, :].sum(axis=1) for tree in trees]
        return cls._of(trees, fractions, link="mean", base=0.0)

    @classmethod
    def boosting(cls, model: GradientBoostingClassifier) -> Forest:
        """Take over a fitted two-class model that starts from the log odds of the training labels."""
        trees = [row[0].tree_ for row in model.estimators_]
        prior = float(model.init_.class_prior_[1])
        values = [tree.value[:, 0, 0] * model.learning_rate for tree in trees]
        return cls._of(trees, values, link="logit", base=float(np.log(prior / (1 - prior))))

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of a match per row.

        Shapes:
            x: [n, n_features], returns [n].
        """
        out = np.empty(len(x), dtype=np.float64)
        for start in range(0, len(x), _BLOCK):
            out[start : start + _BLOCK] = self._leaves(x[start : start + _BLOCK])
        if self.link == "mean":
            return out / len(self.roots)
        return np.asarray(expit(out + self.base), dtype=np.float64)

    @cached_property
    def _nodes(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Feature and children as numpy indexes with them, so that nothing is converted on the way down."""
        return self.feature.astype(np.intp), self.left.astype(np.intp), self.right.astype(np.intp)

    def _leaves(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        total = np.zeros(len(x), dtype=np.float64)
        feature, left, right = self._nodes
        cells, every = np.ascontiguousarray(x).ravel(), np.arange(len(x))
        for root in self.roots.tolist():
            if feature[root] < 0:
                total += self.value[root]
                continue
            node, rows = np.full(len(x), root, dtype=np.intp), every
            while len(rows):
                goes_left = cells.take(rows * x.shape[1] + feature.take(node)) <= self.threshold.take(node)
                node = np.where(goes_left, left.take(node), right.take(node))
                inner = feature.take(node) >= 0
                if not inner.all():
                    done = ~inner
                    total[rows[done]] += self.value.take(node[done])
                    node, rows = node[inner], rows[inner]
        return total

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `from_arrays` needs, for storing."""
        return {
            "head": np.array([float(self.link == "logit"), self.base]),
            "roots": self.roots,
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "value": self.value,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, n_features: int) -> Forest:
        """Rebuild a forest, checking that no tree can be walked out of its nodes or for ever.

        Raises:
            ArtifactError: The arrays are not those of a forest over `n_features` features.
        """
        head = arrays["head"]
        forest = cls(
            "logit" if head[0] else "mean",
            float(head[1]),
            *(arrays[name] for name in ("roots", "feature", "threshold", "left", "right", "value")),
        )
        n_nodes = len(forest.feature)
        node = np.arange(n_nodes)
        inner = forest.feature >= 0
        children = np.concatenate([forest.left[inner], forest.right[inner]]) if n_nodes else np.empty(0)
        sound = (
            all(len(array) == n_nodes for array in (forest.threshold, forest.left, forest.right, forest.value))
            and len(forest.roots) > 0
            and bool(np.all((forest.roots >= 0) & (forest.roots < n_nodes)))
            and bool(np.all(forest.feature < n_features))
            and bool(np.all(children < n_nodes))
            # Children come after their parent in scikit-learn's layout, which rules out cycles.
            and bool(np.all(forest.left[inner] > node[inner]) and np.all(forest.right[inner] > node[inner]))
        )
        if not sound:
            raise ArtifactError("a stored decision tree is inconsistent", hint="train the model again")
        return forest
