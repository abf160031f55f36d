"""Decides whether two records of two feeds are the same item: trained on labelled pairs, in minutes, on a CPU.

Three ensembles. "Alone" judges a pair by its own features and by learned word weights. "First" adds its lead over rival pairs in those features,
"second" the first's scores of the rivals and the answers known from training. All scores that one model feeds into the next are out-of-fold, so
that training sees them as prediction will. Pairs of records that training knows are judged among their rivals, other pairs alone.

Source: stacked generalisation, Wolpert 1992, doi:10.1016/S0893-6080(05)80023-1; collective entity resolution, Bhattacharya and Getoor 2007,
doi:10.1145/1217299.1217304; extremely randomised trees, Geurts et al. 2006, doi:10.1007/s10994-006-6226-1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

from kg.errors import ArtifactError, InputError
from kg.models.array_file import Format, read_arrays, write_arrays
from kg.models.forest import Forest
from kg.resolve.items.features import Corpus, FloatMatrix, PairFeatures
from kg.resolve.items.pair_context import N_CONTEXT, PairEvidence, key_features, leads, rival_scores
from kg.resolve.items.records import Record, RecordPairs, join_pairs, parse_pairs, parse_record
from kg.resolve.items.words import WordTable, WordWeights, mean_weights, word_events

FORMAT = Format("reckon-item-matcher", 1, "train it again with `reckon resolve train`")

N_FOLDS = 5
"""Folds of the out-of-fold scores. Four fifths of the answers are then known, as when a fifth of all pairs is to be scored."""

_N_EXTRA_TREES = 200
_N_BOOSTED_TREES = 250
_N_THREADS = 2
_MIN_KNOWN_FRACTION = 0.5
"""Pairs are judged among rivals where training knows a record of at least this fraction of them."""

Forests = tuple[Forest, ...]


@dataclass(frozen=True)
class Quality:
    """How well a matcher did, out of fold, on the pairs it was trained on.

    Attributes:
        f1: F1 of the matches at the chosen threshold; slightly favourable, as the threshold was chosen on the same scores.
        precision: Correct fraction of the matches found.
        recall: Fraction of the true matches found.
        alone_f1: F1 of pairs judged alone, at their own threshold.
    """

    f1: float
    precision: float
    recall: float
    alone_f1: float


@dataclass(frozen=True)
class Memory:
    """Training pairs, kept because a new pair is judged beside those that share a record with it.

    Attributes:
        pairs: The pairs with their answers.
        keys: The features that are compared with rivals'. Shape [n_pairs, n_keys].
        score: Out-of-fold first-stage scores. Shape [n_pairs].
    """

    pairs: RecordPairs
    keys: FloatMatrix
    score: NDArray[np.float64]


def best_threshold(match: NDArray[np.int8], score: NDArray[np.float64]) -> float:
    """Return the threshold with the best F1, half-way between the scores it separates; ties go to the higher threshold."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    hits = np.cumsum(match[order])
    f1 = 2 * hits / (np.arange(1, len(match) + 1) + match.sum())
    cut_possible = np.append(ranked[:-1] > ranked[1:], True)
    last = int(np.argmax(np.where(cut_possible, f1, -1.0)))
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return float((ranked[last] + below) / 2)


def f1_score(match: NDArray[np.int8], predicted: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return F1, precision and recall of the matches; 0 where undefined."""
    hits = int((predicted & (match == 1)).sum())
    precision, recall = hits / max(1, int(predicted.sum())), hits / max(1, int(match.sum()))
    return (2 * precision * recall / (precision + recall) if hits else 0.0), precision, recall


def _fit_forests(x: FloatMatrix, match: NDArray[np.int8], seed: int) -> Forests:
    extra = ExtraTreesClassifier(_N_EXTRA_TREES, max_features=0.2, min_samples_leaf=2, random_state=seed)
    boosted = GradientBoostingClassifier(
        n_estimators=_N_BOOSTED_TREES, max_depth=5, learning_rate=0.06, subsample=0.7, max_features=0.12, random_state=seed
    )
    return Forest.extra_trees(extra.fit(x, match)), Forest.boosting(boosted.fit(x, match))


def _predict(forests: Sequence[Forest], x: FloatMatrix) -> NDArray[np.float64]:
    return np.mean([forest.predict(x) for forest in forests], axis=0) if len(x) else np.empty(0)


def _cross_fit(x: FloatMatrix, match: NDArray[np.int8], fold: NDArray[np.int64], seed: int) -> tuple[Forests, NDArray[np.float64]]:
    """Fit one ensemble per fold and score each fold with the one that has not seen it."""

    def fit(number: int) -> Forests:
        return _fit_forests(x[fold != number], match[fold != number], seed + number)

    # Growing a tree happens outside Python's global lock.
    with ThreadPoolExecutor(max_workers=min(N_FOLDS, _N_THREADS)) as pool:
        fitted = list(pool.map(fit, range(N_FOLDS)))
    score = np.zeros(len(match))
    for number, forests in enumerate(fitted):
        score[fold == number] = _predict(forests, x[fold == number])
    return tuple(forest for forests in fitted for forest in forests), score


def _labelled(frames: Sequence[tuple[str, pl.DataFrame]]) -> RecordPairs:
    for name, frame in frames:
        parse_pairs(frame, labelled=True, place=name)
    joined = pl.concat([frame.select("left", "right", pl.col("match").cast(pl.Int64)) for _, frame in frames])
    pairs = parse_pairs(joined, labelled=True, place="training pairs")
    assert pairs.match is not None  # noqa: S101 — parse_pairs was asked for labels
    counts = np.bincount(pairs.match, minlength=2)
    if counts.min() < N_FOLDS:
        raise InputError(
            f"the training pairs hold {counts[1]} matches and {counts[0]} non-matches", hint=f"give at least {N_FOLDS} of each; hundreds are better"
        )
    return pairs


@dataclass(frozen=True)
class ItemMatcher:
    """A trained matcher.

    Attributes:
        features: Computes the features of a pair.
        words: Learned word weights.
        alone: Forests over a pair's own features; the scores of several forests are averaged.
        first: Forests over these and the lead over rivals.
        second: Forests over these and the rivals' scores.
        memory: Training pairs.
        alone_threshold: A pair judged alone is a match at or above this.
        threshold: A pair judged among its rivals is a match at or above this score.
        quality: How well it did out of fold.
    """

    features: PairFeatures
    words: WordWeights
    alone: Forests
    first: Forests
    second: Forests
    memory: Memory
    alone_threshold: float
    threshold: float
    quality: Quality

    @classmethod
    def fit(cls, train: pl.DataFrame, valid: pl.DataFrame, *, seed: int = 0) -> ItemMatcher:
        """Train on labelled pairs; the same input and seed give the same matcher.

        Both frames are learned from; the threshold is chosen on out-of-fold scores of all of them, which is steadier than on `valid` alone.

        Args:
            train: One row per pair: `left`, `right`, `match`.
            valid: More of the same.
            seed: Seed of the folds and the trees.

        Raises:
            InputError: A frame is malformed, or there are fewer than five matches or non-matches.
        """
        pairs = _labelled((("train", train), ("valid", valid)))
        match = pairs.match
        assert match is not None  # noqa: S101 — see _labelled
        fold = np.zeros(len(pairs), dtype=np.int64)
        for number, (_, held_out) in enumerate(StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(match, match)):
            fold[held_out] = number
        features = PairFeatures.fit(pairs)
        x = features.transform(pairs)
        table = WordTable.of(word_events(pairs, features.documents(pairs.left), features.documents(pairs.right)))
        folds_words = [table.fit(fold != number, match) for number in range(N_FOLDS)]
        words = mean_weights(folds_words)
        word_score = np.zeros(len(pairs))
        for number, weights in enumerate(folds_words):
            rows = fold == number
            word_score[rows] = table.matrix[rows] @ np.array([weights.weight[event] for event in table.vocabulary]) + weights.bias
        keys = x[:, key_features(features.names)]
        x_alone = np.hstack([x, word_score[:, None]]).astype(np.float32)
        alone, alone_score = _cross_fit(x_alone, match, fold, seed + 2 * N_FOLDS)
        x_first = np.hstack([x_alone, leads(keys, pairs.left_num), leads(keys, pairs.right_num)]).astype(np.float32)
        first, score = _cross_fit(x_first, match, fold, seed)
        context = rival_scores(pairs, *_grams(features, pairs), PairEvidence(score, match, fold))
        second, final = _cross_fit(_second_input(x_first, score, context), match, fold, seed + N_FOLDS)
        threshold, alone_threshold = best_threshold(match, final), best_threshold(match, alone_score)
        quality = Quality(*f1_score(match, final >= threshold), f1_score(match, alone_score >= alone_threshold)[0])
        return cls(features, words, alone, first, second, Memory(pairs, keys, score), alone_threshold, threshold, quality)

    def score(self, pairs: pl.DataFrame, *, rivals: bool | None = None) -> pl.DataFrame:
        """Score pairs.

        Among rivals, a pair's score depends on the other pairs of the frame that share a record with it: score a whole candidate set at once.
        Alone, it depends on nothing else.

        Args:
            pairs: One row per pair: `left`, `right`; further columns are kept.
            rivals: Judge pairs among their rivals, or alone. None decides by whether training knows a record of at least half of the pairs, as it
                does when they are further candidates of the same feeds; rivals of unknown feeds are too unlike those of training.

        Returns:
            The same rows in the same order with `score` in [0, 1] and `match` 0 or 1 (which replace columns of these names).

        Raises:
            InputError: A row is malformed, or no column of the records is one the matcher was trained on.
        """
        parsed = parse_pairs(pairs, labelled=False)
        self._check_columns(parsed)
        x = self.features.transform(parsed)
        words = self.words.score(word_events(parsed, self.features.documents(parsed.left), self.features.documents(parsed.right)))
        x_alone = np.hstack([x, words[:, None]]).astype(np.float32)
        among = self._knows(parsed) if rivals is None else rivals
        probability = self._among_rivals(parsed, x_alone) if among else _predict(self.alone, x_alone)
        score = np.clip(probability, 0.0, 1.0)
        match = (score >= (self.threshold if among else self.alone_threshold)).astype(np.int64)
        return pairs.with_columns(pl.Series("score", score, dtype=pl.Float64), pl.Series("match", match, dtype=pl.Int64))

    def _knows(self, pairs: RecordPairs) -> bool:
        left = np.isin(pairs.left_keys, self.memory.pairs.left_keys)
        right = np.isin(pairs.right_keys, self.memory.pairs.right_keys)
        return bool(len(pairs)) and float(np.mean(left[pairs.left_num] | right[pairs.right_num])) >= _MIN_KNOWN_FRACTION

    def _check_columns(self, pairs: RecordPairs) -> None:
        for side, records in (("left", pairs.left), ("right", pairs.right)):
            names = {name for record in records for name in record}
            if names and not names & set(self.features.columns):
                raise InputError(
                    f"the {side} records have the columns {', '.join(sorted(names))}, none of which the matcher knows",
                    hint=f"it was trained on {', '.join(self.features.columns)}",
                )

    def _among_rivals(self, pairs: RecordPairs, x_alone: FloatMatrix) -> NDArray[np.float64]:
        n_known = len(self.memory.pairs)
        everything = join_pairs(self.memory.pairs, pairs)
        keys = np.vstack([self.memory.keys, x_alone[:, key_features(self.features.names)]])
        lead = [leads(keys, num)[n_known:] for num in (everything.left_num, everything.right_num)]
        x_first = np.hstack([x_alone, *lead]).astype(np.float32)
        score = _predict(self.first, x_first)
        assert self.memory.pairs.match is not None  # noqa: S101 — memory holds labelled pairs
        evidence = PairEvidence(
            np.concatenate([self.memory.score, score]),
            np.concatenate([self.memory.pairs.match, np.zeros(len(pairs), dtype=np.int8)]),
            np.repeat([0, 1], [n_known, len(pairs)]),
        )
        context = rival_scores(everything, *_grams(self.features, everything), evidence, start=n_known)
        return _predict(self.second, _second_input(x_first, score, context))

    def save(self, path: Path) -> None:
        """Write the matcher to one file, by write-then-rename."""
        known = self.memory.pairs
        assert known.match is not None  # noqa: S101 — memory holds labelled pairs
        meta = {
            "columns": self.features.columns,
            "numeric": sorted(self.features.numeric),
            "document_frequency": self.features.corpus.document_frequency,
            "n_documents": self.features.corpus.n_documents,
            "words": self.words.weight,
            "bias": self.words.bias,
            "left": known.left_keys,
            "right": known.right_keys,
            "threshold": self.threshold,
            "alone_threshold": self.alone_threshold,
            "quality": asdict(self.quality),
        }
        arrays: dict[str, NDArray[Any]] = {
            "gram_idf": self.features.corpus.gram_idf,
            "left_num": known.left_num,
            "right_num": known.right_num,
            "match": known.match,
            "keys": self.memory.keys,
            "score": self.memory.score,
        }
        for stage, forests in (("alone", self.alone), ("first", self.first), ("second", self.second)):
            for number, forest in enumerate(forests):
                arrays |= {f"{stage}.{number}.{name}": array for name, array in forest.arrays().items()}
        write_arrays(path, FORMAT, meta, arrays)

    @classmethod
    def load(cls, path: Path) -> ItemMatcher:
        """Read what `save` wrote; nothing in the file is executed.

        Raises:
            ArtifactError: The file is missing, corrupt or of another version.
        """
        meta, arrays = read_arrays(path, FORMAT)
        try:
            return cls._of(meta, arrays)
        except (KeyError, IndexError, TypeError, ValueError, InputError) as error:
            raise ArtifactError(f"{path} does not hold a matcher: {error!r}", hint="train it again with `reckon resolve train`") from error

    @classmethod
    def _of(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> ItemMatcher:
        corpus = Corpus(meta["document_frequency"], meta["n_documents"], arrays["gram_idf"])
        features = PairFeatures(tuple(meta["columns"]), frozenset(meta["numeric"]), corpus)
        left: list[Record] = [parse_record(text) for text in meta["left"]]
        right: list[Record] = [parse_record(text) for text in meta["right"]]
        known = RecordPairs(left, right, meta["left"], meta["right"], arrays["left_num"], arrays["right_num"], arrays["match"])
        memory = Memory(known, arrays["keys"], arrays["score"])
        n_alone = len(features.names) + 1
        n_first = n_alone + 2 * (len(key_features(features.names)) + 1)
        alone, first = _forests(arrays, "alone", n_alone), _forests(arrays, "first", n_first)
        second = _forests(arrays, "second", n_first + 1 + N_CONTEXT)
        words, quality = WordWeights(meta["words"], meta["bias"]), Quality(**meta["quality"])
        return cls(features, words, alone, first, second, memory, meta["alone_threshold"], meta["threshold"], quality)


def _forests(arrays: Mapping[str, NDArray[Any]], stage: str, n_features: int) -> Forests:
    forests = []
    for number in count():
        prefix = f"{stage}.{number}."
        own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        if not own:
            break
        forests.append(Forest.from_arrays(own, n_features=n_features))
    if not forests:
        raise KeyError(f"{stage}.0")
    return tuple(forests)


def _second_input(x_first: FloatMatrix, score: NDArray[np.float64], context: FloatMatrix) -> FloatMatrix:
    return np.hstack([x_first, score[:, None], context]).astype(np.float32)


def _grams(features: PairFeatures, pairs: RecordPairs) -> tuple[FloatMatrix, FloatMatrix]:
    left, right = (features.corpus.gram_rows([document.whole for document in features.documents(side)]) for side in (pairs.left, pairs.right))
    return left, right
