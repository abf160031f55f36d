"""Turns pairs of records into numbers: string similarities, rarity-weighted overlaps, numbers, model codes and prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from kg.resolve.items.records import Record, RecordPairs
from kg.resolve.items.tokens import EMPTY, Document, Text

FloatMatrix = NDArray[np.float32]

MISSING = -1.0
"""Stands for "cannot be compared" (a side is empty); every similarity lies in [0, 1] and every price ratio at or above 0."""

_N_GRAM_BUCKETS = 1 << 16
_NUMERIC_FRACTION = 0.9
_FUZZY_CUTOFF = 85.0
_FUZZY_MIN_CHARS = 5
_JOINED_MIN_CHARS = 3
_PARTIAL_MAX_CHARS = 400

_TEXT_FEATURES = (
    "ratio", "partial", "token_sort", "token_set", "jaro_winkler", "jaccard", "weighted_jaccard", "left_covered", "right_covered",
    "rarest_left", "rarest_right", "soft_left", "soft_right", "soft_rarest_left", "soft_rarest_right", "soft_sum_left", "soft_sum_right",
    "numbers_jaccard", "numbers_left", "numbers_right", "head", "length", "words_left", "words_right", "cosine",
)  # fmt: skip
_NUMBER_FEATURES = ("log_ratio", "relative", "left", "right")
_CODE_FEATURES = ("equal", "contained", "best_ratio", "best_prefix", "n_left", "n_right", "conflict", "rarest_missing_left", "rarest_missing_right")
_CROSS_FEATURES = ("left_in_right", "right_in_left", "soft_left_in_right", "soft_right_in_left")


@dataclass(frozen=True)
class Corpus:
    """Rarity of words and character n-grams over the records seen in training.

    Attributes:
        document_frequency: Word → number of records it occurs in.
        n_documents: Number of records.
        gram_idf: Inverse document frequency per hashed n-gram. Shape [2**16].
    """

    document_frequency: dict[str, int]
    n_documents: int
    gram_idf: NDArray[np.float32]
    _grams: HashingVectorizer = field(default_factory=lambda: HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), n_features=_N_GRAM_BUCKETS, alternate_sign=False, norm=None, dtype=np.float32
    ), compare=False)  # fmt: skip

    @classmethod
    def fit(cls, texts: Sequence[Text]) -> Corpus:
        """Count words and n-grams."""
        counts = Counter(word for text in texts for word in text.word_set)
        corpus = cls(dict(counts), len(texts), np.ones(_N_GRAM_BUCKETS, dtype=np.float32))
        grams = corpus._grams.transform([text.joined for text in texts])
        seen = np.bincount(grams.indices, minlength=_N_GRAM_BUCKETS)
        return cls(dict(counts), len(texts), np.log((len(texts) + 1) / (seen + 1)).astype(np.float32) + 1)

    def idf(self, word: str) -> float:
        """Return how rare a word is, from 0 (in every record) to 1 (in none)."""
        top = np.log(self.n_documents + 1.0)
        return float(np.log((self.n_documents + 1.0) / (self.document_frequency.get(word, 0) + 1.0)) / top) if top else 1.0

    def gram_rows(self, texts: Sequence[Text]) -> sparse.csr_matrix:
        """Return unit-length n-gram rows. Shape [n_texts, 2**16]."""
        rows = self._grams.transform([text.joined for text in texts]).multiply(self.gram_idf).tocsr()
        norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1))).ravel()
        return sparse.csr_matrix(sparse.diags_array(1 / np.maximum(norms, 1e-9)) @ rows, dtype=np.float32)


def _covered(words: frozenset[str], missing: Iterable[str], idf: Callable[[str], float]) -> float:
    total = sum(map(idf, words))
    return 1 - sum(map(idf, missing)) / total if total else 0.0


def soft_missing(source: Text, target: Text) -> frozenset[str]:
    """Return the words of `source` that `target` lacks even after joining its words and allowing for typing errors."""
    missing = []
    candidates = [word for word in target.word_set if len(word) >= _FUZZY_MIN_CHARS and not word[0].isdigit()]
    for word in source.word_set - target.word_set:
        if len(word) >= _JOINED_MIN_CHARS and word in target.squashed:
            continue
        fuzzy = len(word) >= _FUZZY_MIN_CHARS and not word[0].isdigit() and candidates
        if fuzzy and process.extractOne(word, candidates, scorer=fuzz.ratio, score_cutoff=_FUZZY_CUTOFF):
            continue
        missing.append(word)
    return frozenset(missing)


def _jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    union = len(left | right)
    return len(left & right) / union if union else MISSING


def compare_texts(left: Text, right: Text, idf: Callable[[str], float]) -> list[float]:
    """Compare two texts; the cosine is filled in for all pairs at once elsewhere."""
    if not left.words or not right.words:
        return [MISSING] * (len(_TEXT_FEATURES) - 3) + [float(len(left.words)), float(len(right.words)), MISSING]
    a, b = left.joined, right.joined
    hard_left, hard_right = left.word_set - right.word_set, right.word_set - left.word_set
    soft_left, soft_right = soft_missing(left, right), soft_missing(right, left)
    shared = sum(map(idf, left.word_set & right.word_set))
    everything = sum(map(idf, left.word_set | right.word_set))
    return [
        fuzz.ratio(a, b) / 100,
        fuzz.partial_ratio(a[:_PARTIAL_MAX_CHARS], b[:_PARTIAL_MAX_CHARS]) / 100,
        fuzz.token_sort_ratio(a, b) / 100,
        fuzz.token_set_ratio(a, b) / 100,
        JaroWinkler.similarity(a, b),
        _jaccard(left.word_set, right.word_set),
        shared / everything if everything else 0.0,
        _covered(left.word_set, hard_left, idf),
        _covered(right.word_set, hard_right, idf),
        max(map(idf, hard_left), default=0.0),
        max(map(idf, hard_right), default=0.0),
        _covered(left.word_set, soft_left, idf),
        _covered(right.word_set, soft_right, idf),
        max(map(idf, soft_left), default=0.0),
        max(map(idf, soft_right), default=0.0),
        sum(map(idf, soft_left)),
        sum(map(idf, soft_right)),
        _jaccard(left.numbers, right.numbers),
        float(len(left.numbers & soft_left)),
        float(len(right.numbers & soft_right)),
        sum(word in right.word_set for word in left.words[:3]) / min(3, len(left.words)),
        min(len(a), len(b)) / max(len(a), len(b)),
        float(len(left.words)),
        float(len(right.words)),
        MISSING,
    ]


def compare_numbers(left: Text, right: Text) -> list[float]:
    """Compare two amounts such as prices."""
    a, b = left.number, right.number
    if a is None or b is None:
        return [MISSING, MISSING, np.log1p(a) if a else MISSING, np.log1p(b) if b else MISSING]
    return [abs(float(np.log(a / b))), abs(a - b) / max(a, b), float(np.log1p(a)), float(np.log1p(b))]


def _common_prefix(left: str, right: str) -> int:
    length = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        length += 1
    return length


def compare_codes(left: Text, right: Text, idf: Callable[[str], float]) -> list[float]:
    """Compare the model and part numbers of two texts."""
    in_right = {code for code in left.codes if code in right.squashed}
    in_left = {code for code in right.codes if code in left.squashed}
    pairs = [(a, b) for a in left.codes for b in right.codes]
    ratio = max((fuzz.ratio(a, b) / 100 for a, b in pairs), default=MISSING)
    prefix = max((_common_prefix(a, b) / min(len(a), len(b)) for a, b in pairs), default=MISSING)
    contained = max((len(code) for code in in_right | in_left), default=0)
    return [
        float(len(left.codes & right.codes)),
        float(contained),
        ratio,
        prefix,
        float(len(left.codes)),
        float(len(right.codes)),
        float(bool(pairs) and not in_right and not in_left),
        max((len(code) for code in left.codes - in_right), default=0),
        max((len(code) for code in right.codes - in_left), default=0),
    ]


def _cross(left: Text, right: Text, idf: Callable[[str], float]) -> list[float]:
    if not left.words or not right.words:
        return [MISSING] * len(_CROSS_FEATURES)
    return [
        _covered(left.word_set, left.word_set - right.word_set, idf),
        _covered(right.word_set, right.word_set - left.word_set, idf),
        _covered(left.word_set, soft_missing(left, right), idf),
        _covered(right.word_set, soft_missing(right, left), idf),
    ]


def numeric_columns(records: Iterable[Record], columns: Iterable[str]) -> frozenset[str]:
    """Return the columns whose filled cells nearly all hold one number and nothing else, such as prices."""
    rows = list(records)
    numeric = set()
    for column in columns:
        filled = [value for row in rows if (value := row.get(column, ""))]
        numbers = sum(value.replace("$", "").replace(",", "").replace(".", "", 1).strip().isdigit() for value in filled)
        if filled and numbers >= _NUMERIC_FRACTION * len(filled):
            numeric.add(column)
    return frozenset(numeric)


@dataclass(frozen=True)
class PairFeatures:
    """Computes the features of pairs.

    Attributes:
        columns: Columns that are compared, sorted.
        numeric: Those of them that hold amounts.
        corpus: Rarity of words and n-grams.
    """

    columns: tuple[str, ...]
    numeric: frozenset[str]
    corpus: Corpus

    @classmethod
    def fit(cls, pairs: RecordPairs) -> PairFeatures:
        """Learn which columns there are and how rare words are."""
        records = [*pairs.left, *pairs.right]
        columns = tuple(sorted({name for record in records for name in record}))
        numeric = numeric_columns(records, columns)
        return cls(columns, numeric, Corpus.fit([Document.of(record, numeric=numeric).whole for record in records]))

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns that hold text."""
        return tuple(name for name in self.columns if name not in self.numeric)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each feature, in the order of the matrix."""
        names = [f"{column}.{name}" for column in (*self.text_columns, "*") for name in _TEXT_FEATURES]
        names += [f"{column}.{name}" for column in sorted(self.numeric) for name in _NUMBER_FEATURES]
        names += [f"*.code_{name}" for name in _CODE_FEATURES]
        return (*names, *(f"{column}.{name}" for column in self.text_columns for name in _CROSS_FEATURES))

    def documents(self, records: Sequence[Record]) -> list[Document]:
        """Cut up records."""
        return [Document.of(record, numeric=self.numeric) for record in records]

    def transform(self, pairs: RecordPairs) -> FloatMatrix:
        """Compute the features of every pair. Shape [n_pairs, len(names)]."""
        left, right = self.documents(pairs.left), self.documents(pairs.right)
        idf = lru_cache(maxsize=None)(self.corpus.idf)
        rows = [self._row(left[a], right[b], idf) for a, b in zip(pairs.left_num, pairs.right_num, strict=True)]
        matrix = np.asarray(rows, dtype=np.float32).reshape(len(pairs), len(self.names))
        for position, column in enumerate((*self.text_columns, "*")):
            matrix[:, (position + 1) * len(_TEXT_FEATURES) - 1] = self._cosines(left, right, pairs, column)
        return matrix

    def _row(self, left: Document, right: Document, idf: Callable[[str], float]) -> list[float]:
        row: list[float] = []
        for column in self.text_columns:
            row += compare_texts(left.columns.get(column, EMPTY), right.columns.get(column, EMPTY), idf)
        row += compare_texts(left.whole, right.whole, idf)
        for column in sorted(self.numeric):
            row += compare_numbers(left.columns.get(column, EMPTY), right.columns.get(column, EMPTY))
        row += compare_codes(left.whole, right.whole, idf)
        for column in self.text_columns:
            a, b = left.columns.get(column, EMPTY), right.columns.get(column, EMPTY)
            forward, backward = _cross(a, right.whole, idf), _cross(left.whole, b, idf)
            row += [forward[0], backward[1], forward[2], backward[3]]
        return row

    def _cosines(self, left: list[Document], right: list[Document], pairs: RecordPairs, column: str) -> NDArray[np.float32]:
        def rows(documents: list[Document]) -> sparse.csr_matrix:
            return self.corpus.gram_rows([doc.whole if column == "*" else doc.columns.get(column, EMPTY) for doc in documents])

        if not len(pairs):
            return np.empty(0, dtype=np.float32)
        a, b = rows(left).tocsr()[pairs.left_num], rows(right).tocsr()[pairs.right_num]
        return np.asarray(a.multiply(b).sum(axis=1), dtype=np.float32).ravel()
