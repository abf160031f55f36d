"""Entities in text that is written without blanks: one chain over characters, which knows the segmenter's words and the training entities.

Labels are begin, inside, end and single per type, and O. An entity is given where the probability of all its labels is high enough.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.extract.languages import chinese_words
from kg.extract.learned.chinese.character_spans import FEATURES, Affixes, Proposed, span_features
from kg.extract.learned.data.gold import Tagged, entities
from kg.extract.learned.data.scorer import Score
from kg.extract.learned.ranking.ranker import Ranker
from kg.extract.learned.sequence.chain import Chain, ChainOptions
from kg.extract.learned.workers import fold_of, side_by_side

N_FOLDS = 3
MAX_CHARS = 1_000
"""Characters of a text that are read; the rest is tagged O."""
_LONGEST = 14
_CONTEXT = 3
_BATCH = 256
_FLOOR = 0.02


@dataclass(frozen=True)
class Names:
    """Entities of training texts: characters → type → texts that have it, and how many texts hold the characters at all."""

    counts: Mapping[str, Mapping[str, int]]
    present: Mapping[str, int]

    @classmethod
    def learn(cls, texts: Sequence[Tagged]) -> Names:
        """Count over training texts."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for text in texts:
            for surface, name in _own(text):
                counts[surface][name] += 1
        present: Counter[str] = Counter()
        known = set(counts)
        for text in texts:
            present.update({surface for _, _, surface in _places(_lowered(text.chars), known)})
        return cls({surface: dict(result) for surface, result in counts.items()}, dict(present))

    def features(self, chars: Sequence[str], own: Tagged | None) -> list[list[str]]:
        """Return, per character, the known entities that cover it; a training text's own are left out."""
        lowered = _lowered(chars)
        mine = Counter(_own(own)) if own is not None else Counter()
        out: list[list[str]] = [[] for _ in chars]
        result: list[tuple[int, int, str, int, float]] = []
        for start, end, surface in _places(lowered, self.counts):
            for name, count in self.counts[surface].items():
                left = count - (1 if mine[surface, name] else 0)
                if left > 0:
                    result.append((start, end, name, left, left / max(left, self.present.get(surface, left) - (own is not None))))
        longest: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for start, end, name, count, trust in sorted(result, key=lambda f: (f[0] - f[1], f[0])):
            top = all(end <= other[0] or other[1] <= start for other in longest[name])
            if top:
                longest[name].append((start, end))
            seen, sure = min(3, int(np.log2(count + 1))), sum(trust >= edge for edge in (0.3, 0.6, 0.85))
            for t in range(start, end):
                place = "S" if end - start == 1 else "B" if t == start else "E" if t == end - 1 else "I"
                kind = f"{'g' if top else 'h'}{name}{place}"
                out[t] += [kind, f"{kind}{seen}{sure}", f"{kind}l{min(end - start, 6)}"] if top else [kind]
            if top and start:
                out[start - 1].append(f"g{name}next")
            if top and end < len(chars):
                out[end].append(f"g{name}past")
        return out

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` needs."""
        return {"counts": {surface: dict(result) for surface, result in sorted(self.counts.items())}, "present": dict(sorted(self.present.items()))}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Names:
        """Rebuild from `to_json`."""
        counts = {str(surface): {str(name): int(n) for name, n in result.items()} for surface, result in stored["counts"].items()}
        return cls(counts, {str(surface): int(n) for surface, n in stored["present"].items()})


@dataclass(frozen=True)
class CharacterModel:
    """A trained model.

    Attributes:
        names: Entities of the training texts.
        affixes: How they begin and end.
        chain: Proposes spans.
        ranker: Decides which are entities.
    """

    names: Names
    affixes: Affixes
    chain: Chain
    ranker: Ranker

    @classmethod
    def fit(
        cls, texts: Sequence[Tagged], *, options: ChainOptions | None = None, report: Callable[[str, int, int], None] | None = None
    ) -> CharacterModel:
        """Train on tagged texts: chains propose spans for texts that they have not seen, and trees learn which are entities."""
        options = options or ChainOptions(c1=0.05, c2=0.05, iterations=70)
        folds = [fold_of("".join(text.chars), N_FOLDS) for text in texts]
        labels = sorted({tag for text in texts for tag in text.tags or ()} | {"O"})
        fit_fold = partial(_fit_fold, texts, folds, labels, options)
        fitted: list[_Fitted] = []
        for done in side_by_side(fit_fold, [-1, *range(N_FOLDS)]):
            fitted.append(done)
            if report:
                report("chains", len(fitted), N_FOLDS + 1)
        return cls(fitted[0].names, fitted[0].affixes, fitted[0].chain, _ranker(texts, folds, fitted[1:]))

    def tag(self, texts: Iterable[Tagged]) -> list[tuple[list[str], list[Proposed]]]:
        """Return, per text, one tag a character, and the entities (start, end, type, probability)."""
        rows, answers = list(texts), []
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            spans = _spans(self.names, self.chain, part)
            features = np.concatenate([_known(text, result, self.names, self.affixes) for text, result in zip(part, spans, strict=True)])
            scores = self.ranker.scores(features) if len(features) else np.zeros(0)
            ends = np.cumsum([len(result) for result in spans]).tolist()
            for text, result, end in zip(part, spans, ends, strict=True):
                likely = scores[end - len(result) : end].tolist()
                given = chosen([(*span[:3], score) for span, score in zip(result, likely, strict=True)], self.ranker.threshold)
                answers.append((_tags(len(text.chars), given), given))
        return answers

    @property
    def f1(self) -> float:
        """F1 over the training texts, out of fold."""
        return self.ranker.f1

    def arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return header and arrays to store."""
        meta = {"names": self.names.to_json(), "affixes": self.affixes.to_json(), "labels": list(self.chain.labels)}
        return {**meta, "features": self.chain.feature_names}, self.chain.arrays("characters") | self.ranker.arrays()

    @classmethod
    def from_arrays(cls, meta: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> CharacterModel:
        """Rebuild a stored model.

        Raises:
            ArtifactError: Its parts do not fit together.
        """
        chain = Chain.from_arrays(arrays, "characters", [str(x) for x in meta["labels"]], [str(x) for x in meta["features"]])
        ranker = Ranker.from_arrays(arrays, n_features=len(FEATURES))
        return cls(Names.from_json(meta["names"]), Affixes.from_json(meta["affixes"]), chain, ranker)


@dataclass(frozen=True)
class _Fitted:
    """What was fitted without one fold, and what it proposes there: text → spans; fold -1 is fitted on everything and proposes nothing."""

    names: Names
    affixes: Affixes
    chain: Chain
    held_out: Mapping[int, list[Proposed]]


def _ranker(texts: Sequence[Tagged], folds: Sequence[int], fitted: Sequence[_Fitted]) -> Ranker:
    order = [number for part in fitted for number in part.held_out]
    spans = {number: result for part in fitted for number, result in part.held_out.items()}
    features = [_known(texts[n], spans[n], fitted[folds[n]].names, fitted[folds[n]].affixes) for n in order]
    gold = [entities(texts[n].tags or ()) for n in order]
    right = np.array([span[:3] in wanted for n, wanted in zip(order, gold, strict=True) for span in spans[n]], dtype=bool)
    owners = np.array([n for n in order for _ in spans[n]], dtype=np.int64)
    ends = np.cumsum([len(spans[n]) for n in order])

    def measure(scores: NDArray[np.float64], threshold: float) -> float:
        total = Score(0, 0, 0)
        for n, wanted, end in zip(order, gold, ends.tolist(), strict=True):
            here = scores[end - len(spans[n]) : end].tolist()
            given = {span[:3] for span in chosen([(*span[:3], score) for span, score in zip(spans[n], here, strict=True)], threshold)}
            total += Score(len(given & wanted), len(given), len(wanted))
        return total.f1

    ranker, _ = Ranker.fit_by(np.concatenate(features) if features else np.zeros((0, len(FEATURES)), np.float32), right, owners % 4, measure)
    return ranker


def _known(text: Tagged, spans: Sequence[Proposed], names: Names, affixes: Affixes) -> NDArray[np.float32]:
    chars = text.chars[:MAX_CHARS]
    words = _segments(chars)
    starts = [t for t, word in enumerate(words) if word.place in "BS"]
    return span_features(chars, spans, [*starts, len(chars)], names.counts, names.present, affixes)


def chosen(spans: Sequence[Proposed], threshold: float) -> list[Proposed]:
    """Return the spans that are likely enough, of those that overlap the likeliest, from left to right."""
    taken: list[Proposed] = []
    for span in sorted(spans, key=lambda s: (-s[3], s[0] - s[1], s[0])):
        if span[3] >= threshold and all(span[1] <= other[0] or other[1] <= span[0] for other in taken):
            taken.append(span)
    return sorted(taken)


def _fit_fold(texts: Sequence[Tagged], folds: Sequence[int], labels: Sequence[str], options: ChainOptions, fold: int) -> _Fitted:
    known = [text for text, own in zip(texts, folds, strict=True) if own != fold]
    names, affixes = Names.learn(known), Affixes.learn(known)
    rows = [(features, list(text.tags or ())[: len(features)]) for text in known if (features := character_features(text.chars, names, text))]
    chain = Chain.train(rows, labels, options)
    held_out = [(number, text) for number, (text, own) in enumerate(zip(texts, folds, strict=True)) if own == fold]
    spans: dict[int, list[Proposed]] = {}
    for start in range(0, len(held_out), _BATCH):
        part = held_out[start : start + _BATCH]
        for (number, _), result in zip(part, _spans(names, chain, [text for _, text in part]), strict=True):
            spans[number] = result
    return _Fitted(names, affixes, chain, spans)


def _spans(names: Names, chain: Chain, texts: Sequence[Tagged]) -> list[list[Proposed]]:
    features = [character_features(text.chars, names, None) for text in texts]
    marginals = (
        chain.marginals([len(rows) for rows in features], chain.scores([row for rows in features for row in rows]))
        if any(features)
        else [np.zeros((0, len(chain.labels)))] * len(texts)
    )
    return [_likely(p, chain.labels) for p in marginals]


def _likely(p: NDArray[np.float64], labels: Sequence[str]) -> list[Proposed]:
    """Return the spans whose labels are all likely, with the probability of the least likely one."""
    column = {label: number for number, label in enumerate(labels)}
    result: list[Proposed] = []
    for name in sorted({label[2:] for label in labels if label != "O"}):
        begin, inside, end, single = (p[:, column[f"{head}-{name}"]] if f"{head}-{name}" in column else np.zeros(len(p)) for head in "BIES")
        result += [(int(t), int(t) + 1, name, float(single[t])) for t in np.flatnonzero(single > _FLOOR)]
        for t in np.flatnonzero(begin > _FLOOR).tolist():
            low = float(begin[t])
            for last in range(t + 1, min(len(p), t + _LONGEST)):
                value = min(low, float(end[last]))
                if value > _FLOOR:
                    result.append((t, last + 1, name, value))
                low = min(low, float(inside[last]))
                if low <= _FLOOR:
                    break
    return result


def _tags(n: int, spans: Iterable[Proposed]) -> list[str]:
    tags = ["O"] * n
    for start, end, name, _ in spans:
        tags[start:end] = [f"S-{name}"] if end - start == 1 else [f"B-{name}", *[f"I-{name}"] * (end - start - 2), f"E-{name}"]
    return tags


def character_features(chars: Sequence[str], names: Names, own: Tagged | None) -> list[list[str]]:
    """Return the features of the first `MAX_CHARS` characters."""
    chars = list(chars[:MAX_CHARS])
    lowered, n = _lowered(chars), len(chars)
    kinds = [_kind(char) for char in lowered]
    words = _segments(chars)
    known = names.features(chars, own)
    out: list[list[str]] = []
    for t in range(n):
        around = [lowered[t + d] if 0 <= t + d < n else "^" for d in range(-_CONTEXT, _CONTEXT + 1)]
        b2, b1, here, a1, a2 = around[1:6]
        number, place, before, word, after = words[t].number, words[t].place, words[t].before, words[t].here, words[t].after
        tag_before, tag, tag_after = words[t].tags
        row = [f"{d - _CONTEXT}={char}" for d, char in enumerate(around)]
        row += [
            f"b1={b1}{here}",
            f"a1={here}{a1}",
            f"ba={b1}|{a1}",
            f"b2={b2}{b1}",
            f"a2={a1}{a2}",
            f"t1={b1}{here}{a1}",
            f"tb={b2}{b1}{here}",
            f"ta={here}{a1}{a2}",
        ]
        row += [
            f"k={''.join(kinds[max(0, t - 1) : t + 2])}",
            f"w={word}",
            f"w{place}={word}",
            f"wp={place}{len(word)}",
            f"w-={before}",
            f"w+={after}",
            f"w-w={before}|{word}",
            f"ww+={word}|{after}",
        ]
        row += [f"o={tag}{place}", f"o-={tag_before}|{tag}", f"o+={tag}|{tag_after}", f"oo={tag_before}|{tag}|{tag_after}"]
        row += [f"at={min(t, 5)}", f"left={min(n - 1 - t, 3)}", f"wn={min(number, 3)}", f"we={word[-1:]}{place}", f"wb={word[:1]}{place}"]
        out.append(row + known[t])
    return out


@dataclass(frozen=True, slots=True)
class _Word:
    """Where a character stands: its word's number, its place in it, the words before, here and after, and their parts of speech."""

    number: int
    place: str
    before: str
    here: str
    after: str
    tags: tuple[str, str, str]


def _segments(chars: Sequence[str]) -> list[_Word]:
    """Return the word of each character, as the segmenter sees it."""
    text = "".join(chars)
    words = chinese_words(text) if text else []
    if len(text) != len(chars) or sum(len(word) for word, _ in words) != len(text):
        words = [(char, "x") for char in chars]
    edge = ("^", "^")
    out: list[_Word] = []
    for number, (word, tag) in enumerate(words):
        before, after = words[number - 1] if number else edge, words[number + 1] if number + 1 < len(words) else edge
        last = len(word) - 1
        for t in range(len(word)):
            place = "S" if not last else "B" if t == 0 else "E" if t == last else "I"
            out.append(_Word(number, place, before[0].lower(), word.lower(), after[0].lower(), (before[1], tag, after[1])))
    return out


def _kind(char: str) -> str:
    return "d" if char.isdigit() else "l" if char.isascii() and char.isalpha() else "z" if char.isalpha() else "_" if char.isspace() else "p"


def _lowered(chars: Sequence[str]) -> list[str]:
    return [char.lower() if len(char.lower()) == len(char) else char for char in chars]


def _own(text: Tagged) -> set[tuple[str, str]]:
    lowered = _lowered(text.chars)
    return {("".join(lowered[start:end]), name) for start, end, name in entities(text.tags or ())}


def _places(lowered: Sequence[str], known: Mapping[str, Any] | set[str]) -> list[tuple[int, int, str]]:
    text = "".join(lowered)
    return [
        (t, t + n, text[t : t + n]) for t in range(len(lowered)) for n in range(1, min(_LONGEST, len(lowered) - t) + 1) if text[t : t + n] in known
    ]
