"""Linear-chain conditional random fields: trained with crfsuite, kept and read as arrays.

The one module that imports crfsuite. A trained model is taken over as weights, so that a stored one is data that numpy reads: texts are
decoded many at a time, and no native code parses a file that somebody gave us.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pycrfsuite
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from kg.errors import ArtifactError

_TINY = 1e-300


@dataclass(frozen=True)
class ChainOptions:
    """How a chain is trained.

    Attributes:
        c1: L1 penalty.
        c2: L2 penalty.
        iterations: Most iterations of L-BFGS.
        min_count: Features seen less often are left out.
    """

    c1: float = 0.1
    c2: float = 0.05
    iterations: int = 80
    min_count: int = 1


@dataclass(frozen=True)
class Chain:
    """Weights of a linear chain.

    Attributes:
        labels: Label names.
        features: Feature → row of `weights`.
        weights: Shape [n_features, n_labels].
        transitions: From label, to label. Shape [n_labels, n_labels].
    """

    labels: tuple[str, ...]
    features: Mapping[str, int]
    weights: NDArray[np.float32]
    transitions: NDArray[np.float32]

    @classmethod
    def train(cls, texts: Iterable[tuple[Sequence[Sequence[str]], Sequence[str]]], labels: Sequence[str], options: ChainOptions) -> Chain:
        """Train on (features per word, label per word) of every text."""
        # Features and labels go to crfsuite as numbers: its listing of a model, which is read back, cannot hold a feature with a line break.
        rows: dict[str, int] = {}
        names = {label: str(number) for number, label in enumerate(labels)}
        trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
        trainer.set_params({"c1": options.c1, "c2": options.c2, "max_iterations": options.iterations, "feature.minfreq": options.min_count})
        for features, wanted in texts:
            if len(wanted):
                numbered = [[str(rows.setdefault(name, len(rows))) for name in here] for here in features]
                trainer.append(numbered, [names[label] for label in wanted])
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "chain")
            trainer.train(path)
            tagger = pycrfsuite.Tagger()
            tagger.open(path)
            info = tagger.info()
            tagger.close()
        spelt = list(rows)
        kept = {name: row for row, name in enumerate(sorted({spelt[int(number)] for number, _ in info.state_features}))}
        weights = np.zeros((len(kept), len(labels)), dtype=np.float32)
        for (number, label), weight in info.state_features.items():
            weights[kept[spelt[int(number)]], int(label)] = weight
        transitions = np.zeros((len(labels), len(labels)), dtype=np.float32)
        for (before, after), weight in info.transitions.items():
            transitions[int(before), int(after)] = weight
        return cls(tuple(labels), kept, weights, transitions)

    def scores(self, features: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Return the state scores of words. Shapes: returns [n_words, n_labels]."""
        get = self.features.get
        result = [[row for name in here if (row := get(name)) is not None] for here in features]
        pointers = np.cumsum([0, *map(len, result)])
        columns = np.fromiter((row for here in result for row in here), dtype=np.int64, count=int(pointers[-1]))
        matrix = csr_matrix((np.ones(len(columns), dtype=np.float32), columns, pointers), shape=(len(result), len(self.features)))
        return np.asarray(matrix @ self.weights, dtype=np.float64)

    def marginals(self, lengths: Sequence[int], scores: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return the probability of each label of each word, per text (`marginals`)."""
        return marginals(lengths, scores, self.transitions)

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the arrays to store under a name; the features are `feature_names`."""
        return {f"{name}.weights": self.weights, f"{name}.transitions": self.transitions}

    @property
    def feature_names(self) -> list[str]:
        """The features in the order of the rows."""
        return sorted(self.features, key=lambda feature: self.features[feature])

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str, labels: Sequence[str], features: Sequence[str]) -> Chain:
        """Rebuild a stored chain.

        Raises:
            ArtifactError: The arrays do not fit together.
        """
        weights, transitions = arrays[f"{name}.weights"], arrays[f"{name}.transitions"]
        n = len(labels)
        if weights.shape != (len(features), n) or transitions.shape != (n, n) or not (np.isfinite(weights).all() and np.isfinite(transitions).all()):
            raise ArtifactError(f"the stored chain {name!r} is inconsistent", hint="train it again with `reckon extract train`")
        return cls(tuple(labels), {feature: row for row, feature in enumerate(features)}, weights, transitions)


def marginals(lengths: Sequence[int], scores: NDArray[np.float64], transitions: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """Return the probability of each label of each word, per text.

    Args:
        lengths: Words per text.
        scores: State scores of all texts' words, one after the other. Shape [Σ lengths, n_labels].
        transitions: From label, to label: one for all texts, [n_labels, n_labels], or one per text, [n_texts, n_labels, n_labels].

    Shapes:
        returns one [n_words, n_labels] per text.
    """
    if not len(lengths):
        return []
    sizes = np.asarray(lengths, dtype=np.int64)
    # The longest first: the texts that still go on at a word are then the first ones.
    order = np.argsort(-sizes, kind="stable")
    starts = np.cumsum(sizes) - sizes
    alive = [int((sizes > t).sum()) for t in range(int(sizes.max()))]
    emit = np.ones((max(1, len(alive)), len(sizes), scores.shape[1]))
    for row, text in enumerate(order.tolist()):
        state = scores[starts[text] : starts[text] + sizes[text]]
        emit[: len(state), row] = np.exp(state - state.max(axis=1, keepdims=True)) if len(state) else 1.0
    move = transitions.astype(np.float64)
    step = np.exp(move - move.max(axis=(-2, -1), keepdims=True))
    step = step[order] if step.ndim == 3 else step
    forward, backward = emit.copy(), np.ones_like(emit)
    forward[0] /= forward[0].sum(axis=1, keepdims=True)
    for t in range(1, len(alive)):
        k = alive[t]
        forward[t, :k] = _normal(_moved(forward[t - 1, :k], step, k) * emit[t, :k])
    back = np.swapaxes(step, -1, -2)
    for t in range(len(alive) - 2, -1, -1):
        k = alive[t + 1]
        backward[t, :k] = _normal(_moved(backward[t + 1, :k] * emit[t + 1, :k], back, k))
    product = forward * backward
    product /= np.maximum(product.sum(axis=2, keepdims=True), _TINY)
    row_of = np.argsort(order)
    return [product[: sizes[text], row_of[text]] for text in range(len(sizes))]


def _moved(p: NDArray[np.float64], step: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return np.asarray(p @ step if step.ndim == 2 else np.einsum("nl,nlm->nm", p, step[:k]))


def _normal(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(p / np.maximum(p.sum(axis=1, keepdims=True), _TINY))
