"""Linear-chain conditional random fields: trained by crfsuite, read back as arrays, run for all attributes of a line at once.

Source: Lafferty, McCallum and Pereira (2001), "Conditional Random Fields"; forward-backward in probability space with scaling.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycrfsuite
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

LABELS = ("O", "B", "I", "E", "S")
_O, _B, _I, _E, _S = range(5)
_ALLOWED = np.array([[1, 1, 0, 0, 1], [0, 0, 1, 1, 0], [0, 0, 1, 1, 0], [1, 1, 0, 0, 1], [1, 1, 0, 0, 1]], dtype=bool)
_TINY = 1e-300
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """The weights of one field as crfsuite states them.

    Attributes:
        states: (feature, label) → weight.
        transitions: (label, label) → weight.
        labels: The labels seen in training.
    """

    states: Mapping[tuple[str, str], float]
    transitions: Mapping[tuple[str, str], float]
    labels: tuple[str, ...]


def train_chain(sequences: Sequence[pycrfsuite.ItemSequence], labels: Sequence[Sequence[str]], *, c1: float, c2: float, iterations: int) -> Weights:
    """Train one field.

    Args:
        sequences: Features of every word of every line.
        labels: A label per word.
        c1: L1 penalty.
        c2: L2 penalty.
        iterations: Steps of L-BFGS at most.
    """
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.select("lbfgs")
    trainer.set_params({"c1": c1, "c2": c2, "max_iterations": iterations})
    for sequence, tags in zip(sequences, labels, strict=True):
        trainer.append(sequence, list(tags))
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "chain.crfsuite")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        try:
            info, seen = tagger.info(), tuple(tagger.labels())
            return Weights(dict(info.state_features), dict(info.transitions), seen)
        finally:
            tagger.close()


class Chains:
    """Many fields over the same features, one per attribute.

    Args:
        names: The attributes.
        features: feature → row of `states`.
        states: Weights, five columns per attribute in the order of `LABELS`. [features, attributes · 5]
        transitions: [attributes, 5, 5]
        lengths: Longest value in words, per attribute. [attributes]
    """

    def __init__(self, names: Sequence[str], features: Mapping[str, int], states: csr_matrix, transitions: Floats, lengths: NDArray[np.int64]) -> None:
        self.names = list(names)
        self.features = features
        self.states = states
        self.transitions = transitions
        self.lengths = lengths
        self.at = {name: n for n, name in enumerate(self.names)}

    @classmethod
    def of(cls, weights: Mapping[str, Weights], lengths: Mapping[str, int], smallest: float = 1e-3) -> Chains:
        """Join trained fields; weights below `smallest` are dropped."""
        names = sorted(weights)
        features: dict[str, int] = {}
        rows, columns, data = [], [], []
        transitions = np.zeros((len(names), 5, 5))
        for n, name in enumerate(names):
            field = weights[name]
            for (feature, label), weight in field.states.items():
                if abs(weight) >= smallest:
                    rows.append(features.setdefault(feature, len(features)))
                    columns.append(n * 5 + LABELS.index(label))
                    data.append(weight)
            for (left, right), weight in field.transitions.items():
                transitions[n, LABELS.index(left), LABELS.index(right)] = weight
            missing = [LABELS.index(label) for label in LABELS if label not in field.labels]
            transitions[n, missing, :] = transitions[n, :, missing] = -np.inf
        transitions[:, ~_ALLOWED] = -np.inf
        states = csr_matrix((np.array(data, dtype=np.float32), (rows, columns)), shape=(len(features), len(names) * 5))
        return cls(names, features, states, transitions, np.array([lengths[name] for name in names], dtype=np.int64))

    def scores(self, rows: Sequence[Sequence[str]], wanted: Sequence[int]) -> Floats:
        """Return what each word says for each label. [attributes wanted, words, 5]"""
        known = [[self.features[name] for name in row if name in self.features] for row in rows]
        ends = np.cumsum([0] + [len(row) for row in known])
        columns = np.fromiter((column for row in known for column in row), dtype=np.int32, count=int(ends[-1]))
        seen = csr_matrix((np.ones(len(columns), dtype=np.float32), columns, ends), shape=(len(rows), self.states.shape[0]))
        table = np.asarray((seen @ self.states).todense(), dtype=np.float64).reshape(len(rows), len(self.names), 5)
        return table[:, list(wanted), :].transpose(1, 0, 2)  # [a, T, 5]

    def spans(self, scores: Floats, wanted: Sequence[int]) -> tuple[Floats, Floats]:
        """Return the exact probability of every span and of every word being part of a value.

        Args:
            scores: From `scores`. [a, T, 5]
            wanted: The attributes, as for `scores`.

        Returns:
            Probability that the words [start, start + length + 1) are a value [a, T, longest], and the coverage of words [a, T].
        """
        lattice = _Lattice(scores, self.transitions[list(wanted)])
        return lattice.spans(int(self.lengths[list(wanted)].max())), lattice.covered()


class _Lattice:
    """Forward and backward sums over one line, for several attributes at once."""

    def __init__(self, scores: Floats, transitions: Floats) -> None:
        a, n, _ = scores.shape
        self.peaks = scores.max(axis=2, keepdims=True)
        self.emit = np.exp(scores - self.peaks)  # [a, T, 5]
        self.step = np.exp(transitions)  # [a, 5, 5]
        self.forward = np.empty((a, n, 5))
        self.backward = np.empty((a, n, 5))
        self.log_forward = np.empty((a, n))
        self.log_backward = np.zeros((a, n))
        # A label that the field never saw cannot start a line either: nothing leads into it and nothing out.
        usable = (self.step.sum(axis=2) + self.step.sum(axis=1)) > 0
        usable[:, _O] = True
        now = self.emit[:, 0] * usable * np.array([1, 1, 0, 0, 1])
        for t in range(n):
            if t:
                now = np.matmul(now[:, None, :], self.step)[:, 0] * self.emit[:, t]
            total = now.sum(axis=1) + _TINY
            now = now / total[:, None]
            self.forward[:, t] = now
            self.log_forward[:, t] = np.log(total) + (self.log_forward[:, t - 1] if t else 0.0)
        now = usable * np.array([1.0, 0, 0, 1, 1])
        for t in range(n - 1, -1, -1):
            if t < n - 1:
                now = np.matmul(self.step, (now * self.emit[:, t + 1])[:, :, None])[:, :, 0]
                total = now.sum(axis=1) + _TINY
                now = now / total[:, None]
                self.log_backward[:, t] = np.log(total) + self.log_backward[:, t + 1]
            self.backward[:, t] = now
        last = (self.forward[:, -1] * self.backward[:, -1]).sum(axis=1) + _TINY
        self.log_all = np.log(last) + self.log_forward[:, -1]

    def covered(self) -> Floats:
        """Return the probability of each word being part of a value. [a, T]"""
        both = self.forward * self.backward
        return 1.0 - both[:, :, _O] / (both.sum(axis=2) + _TINY)

    def spans(self, longest: int) -> Floats:
        """Return the probability of every span. [a, T, longest]"""
        a, n, _ = self.emit.shape
        with np.errstate(divide="ignore"):
            emit, step = np.log(self.emit), np.log(self.step)
            forward = np.log(self.forward) + self.log_forward[:, :, None]
            backward = np.log(self.backward) + self.log_backward[:, :, None]
        result = np.zeros((a, n, max(longest, 1)))
        zero = self.log_all[:, None]
        result[:, :, 0] = np.exp(np.minimum(forward[:, :, _S] + backward[:, :, _S] - zero, 0.0))
        running = forward[:, :, _B]  # the part of a span that was read so far, by its start
        for length in range(2, min(longest, n) + 1):
            starts = n - length + 1
            ends = slice(length - 1, n)
            before = step[:, _B, _E] if length == 2 else step[:, _I, _E]
            closed = running[:, :starts] + before[:, None] + emit[:, ends, _E] + backward[:, ends, _E]
            result[:, :starts, length - 1] = np.exp(np.minimum(closed - zero, 0.0))
            into = step[:, _B, _I] if length == 2 else step[:, _I, _I]
            running = running[:, :starts] + into[:, None] + emit[:, ends, _I]
        return result
