"""Features of words for the sequence models, as short strings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kg.extract.learned.value_statistics import Labelled, Match, ValueStatistics
from kg.extract.learned.words import Words, shape

CONTEXT = 3
_RATE_EDGES = (0.02, 0.15, 0.4, 0.7, 0.9)
_OFTEN = 4


def _context_form(word: str) -> str:
    """Numbers of one shape are one word to their neighbours."""
    return shape(word) if any(char.isdigit() for char in word) else word


def base_features(words: Words, category: str) -> list[list[str]]:
    """Return the features of every word that do not depend on the attribute asked for."""
    n = len(words)
    shapes = [shape(word) for word in words.words]
    forms = [_context_form(word) for word in words.lower]
    out: list[list[str]] = []
    for t in range(n):
        number = words.field[t]
        word, form = words.lower[t], forms[t]
        here = [
            f"w={word}",
            f"s={shapes[t]}",
            f"p2={word[:2]}",
            f"p3={word[:3]}",
            f"e2={word[-2:]}",
            f"e3={word[-3:]}",
            f"e4={word[-4:]}",
            f"f={number}",
        ]
        around = {
            offset: forms[t + offset] if 0 <= t + offset < n and words.field[t + offset] == number else "^" for offset in range(-CONTEXT, CONTEXT + 1)
        }
        here += [f"{offset}={text}" for offset, text in around.items() if offset]
        before, after = around[-1], around[1]
        here += [f"-1,0={before}|{form}", f"0,1={form}|{after}", f"-2,-1={around[-2]}|{before}", f"1,2={after}|{around[2]}"]
        here += [f"-s={shapes[t - 1] if before != '^' else '^'}", f"+s={shapes[t + 1] if after != '^' else '^'}"]
        here.append(f"ss={shapes[t - 1] if before != '^' else '^'}|{shapes[t]}|{shapes[t + 1] if after != '^' else '^'}")
        place = t if t < 4 else 4 + min(4, 5 * t // n)
        here += [f"at={place}", f"left={min(n - t, 4)}"]
        here += [f"{category}|{part}" for part in (f"w={form}", f"-1={before}", f"1={after}", f"s={shapes[t]}", f"at={place}", f"e3={word[-3:]}")]
        here.append(f"glue={int(t > 0 and words.end[t - 1] == words.start[t])}{int(t + 1 < n and words.start[t + 1] == words.end[t])}")
        out.append(here)
    return out


BUCKETS = ("^", "?", *(f"{level}{often}" for often in ("", "+") for level in range(len(_RATE_EDGES) + 1)))
"""How often a word is part of a value: no word, never asked for, and the share of the texts asked, with "+" where they are many."""


def buckets(n_texts: NDArray[np.float32], inside: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the place of each word in `BUCKETS`. Shapes: [n_words] twice → [n_words]."""
    share = inside.astype(np.float64) / np.maximum(n_texts, 1.0)
    level = np.searchsorted(_RATE_EDGES, share, side="right")
    return np.where(n_texts < 1, 1, 2 + level + np.where(n_texts >= _OFTEN, len(_RATE_EDGES) + 1, 0)).astype(np.int64)


def rate_names(before: str, here: str, after: str) -> list[str]:
    """Return the features that the buckets of a word and its neighbours make."""
    return [f"r0={here}", f"r-={before}", f"r+={after}", f"rr={before}|{here}"]


def dominant_features(evidence: ValueStatistics, n_texts: NDArray[np.float32], inside: NDArray[np.float32]) -> list[list[str]]:
    """Return, per word, the attribute that training values use it for most, and the neighbours' ones."""
    rate = inside / (n_texts + 1.0)
    best = rate.argmax(axis=1) if len(rate) else np.zeros(0, dtype=np.int64)
    top = [evidence.attributes[b] if rate[t, b] > 0.25 else "-" for t, b in enumerate(best)]
    n = len(top)
    return [
        [f"d{offset}={top[t + offset]}" for offset in (-2, -1, 0, 1, 2) if 0 <= t + offset < n]
        + [f"d01={top[t]}|{top[t + 1] if t + 1 < n else '^'}", f"d10={top[t - 1] if t else '^'}|{top[t]}"]
        for t in range(n)
    ]


def longest(matches: Sequence[Match]) -> list[Match]:
    """Return the matches that no longer one overlaps, from left to right."""
    taken: set[int] = set()
    kept: list[Match] = []
    for match in sorted(matches, key=lambda m: (m.first - m.last, -m.count, m.first)):
        places = set(range(match.first, match.last + 1))
        if not places & taken:
            taken |= places
            kept.append(match)
    return sorted(kept, key=lambda m: m.first)


def _seen(count: int) -> int:
    return 0 if count == 0 else 1 if count == 1 else 2 if count <= 3 else 3


def gazetteer_features(words: Words, matches: Sequence[Match], n_texts: NDArray[np.float32], inside: NDArray[np.float32]) -> list[list[str]]:
    """Return the features of every word that depend on the attribute: known values that cover it, and how often the word is part of one.

    Args:
        words: The text.
        matches: Known values in it.
        n_texts: Texts asked for the attribute that hold each word. Shape [n_words].
        inside: Those of them where it is part of a value. Shape [n_words].
    """
    named = ["^", *(BUCKETS[number] for number in buckets(n_texts, inside)), "^"]
    out = [rate_names(*named[t : t + 3]) for t in range(len(words))]
    if not matches:
        return [[*here, NO_MATCH] for here in out]
    for t, feature in match_features(len(words), matches):
        out[t].append(feature)
    return out


NO_MATCH = "gn"
"""Feature of every word of a text in which no known value stands."""


def match_features(n: int, matches: Sequence[Match]) -> list[tuple[int, str]]:
    """Return (word, feature) of what known values of the attribute make in a text of `n` words."""
    out: list[tuple[int, str]] = []
    for match in longest(matches):
        trust = sum(match.count / match.present >= edge for edge in (0.3, 0.6, 0.85))
        seen, here = _seen(match.count), _seen(match.here)
        for t in range(match.first, match.last + 1):
            place = "S" if match.first == match.last else "B" if t == match.first else "E" if t == match.last else "I"
            made = (f"g={place}", f"g={place}{seen}", f"g={place}h{here}", f"g={place}t{trust}", f"gt={seen}{trust}")
            out += [(t, feature) for feature in made]
        if match.first:
            out.append((match.first - 1, "g=next"))
        if match.last + 1 < n:
            out.append((match.last + 1, "g=past"))
    return out


def attribute_free(
    words: Words, category: str, evidence: ValueStatistics, own: Labelled | None
) -> tuple[list[list[str]], NDArray[np.float32], NDArray[np.float32]]:
    """Return the features that all attributes share, and the word rates they are made with."""
    n_texts, inside = evidence.rates(words, own)
    base = base_features(words, category)
    return [one + other for one, other in zip(base, dominant_features(evidence, n_texts, inside), strict=True)], n_texts, inside
