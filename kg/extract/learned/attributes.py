"""The attribute model: chains propose, the ranker decides.

    text → words → chains (one per attribute) + known values → candidates → ranker → the best value, if it is certain enough

Training: chains are fitted on folds of the gold lines and propose candidates for the lines they have not seen; the ranker learns from those; then the
chains are fitted on all lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.errors import ArtifactError
from kg.extract.learned.canonical import Canonical, is_canonical
from kg.extract.learned.data.gold import Example
from kg.extract.learned.ranking.candidates import FEATURES, Candidate, Habits, Reading, candidates
from kg.extract.learned.ranking.ranker import best_of
from kg.extract.learned.ranking.stacked_ranker import Proposals, Questions, StackedRanker
from kg.extract.learned.sequence.chain import Chain, ChainOptions
from kg.extract.learned.sequence.joint import Joint
from kg.extract.learned.sequence.labels import label
from kg.extract.learned.sequence.tagger import LABELS, Question, Tagger
from kg.extract.learned.value_statistics import ValueStatistics
from kg.extract.learned.words import Splitter
from kg.extract.learned.workers import fold_of, side_by_side

N_FOLDS = 5
_BATCH = 128
_LATE = 0.5
"""Share of the time after which chains are trained with fewer iterations."""

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Answer:
    """What answers a question.

    Attributes:
        value: The value; None where the text states none.
        confidence: Probability that it is right; of the best candidate where none was given.
        field: Key of the text it stands in; None for a value that is not written.
        start: First character.
        end: After the last character.
    """

    value: str | None
    confidence: float
    field: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class AttributeModel:
    """A trained model.

    Attributes:
        splitter: Cuts texts into words.
        canonical: What surfaces become; None where values are given as written.
        tagger: The chains and what the training values say.
        habits: How attributes are answered.
        ranker: Decides between candidates.
    """

    splitter: Splitter
    canonical: Canonical | None
    tagger: Tagger
    habits: Habits
    ranker: StackedRanker

    @classmethod
    def fit(
        cls, examples: Sequence[Example], *, minutes: float = 10.0, options: ChainOptions | None = None, report: Report | None = None
    ) -> AttributeModel:
        """Train on gold lines.

        Args:
            examples: Gold lines.
            minutes: Time to stay within; later chains get fewer iterations when it runs short.
            options: How chains are trained.
            report: Called with what was done, how much of it, and of how much.
        """
        options = options or ChainOptions(c1=0.05, c2=0.05, iterations=60)
        until = time.monotonic() + minutes * 60 * _LATE
        splitter = Splitter.learn(examples)
        folds = [fold_of(" ".join(text for _, text in example.fields).strip().lower(), N_FOLDS) for example in examples]
        fit_fold = partial(_fit_fold, examples, splitter, is_canonical(examples), folds, options, until)
        done: list[_Fitted] = []
        for fitted in side_by_side(fit_fold, [-1, *range(N_FOLDS)]):
            done.append(fitted)
            if report:
                report("chains", len(done), N_FOLDS + 1)
        questions = _joined([part.questions for part in done])
        if report:
            report("ranker", 0, 1)
        ranker = StackedRanker.fit(questions)
        if report:
            report("ranker", 1, 1)
        canonical, tagger, habits = next(part.whole for part in done if part.whole is not None)
        return cls(splitter, canonical, tagger, habits, ranker)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that it knows."""
        return self.tagger.evidence.attributes

    def usual(self, category: str) -> tuple[str, ...]:
        """Return the attributes that a category is usually asked for; all where the category is unknown."""
        result = sorted(name for known, name in self.habits.by_category if known == category)
        return tuple(result) or self.attributes

    def answer(self, examples: Iterable[Example]) -> list[dict[str, Answer]]:
        """Answer what each text is asked; attributes that the model does not know are answered with nothing."""
        rows, answers = list(examples), []
        for start in range(0, len(rows), _BATCH):
            answers += self._batch(rows[start : start + _BATCH])
        return answers

    def _batch(self, rows: Sequence[Example]) -> list[dict[str, Answer]]:
        attributes = [row.attributes or self.usual(row.category) for row in rows]
        questions = [Question(self.splitter.split(row.fields), row.category, names) for row, names in zip(rows, attributes, strict=True)]
        readings = _readings(self.tagger, questions, self.canonical)
        result = [
            (n, name, options)
            for n, (q, r) in enumerate(zip(questions, readings, strict=True))
            for name, options in _proposed(self.tagger, self.habits, q, r)
        ]
        proposals = _proposals([(n, options) for n, _, options in result])
        flat = [option for _, _, options in result for option in options]
        scores = self.ranker.scores(proposals)
        answers: list[dict[str, Answer]] = [{name: Answer(None, 0.0) for name in names} for names in attributes]
        for (n, name, _), place in zip(result, best_of(scores, proposals.sizes).tolist(), strict=True):
            if place >= 0:
                answers[n][name] = _answer(questions[n], flat[place], float(scores[place]), self.ranker.threshold)
        return answers

    def arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return header and arrays to store."""
        chains = self.tagger.chains
        names = sorted(chains)
        arrays: dict[str, NDArray[Any]] = dict(self.ranker.arrays())
        for number, name in enumerate(names):
            arrays |= chains[name].arrays(f"chain.{number}")
        joint = self.tagger.joint.chains
        for number, category in enumerate(sorted(joint)):
            arrays |= joint[category].arrays(f"joint.{number}")
        meta = {
            "canonical": None if self.canonical is None else self.canonical.to_json(),
            "stems": sorted(self.splitter.stems),
            "evidence": self.tagger.evidence.to_json(),
            "habits": self.habits.to_json(),
            "chains": [[name, chains[name].feature_names] for name in names],
            "joint": [[name, self.tagger.joint.always[name], joint[name].labels, joint[name].feature_names] for name in sorted(joint)],
            "features": list(FEATURES),
        }
        return meta, arrays

    @classmethod
    def from_arrays(cls, meta: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> AttributeModel:
        """Rebuild a stored model.

        Raises:
            ArtifactError: It is of another version of Reckon, or its parts do not fit together.
        """
        if meta["features"] != list(FEATURES):
            raise ArtifactError("the model was trained by another version of Reckon", hint="train it again with `reckon extract train`")
        evidence = ValueStatistics.from_json(meta["evidence"])
        chains = {
            str(name): Chain.from_arrays(arrays, f"chain.{number}", LABELS, [str(feature) for feature in features])
            for number, (name, features) in enumerate(meta["chains"])
        }
        joint = {
            str(category): Chain.from_arrays(arrays, f"joint.{number}", [str(label) for label in labels], [str(feature) for feature in features])
            for number, (category, _, labels, features) in enumerate(meta["joint"])
        }
        always = {str(category): tuple(map(str, names)) for category, names, _, _ in meta["joint"]}
        ranker = StackedRanker.from_arrays(arrays, n_features=len(FEATURES))
        canonical = None if meta["canonical"] is None else Canonical.from_json(meta["canonical"])
        splitter = Splitter([str(stem) for stem in meta["stems"]])
        return cls(splitter, canonical, Tagger(evidence, chains, Joint(joint, always)), Habits.from_json(meta["habits"]), ranker)


@dataclass(frozen=True)
class _Fitted:
    """What chains that are fitted without one fold propose for it; those fitted on everything (fold -1) are kept themselves and propose nothing."""

    whole: tuple[Canonical | None, Tagger, Habits] | None
    questions: Questions


def _fit_fold(
    examples: Sequence[Example], splitter: Splitter, forms: bool, folds: Sequence[int], options: ChainOptions, until: float, fold: int
) -> _Fitted:
    known = [example for example, own in zip(examples, folds, strict=True) if own != fold]
    canonical = Canonical.learn(known, splitter) if forms else None
    texts = [label(example, splitter, canonical) for example in known]
    tagger, habits = Tagger.fit(texts, options, until=until), Habits.learn(texts)
    held_out = [(number, example) for number, (example, own) in enumerate(zip(examples, folds, strict=True)) if own == fold]
    rows: list[tuple[int, tuple[str, ...], list[Candidate]]] = []
    for start in range(0, len(held_out), _BATCH):
        part = held_out[start : start + _BATCH]
        questions = [Question(splitter.split(example.fields), example.category, example.attributes) for _, example in part]
        for (number, example), question, reading in zip(part, questions, _readings(tagger, questions, canonical), strict=True):
            result = dict(_proposed(tagger, habits, question, reading))
            # What no chain knows is asked too: it counts as not found.
            rows += [(number, values, result.get(name, [])) for name, values in (example.gold or {}).items()]
    return _Fitted((canonical, tagger, habits) if fold < 0 else None, _questions(rows))


def _readings(tagger: Tagger, questions: Sequence[Question], canonical: Canonical | None) -> list[Reading]:
    readings = []
    for question, (alone, together) in zip(questions, tagger.marginals(questions), strict=True):
        n_texts, inside = tagger.evidence.rates(question.words)
        readings.append(Reading(question.words, question.category, alone, together, n_texts, inside, canonical=canonical))
    return readings


def _proposed(tagger: Tagger, habits: Habits, question: Question, reading: Reading) -> list[tuple[str, list[Candidate]]]:
    evidence = tagger.evidence
    return [
        (name, candidates(reading, name, evidence.number[name], question.matches(evidence, name), habits))
        for name in question.attributes
        if name in evidence.number
    ]


def _questions(rows: Sequence[tuple[int, tuple[str, ...], list[Candidate]]]) -> Questions:
    return Questions(
        _proposals([(number, options) for number, _, options in rows]),
        np.array([option.value in values for _, values, options in rows for option in options], dtype=bool),
        np.array([bool(values) for _, values, _ in rows], dtype=bool),
    )


def _proposals(candidates: Sequence[tuple[int, Sequence[Candidate]]]) -> Proposals:
    flat = [option for _, options in candidates for option in options]
    return Proposals(
        np.stack([option.features for option in flat]) if flat else np.zeros((0, len(FEATURES)), dtype=np.float32),
        np.array([option.first for option in flat], dtype=np.int64),
        np.array([option.last for option in flat], dtype=np.int64),
        np.array([len(options) for _, options in candidates], dtype=np.int64),
        np.array([number for number, _ in candidates], dtype=np.int64),
    )


def _joined(parts: Sequence[Questions]) -> Questions:
    proposals = [part.proposals for part in parts]
    columns = (np.concatenate([getattr(one, field.name) for one in proposals]) for field in fields(Proposals))
    return Questions(Proposals(*columns), np.concatenate([part.right for part in parts]), np.concatenate([part.stated for part in parts]))


def _answer(question: Question, option: Candidate, score: float, threshold: float) -> Answer:
    if score <= threshold:
        return Answer(None, score)
    words = question.words
    return Answer(option.value, score, words.keys[words.field[option.first]], words.start[option.first], words.end[option.last])
