"""What is known of a span that the character chain proposes: the input of the trees that decide."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.extract.learned.data.gold import Tagged, entities

Proposed = tuple[int, int, str, float]
"""(start, end, type, probability of its least likely label)."""

FEATURES = (
    *("p", "same_rival", "other_rival", "length", "type", "start", "end_left", "n_chars", "digits", "latin"),
    *("count", "trust", "other_count", "suffix1", "suffix2", "prefix1", "prefix2", "times", "times_likely"),
    *("begins_word", "ends_word", "words", "before_blank", "after_blank", "holds_likely", "held_by", "likely_here", "mean_p"),
)


@dataclass(frozen=True)
class Affixes:
    """How often the first and last characters of entities begin and end one, of the places where they stand.

    Attributes:
        heads: (type, characters) → entities that begin so.
        tails: (type, characters) → entities that end so.
        seen: Characters → places in training texts.
    """

    heads: Mapping[str, int]
    tails: Mapping[str, int]
    seen: Mapping[str, int]

    @classmethod
    def learn(cls, texts: Sequence[Tagged]) -> Affixes:
        """Count over training texts."""
        heads: Counter[str] = Counter()
        tails: Counter[str] = Counter()
        seen: Counter[str] = Counter()
        for text in texts:
            whole = "".join(text.chars).lower()
            seen.update(whole)
            seen.update(whole[t : t + 2] for t in range(len(whole) - 1))
            for start, end, name in entities(text.tags or ()):
                surface = whole[start:end]
                for n in (1, 2):
                    heads[f"{name} {surface[:n]}"] += 1
                    tails[f"{name} {surface[-n:]}"] += 1
        return cls(dict(heads), dict(tails), dict(seen))

    def rates(self, name: str, surface: str) -> list[float]:
        """Return how often the last one and two and the first one and two characters end and begin an entity of a type."""
        pairs = [(self.tails, surface[-1:]), (self.tails, surface[-2:]), (self.heads, surface[:1]), (self.heads, surface[:2])]
        return [table.get(f"{name} {part}", 0) / (self.seen.get(part, 0) + 2.0) for table, part in pairs]

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` needs."""
        return {"heads": dict(self.heads), "tails": dict(self.tails), "seen": dict(self.seen)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Affixes:
        """Rebuild from `to_json`."""
        return cls(*({str(key): int(n) for key, n in stored[name].items()} for name in ("heads", "tails", "seen")))


def span_features(
    chars: Sequence[str],
    proposed: Sequence[Proposed],
    word_starts: Sequence[int],
    counts: Mapping[str, Mapping[str, int]],
    present: Mapping[str, int],
    affixes: Affixes,
) -> NDArray[np.float32]:
    """Return what is known of each proposed span of one text.

    Args:
        chars: The text.
        proposed: Its spans.
        word_starts: Characters at which the segmenter begins a word, and the end of the text.
        counts: Known entities: characters → type → texts.
        present: Known entities: characters → texts that hold them.
        affixes: How entities begin and end.

    Shapes:
        → [n spans, len(FEATURES)].
    """
    if not proposed:
        return np.zeros((0, len(FEATURES)), dtype=np.float32)
    text = "".join(char.lower() if len(char.lower()) == len(char) else char for char in chars)
    starts = set(word_starts)
    names = sorted({span[2] for span in proposed})
    places: dict[tuple[str, str], int] = Counter((text[start:end], name) for start, end, name, p in proposed if p > 0.3)
    overlapping = _overlaps(proposed)
    likely = sum(p > 0.5 for *_, p in proposed)
    rows = []
    for number, (start, end, name, p) in enumerate(proposed):
        surface = text[start:end]
        rivals = [proposed[other] for other in overlapping[number]]
        same = max((q for _, _, kind, q in rivals if kind == name), default=0.0)
        other = max((q for _, _, kind, q in rivals if kind != name), default=0.0)
        own = counts.get(surface, {})
        count = own.get(name, 0)
        size = end - start
        inside = [q for s, e, _, q in rivals if start <= s and e <= end and q > 0.3]
        around = [q for s, e, _, q in rivals if s <= start and end <= e and q > 0.3]
        letters = sum(char.isascii() and char.isalpha() for char in surface)
        rows.append(
            [
                *(p, same, other, size, float(names.index(name)) if name not in ("HC", "HP") else float(name == "HP")),
                *(start, len(text) - end, len(text), sum(map(str.isdigit, surface)) / size, letters / size),
                *(np.log1p(count), count / max(present.get(surface, 0), count, 1), np.log1p(sum(own.values()) - count)),
                *affixes.rates(name, surface),
                *(text.count(surface), places.get((surface, name), 0), start in starts, end in starts),
                sum(start <= at < end for at in starts),
                *(start == 0 or not text[start - 1].isalnum(), end == len(text) or not text[end].isalnum()),
                *(max(inside, default=0.0), max(around, default=0.0), likely, sum(q for *_, q in rivals) / max(1, len(rivals))),
            ]
        )
    return np.asarray(rows, dtype=np.float32)


def _overlaps(proposed: Sequence[Proposed]) -> list[list[int]]:
    result: defaultdict[int, list[int]] = defaultdict(list)
    for number, (start, end, *_) in enumerate(proposed):
        for other in range(number + 1, len(proposed)):
            if proposed[other][0] < end and start < proposed[other][1]:
                result[number].append(other)
                result[other].append(number)
    return [result[number] for number in range(len(proposed))]
