"""What a customer wants: a linear classifier of words and pieces of words, and how familiar a question looks, which decides whether it is answered.

Familiarity is the likeness to the nearest sentence that was learned from (cosine), times the share of words that any of them has. The threshold under
which a question is refused is conformal, on sentences that were kept out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.answers.conformal import confidence, threshold
from gnn.answers.ngrams import Vocabulary, words
from kg.errors import ArtifactError, InputError
from kg.models.array_file import Format, read_arrays, write_arrays

FALSE_REFUSALS = 0.01
FORMAT = Format("intent model", 1, "train it: `reckon answers train --intents FILE.parquet --out MODEL`")
_FOLDS, _SPREAD, _BLOCK = 5, 0.05, 512
_ROUNDING = 1e-4
"""A sentence that is as familiar as the threshold is not refused because 32-bit sums differ by their order."""
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Intent:
    """What a text asks for.

    Attributes:
        intent: The likeliest intent.
        category: What it belongs to.
        confidence: Between 0 and 1; below 0.5 the text is like nothing that was learned, and is refused.
        margin: How far the classifier puts the intent before the next one.
    """

    intent: str
    category: str
    confidence: float
    margin: float

    @property
    def refused(self) -> bool:
        """Whether the text is out of scope."""
        return self.confidence < 0.5


@dataclass(frozen=True)
class _Fitted:
    """What is learned from sentences alone.

    Attributes:
        names: The intents, in the order of the columns of `weights`.
        known: Every word of the sentences.
        weights: [n terms + 1, n intents]; the last row is the constant.
        examples: The sentences as vectors, [n sentences, n terms].
    """

    vocabulary: Vocabulary
    names: tuple[str, ...]
    known: frozenset[str]
    weights: npt.NDArray[np.float32]
    examples: sp.csr_matrix

    @classmethod
    def of(cls, texts: Sequence[str], labels: Sequence[str]) -> _Fitted:
        from sklearn.svm import LinearSVC

        vocabulary = Vocabulary.of(texts, least=2 if len(texts) > 1_000 else 1)
        x, names = vocabulary.vectors(texts), tuple(sorted(set(labels)))
        model = LinearSVC(C=1.0, random_state=0).fit(x, labels)
        weights = np.vstack([model.coef_.T, model.intercept_[None, :]])
        if len(names) == 2:  # scikit-learn keeps one column for two classes
            weights = np.hstack([-weights, weights])
        return cls(vocabulary, names, frozenset(word for text in texts for word in words(text)), weights.astype(np.float32), x)

    @cached_property
    def _by_term(self) -> sp.csr_matrix:
        """The sentences by term, [n terms, n sentences]: only the rows of a question's own terms are read."""
        return self.examples.T.tocsr()

    def margins(self, x: sp.csr_matrix) -> npt.NDArray[np.float32]:
        return np.asarray(x @ self.weights[:-1] + self.weights[-1], dtype=np.float32)

    def familiarity(self, texts: Sequence[str], x: sp.csr_matrix) -> Scores:
        """Return how much each text is like what was learned, between 0 and 1."""
        nearest = np.zeros(len(texts))
        for start in range(0, len(texts), _BLOCK):
            nearest[start : start + _BLOCK] = (x[start : start + _BLOCK] @ self._by_term).max(axis=1).toarray().ravel()
        tokens = [words(text) for text in texts]
        shares = [sum(word in self.known for word in each) / len(each) if each else 0.0 for each in tokens]
        return np.asarray(nearest * np.array(shares))


@dataclass(frozen=True)
class IntentModel:
    """A trained model.

    Attributes:
        fitted: Learned from all sentences.
        categories: Intent → category.
        at: Familiarity below which a text is refused.
        measured: What cross-validation found.
    """

    fitted: _Fitted
    categories: dict[str, str]
    at: float
    measured: dict[str, float] = field(default_factory=dict)

    @classmethod
    def train(cls, texts: Sequence[str], intents: Sequence[str], categories: Sequence[str]) -> IntentModel:
        """Learn from sentences with their intents.

        Raises:
            InputError: There are fewer than two intents, or an intent has a single sentence.
        """
        names, counts = np.unique(np.array(intents, dtype=object).astype(str), return_counts=True)
        if len(names) < 2:
            raise InputError(f"there is {len(names)} intent in the file", hint="give sentences of two intents or more")
        if counts.min() < 2:
            raise InputError(f"the intent {str(names[counts.argmin()])!r} has a single sentence", hint="give at least two, better twenty")
        familiarity, right = _cross_validated(texts, intents)
        at = threshold(familiarity, FALSE_REFUSALS)
        at = (at if np.isfinite(at) else float(familiarity.min())) - _ROUNDING
        measured = {"accuracy": float(right.mean()), "false_refusals": float((familiarity < at).mean())}
        return cls(_Fitted.of(texts, intents), dict(zip(intents, categories, strict=True)), at, measured)

    def read(self, texts: Sequence[str]) -> list[Intent]:
        """Say what each text asks for."""
        if not texts:
            return []
        x = self.fitted.vocabulary.vectors(texts)
        margins = self.fitted.margins(x)
        best = margins.argmax(axis=1)
        ordered = np.sort(margins, axis=1)
        sure = confidence(self.fitted.familiarity(texts, x), self.at, _SPREAD)
        names = [self.fitted.names[number] for number in best]
        return [
            Intent(name, self.categories[name], round(float(one), 6), round(float(gap), 6))
            for name, one, gap in zip(names, sure, ordered[:, -1] - ordered[:, -2], strict=True)
        ]

    def save(self, path: Path) -> None:
        """Write the model: text and arrays, nothing that is executed when it is read."""
        own = self.fitted
        meta = {
            "terms": own.vocabulary.terms,
            "names": own.names,
            "known": sorted(own.known),
            "categories": self.categories,
            "at": self.at,
            "measured": self.measured,
        }
        csr = own.examples.tocsr()
        arrays = {"idf": own.vocabulary.idf, "weights": own.weights, "data": csr.data, "indices": csr.indices, "indptr": csr.indptr}
        write_arrays(path, FORMAT, meta, arrays)

    @classmethod
    def load(cls, path: Path) -> IntentModel:
        """Read a model.

        Raises:
            ArtifactError: It is missing, damaged or something else.
        """
        return cls._of(path, *read_arrays(path, FORMAT))

    @classmethod
    def _of(cls, path: Path, meta: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> IntentModel:
        try:
            terms, names = tuple(meta["terms"]), tuple(meta["names"])
            shape = (len(arrays["indptr"]) - 1, len(terms))
            examples = sp.csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
            examples.check_format()
            if arrays["weights"].shape != (len(terms) + 1, len(names)) or len(arrays["idf"]) != len(terms):
                raise ValueError("its arrays do not fit its words")
            fitted = _Fitted(Vocabulary(terms, arrays["idf"]), names, frozenset(meta["known"]), arrays["weights"], examples)
            return cls(fitted, dict(meta["categories"]), float(meta["at"]), dict(meta["measured"]))
        except (KeyError, ValueError, TypeError) as error:
            raise ArtifactError(f"{path} is damaged: {error}", hint=FORMAT.hint) from error


def _cross_validated(texts: Sequence[str], intents: Sequence[str]) -> tuple[Scores, npt.NDArray[np.bool_]]:
    """Return of each sentence how familiar it looks to a model of the others, and whether that model names its intent.

    The same sentence with another number is taken once: it says nothing new, and would look familiar.
    """
    from sklearn.model_selection import KFold

    first = sorted({tuple(words(text)): n for n, text in reversed(list(enumerate(texts)))}.values())
    own, labels = [texts[n] for n in first], np.array([str(intents[n]) for n in first])
    familiarity, right = np.zeros(len(own)), np.zeros(len(own), dtype=bool)
    for learned, kept in KFold(min(_FOLDS, len(own)), shuffle=True, random_state=0).split(labels):
        if len(set(labels[learned])) < 2:
            continue
        fitted = _Fitted.of([own[n] for n in learned], labels[learned].tolist())
        kept_texts = [own[n] for n in kept]
        x = fitted.vocabulary.vectors(kept_texts)
        familiarity[kept] = fitted.familiarity(kept_texts, x)
        right[kept] = np.array(fitted.names)[fitted.margins(x).argmax(axis=1)] == labels[kept]
    return familiarity, right
