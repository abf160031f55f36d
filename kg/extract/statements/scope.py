"""What a word is under: a negation, an absence ("-free", 不含), an imitation ("faux", 仿), or a sentence about other goods.

The cues are data (`patterns/scope_<language>.jsonl`): `kind`, `side` (before the words it rules, after them, or the whole sentence), `reach` in
words (Chinese: in characters) and the cue's `words`. A language without such a file has no scopes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from kg.extract.lexicon import alternation, has_lines, read_lines

DENIED, ABSENT, IMITATED, ELSEWHERE, CARED = "denied", "absent", "imitated", "elsewhere", "cared"

_WORD = re.compile(r"[\w%]+(?:['.&][\w]+)*|[^\w\s]")
_JOINERS = frozenset({",", "and", "or", "nor", "&", "/", "-", "any", "of", "the", "a", "an"})
_STOPS = frozenset(".;:!?()[]|•–—") | {"but", "however", "though", "although", "yet", "with", "that", "which", "just", "only"}
_SENTENCE = re.compile(r"(?<=[.!?])\s+|[;\n•|。！？；]")
_CLAUSE_END = re.compile(r"[，,。；;！!？?\s（）()]|但|而且|只")
_TITLE_END = re.compile(r"[,;()\[\]|]|\s[-–—]\s")
# "No. 5", "No 7", "not only soft": the word negates nothing there. "Free standing" and "free shipping" take nothing away.
_NO_CUE = re.compile(r"[\s-]*(?:only|just|your|more|[.#]?\s*\d)\b", re.IGNORECASE)
_NOT_ABSENT = re.compile(
    r"[\s-]+(?:shipping|delivery|gift|gifts|sample|samples|standing|range|style|spirit|trial|bonus|returns?|size|flow|hand|fall|form|of|from|with|"
    r"travel|bag|shoe|&)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """A stretch of text that a cue rules.

    Attributes:
        kind: "denied", "absent", "imitated", "elsewhere" or "cared".
        start: First character ruled.
        end: After the last character ruled.
        cue_start: First character of the cue.
        cue_end: After the cue.
        exact: Only a mention that ends where the stretch ends is ruled: 真皮质感 is an imitation, 真皮黑色 is leather.
    """

    kind: str
    start: int
    end: int
    cue_start: int
    cue_end: int
    exact: bool = False

    def holds(self, start: int, end: int) -> bool:
        """Say whether a mention lies within; one that brings the cue along ("faux leather") is a value of its own."""
        return self.start <= start and (end == self.end if self.exact else end <= self.end)


def sentence_at(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the (start, end) of the sentence around a mention.

    >>> text = "Made of oak. Not for kids."
    >>> text[slice(*sentence_at(text, 13, 16))]
    'Not for kids.'
    """
    left = 0
    for match in _SENTENCE.finditer(text, 0, start):
        left = match.end()
    result = _SENTENCE.search(text, end)
    return left, result.start() if result else len(text)


@lru_cache(maxsize=16_384)
def scopes(text: str, language: str, *, title: bool) -> tuple[Scope, ...]:
    """Return all stretches of a text that a cue rules.

    Args:
        text: Title or description.
        language: ISO 639-1 code.
        title: A title has no sentences: what a cue of another item's rules ends with its comma or dash.

    >>> [(scope.kind, "a belt without leather"[scope.start : scope.end]) for scope in scopes("a belt without leather", "en", title=True)]
    [('absent', 'leather')]
    """
    result = _cues(language)
    if result is None:
        return ()
    pattern, cues = result
    plain = text.replace("’", "'").lower()
    if len(plain) != len(text):
        # A letter whose small form is two characters would shift all offsets.
        plain = text
    regions: list[Scope] = []
    for match in pattern.finditer(plain):
        before = plain[match.start() - 1 : match.start()]
        if language != "zh" and (before.isalnum() or before == "'"):
            continue
        for kind, side, reach in cues[match.group(1)]:
            scope = _ruled(plain, match, kind, side, reach, language, title=title)
            if scope is not None:
                regions.append(scope)
    return tuple(regions)


def _ruled(text: str, match: re.Match[str], kind: str, side: str, reach: int, language: str, *, title: bool) -> Scope | None:
    start, end = match.span(1)
    if side == "sentence" and language == "zh":
        stop = _CLAUSE_END.search(text, end)
        return Scope(kind, start, stop.start() if stop else len(text), start, end)
    if side == "sentence":
        left, right = sentence_at(text, start, end)
        if title:
            stop = _TITLE_END.search(text, end)
            left, right = start, stop.start() if stop else len(text)
        return Scope(kind, left, right, start, end)
    if language == "zh":
        return _chinese(text, start, end, kind, side, reach)
    if side == "before":
        if kind in {DENIED, ABSENT} and _NO_CUE.match(text, end):
            return None
        return Scope(kind, *_after(text, end, reach, listed=kind == ABSENT or (kind == DENIED and reach > 1)), start, end)
    if kind == ABSENT and _NOT_ABSENT.match(text, end):
        return None
    return Scope(kind, _before(text, start, listed=kind == ABSENT), start, start, end)


def _chinese(text: str, start: int, end: int, kind: str, side: str, reach: int) -> Scope:
    if side == "before":
        stop = _CLAUSE_END.search(text, end)
        return Scope(kind, end, min(end + reach, stop.start() if stop else len(text)), start, end)
    if kind == CARED:
        return Scope(kind, max(0, start - reach), start, start, end)
    return Scope(kind, max(0, start - 4), start, start, end, exact=True)


def _after(text: str, at: int, reach: int, *, listed: bool) -> tuple[int, int]:
    """Return the words after a cue: `reach` of them, and after "and", "or" and commas as many again."""
    left, stop, first = reach, at, None
    listing = False
    for match in _WORD.finditer(text, at, min(len(text), at + 200)):
        word = match.group().lower()
        if word in _STOPS:
            break
        if word in _JOINERS:
            if word == "," and not listed:
                break
            listing = listing or word in {",", "and", "or", "&", "/", "nor"}
            left = max(left, 1 if listing and listed else 0)
            continue
        if left <= 0:
            break
        first = match.start() if first is None else first
        stop, left = match.end(), left - 1
    return (first if first is not None else at), stop


def _before(text: str, at: int, *, listed: bool) -> int:
    """Return where the words before a cue begin: the word itself, and "A, B and" before it."""
    words = [(match.group().lower(), match.start()) for match in _WORD.finditer(text, max(0, at - 120), at)]
    while words and words[-1][0] == "-":
        words.pop()
    if not words or not words[-1][0][0].isalnum():
        return at
    start = words.pop()[1]
    joined = False
    while listed and words:
        word = words[-1][0]
        if word in {"and", "or", "&", "/", "-"} or (joined and word == ","):
            joined = joined or word != "-"
            words.pop()
        elif joined and word[0].isalnum() and word != "free" and word not in _STOPS:
            start = words.pop()[1]
            if not words or words[-1][0] not in {",", "&", "/", "and", "-"}:
                break
        else:
            break
    return start


_Cue = tuple[str, str, int]


@cache
def _cues(language: str) -> tuple[re.Pattern[str], dict[str, list[_Cue]]] | None:
    name = f"scope_{language}.jsonl"
    if not has_lines(name):
        return None
    cues: dict[str, list[_Cue]] = {}
    for word, cue in _rows(read_lines(name)):
        cues.setdefault(word, []).append(cue)
    body = alternation(cues)
    # No look-behind: where the pattern begins with letters, the search skips to them; the caller checks what stands before.
    return re.compile(f"({body})" if language == "zh" else rf"({body})(?![\w'])"), cues


def _rows(rows: list[dict[str, Any]]) -> Iterator[tuple[str, _Cue]]:
    for row in rows:
        for word in row["words"]:
            yield word, (row["kind"], row["side"], int(row.get("reach", 0)))
