"""What a query says: words, what must not be there, limits of the price, quantities, codes.

Everything that is understood keeps its place in the query, so that an answer can show what became of each part of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gnn.search.fields import code_of
from gnn.search.query.spelling import Speller
from gnn.search.query.synonyms import Phrase, Synonyms
from gnn.text.analysis import Token, tokens
from kg.errors import InputError
from kg.extract.quantities.amounts import amounts
from kg.extract.quantities.units import BASE, stated

MAX_QUERY = 500
"""Characters of a query that is answered; a longer one is refused."""
MAX_WORDS = 24
"""Words of a query that count; the rest is named as left out."""

_NUMBER = r"(\d{1,9}(?:[.,]\d{1,2})?)"
_MONEY = rf"[€$£¥]?\s?{_NUMBER}\s?(?:€|\$|£|¥|eur|euros?|usd|dollars?|gbp|pounds?|元|块)?(?![\w.])"
_UNITLESS = r"(?!\s?(?:inch|in|cm|mm|m|kg|g|mg|lb|oz|ml|l|gb|tb|mb|w|watts?|v|volts?|mah|ghz|hz|mhz|\"|”|''|pages|x)\b)(?![\"”])"
_BETWEEN = re.compile(rf"\b(?:between|from)\s+{_MONEY}\s*(?:and|to|-)\s*{_MONEY}{_UNITLESS}", re.IGNORECASE)
_UNDER = re.compile(
    rf"(?:\b(?:under|below|less than|cheaper than|up to|at most|max(?:imum)?|no more than)\s+|[<≤]=?\s*|(?:低于|少于|不超过)\s*)"
    rf"{_MONEY}{_UNITLESS}",
    re.IGNORECASE,
)
_OVER = re.compile(
    rf"(?:\b(?:over|above|more than|at least|min(?:imum)?|from)\s+|[>≥]=?\s*|(?:高于|超过|不低于)\s*){_MONEY}{_UNITLESS}", re.IGNORECASE
)
_WITHOUT = re.compile(
    r"\b(?:without|except|excluding|not|no)\s+(?:any\s+|an?\s+)?([^\W_][\w-]*)|(?:^|(?<=\s))[-−!]([^\W\d_][\w-]*)|(?:不含|不要|无)([\u4e00-\u9fff]{1,4})",
    re.IGNORECASE,
)
_SHORTEST_CODE = 5
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a query as it is looked up.

    Attributes:
        term: The term.
        start: First character in the query.
        end: After the last one.
        surface: As written.
        corrected: Whether the catalogue lacks what was written.
        alternatives: Terms any one of which stands for it beside its own: codes that begin so.
        exchanged: Whether it is the catalogue's word for what was written.
    """

    term: str
    start: int
    end: int
    surface: str
    corrected: bool = False
    alternatives: tuple[str, ...] = ()
    exchanged: bool = False


@dataclass(frozen=True, slots=True)
class Requested:
    """A quantity of a query.

    Attributes:
        surface: As written.
        start: First character in the query.
        end: After the last one.
        values: (relation, value in its base unit) that it may mean.
        words: Its terms, for titles that write it so.
    """

    surface: str
    start: int
    end: int
    values: tuple[tuple[str, str], ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Understood:
    """A query, read.

    Attributes:
        text: The query.
        words: What is looked for, in order.
        variants: Other ways to say it, each worth less than the words themselves.
        negated: What must not be there.
        price_from: Lowest price in cents, or None.
        price_to: Highest price in cents, or None.
        quantities: Amounts with their units.
        codes: Words that may name one item, without dashes.
        left_out: Words beyond the most that count.
    """

    text: str
    words: tuple[Word, ...] = ()
    variants: tuple[Phrase, ...] = ()
    negated: tuple[Word, ...] = ()
    price_from: int | None = None
    price_to: int | None = None
    quantities: tuple[Requested, ...] = ()
    codes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = field(default=())

    @property
    def terms(self) -> Phrase:
        """The terms of the words."""
        return tuple(word.term for word in self.words)

    @property
    def corrections(self) -> dict[str, str]:
        """What was written → what was looked up instead."""
        return {word.surface: word.term for word in self.words if word.corrected}


Prefixed = Callable[[str], Sequence[str]]
"""Gives the terms of an index that begin as a word does, the most frequent first."""
Called = Callable[[Sequence[Phrase]], int]
"""Gives the place of the way to say a query that is the catalogue's own."""


class Reader:
    """Reads queries for one catalogue.

    Args:
        speller: Of its vocabulary.
        synonyms: Of its language and its shop.
        prefixed: Terms that begin as a word does, for numbers of models that are cut short.
        called: Which of several ways to say a thing is the catalogue's own.
    """

    def __init__(self, speller: Speller, synonyms: Synonyms, prefixed: Prefixed, called: Called = lambda _: 0) -> None:
        self._speller, self._synonyms, self._prefixed, self._called = speller, synonyms, prefixed, called

    def read(self, query: str) -> Understood:
        """Read a query.

        Raises:
            InputError: It is empty, too long, or holds control characters.
        """
        text = checked_query(query)
        rest = _Rest(text)
        price_from, price_to = _prices(rest)
        negated = [word for match in rest.take(_WITHOUT) for word in self._negated(text, match)]
        quantities = _quantities(rest)
        codes = tuple(_codes(rest.text))
        all_words = self._words(rest.text, text)
        words, beyond = all_words[:MAX_WORDS], all_words[MAX_WORDS:]
        terms = [word.term for word in words]
        variants = list(dict.fromkeys([*self._joined(terms), *self._synonyms.variants(terms)]))
        own = self._called([tuple(terms), *variants])
        if own:
            chosen = variants.pop(own - 1)
            words, variants = _exchanged(words, chosen, text), [tuple(terms), *variants]
        return Understood(
            text,
            tuple(words),
            tuple(variants),
            tuple(negated),
            price_from,
            price_to,
            tuple(quantities),
            codes,
            tuple(word.surface for word in beyond),
        )

    def _words(self, blanked: str, text: str) -> list[Word]:
        groups: dict[int, list[Token]] = {}
        for token in tokens(blanked):
            groups.setdefault(token.place, []).append(token)
        return [word for group in groups.values() for word in self._word(group, text)]

    def _word(self, group: Sequence[Token], text: str) -> list[Word]:
        whole, parts = [token for token in group if token.whole], [token for token in group if not token.whole]
        known = [token for token in whole if self._speller.knows(token.term)]
        if known:
            return [Word(token.term, token.start, token.end, text[token.start : token.end]) for token in known]
        if parts and any(self._speller.knows(part.term) for part in parts):
            return [Word(part.term, part.start, part.end, text[part.start : part.end]) for part in parts if self._speller.knows(part.term)]
        return [matches for token in whole or parts for matches in self._unknown(token, text[token.start : token.end])]

    def _unknown(self, token: Token, surface: str) -> list[Word]:
        beginning = self._prefixed(token.term) if any(map(str.isdigit, token.term)) else ()
        if beginning:
            return [Word(beginning[0], token.start, token.end, surface, alternatives=tuple(beginning[1:]))]
        split = self._speller.split(token.term)
        corrected = self._speller.correction(token.term)
        if split is not None:
            return [Word(part, token.start, token.end, surface, corrected=True) for part in split]
        if corrected is not None:
            return [Word(corrected, token.start, token.end, surface, corrected=True)]
        return [Word(token.term, token.start, token.end, surface)]

    def _negated(self, text: str, match: re.Match[str]) -> list[Word]:
        number = next(number for number in (1, 2, 3) if match[number])
        start = match.start(number)
        return [
            Word(token.term, start + token.start, start + token.end, text[start + token.start : start + token.end])
            for token in tokens(match[number])
            if token.whole
        ]

    def _joined(self, terms: Sequence[str]) -> list[Phrase]:
        return [(*terms[:place], word, *terms[place + 2 :]) for place, word in self._speller.joined(terms)]


def _exchanged(words: Sequence[Word], chosen: Phrase, text: str) -> list[Word]:
    """Return the words of another way to say a query; those that differ stand where those stand that they replace."""
    head = 0
    while head < min(len(words), len(chosen)) and words[head].term == chosen[head]:
        head += 1
    tail = 0
    while tail < min(len(words), len(chosen)) - head and words[-1 - tail].term == chosen[-1 - tail]:
        tail += 1
    middle = words[head : len(words) - tail] or words[max(0, head - 1) : head + 1]
    start, end = middle[0].start, middle[-1].end
    exchanged = [Word(term, start, end, text[start:end], exchanged=True) for term in chosen[head : len(chosen) - tail]]
    return [*words[:head], *exchanged, *words[len(words) - tail :]]


def checked_query(query: str) -> str:
    """Return a query in the form in which it is read.

    Raises:
        InputError: It is empty, too long, or holds control characters.
    """
    if len(query) > MAX_QUERY:
        raise InputError(f"the query has {len(query):,} characters", hint=f"send at most {MAX_QUERY}")
    if _CONTROL.search(query):
        raise InputError("the query holds control characters", hint="send text")
    text = unicodedata.normalize("NFKC", query).strip()
    if not text:
        raise InputError("the query is empty", hint="send what is looked for")
    return text


class _Rest:
    """What of a query has not been understood yet; what has been is blanked, so that places stay."""

    def __init__(self, text: str) -> None:
        self.text = text

    def take(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        matches = list(pattern.finditer(self.text))
        for match in matches:
            self.blank(match.start(), match.end())
        return matches

    def blank(self, start: int, end: int) -> None:
        self.text = self.text[:start] + " " * (end - start) + self.text[end:]


def _prices(rest: _Rest) -> tuple[int | None, int | None]:
    for match in rest.take(_BETWEEN):
        low, high = sorted((_cents(match[1]), _cents(match[2])))
        return low, high
    highest = min((_cents(match[1]) for match in rest.take(_UNDER)), default=None)
    lowest = max((_cents(match[1]) for match in rest.take(_OVER)), default=None)
    return lowest, highest


def _cents(text: str) -> int:
    return round(float(text.replace(",", ".")) * 100)


def _quantities(rest: _Rest) -> list[Requested]:
    matches = []
    for amount in amounts(rest.text):
        values = tuple((fact.relation, fact.value) for relation in BASE for fact in stated(amount, relation) if fact.relation == relation)
        if values:
            surface = rest.text[amount.start : amount.end]
            words = tuple(token.term for token in tokens(surface) if token.whole)
            matches.append(Requested(surface.strip(), amount.start, amount.end, values, words))
    for requested in matches:
        rest.blank(requested.start, requested.end)
    return matches


def _codes(text: str) -> list[str]:
    """Return what may be a code: longer words with a digit, and the whole text, without what joins them."""
    words = [code for word in text.split() if len(code := code_of(word)) >= _SHORTEST_CODE]
    return [code for code in dict.fromkeys([code_of(text), *words]) if any(map(str.isdigit, code))]
