"""The score of search: a sum of parts, each between 0 and 1 and weighed, so that shares are exact.

    s(q, i) = w_text · t(q, i) / max t  +  w_kind · is(q, i)  −  w_other · for(q, i)  +  w_words · found words / words  +  …

* text: what the words add by BM25F (`gnn.search.index`), over the most that an item reaches.
* synonyms: the same of the best other way to say the query.
* kind: 1 where the query's last word heads the item's kind and all other words are found, less where some are missing.
* kind_or_synonym: the same for the query or any other way to say it.
* other_kind: 1 where the item is something else, for what was asked: a sleeve for laptops. Its weight is negative, and it takes at most half of the
  rest.
* words, words_or_synonyms: the share of words that the item has.
* quantity: the share of quantities that it has, converted.
* code: 1 where the query names the item by id, number or EAN, less for its beginning.
* personal, popularity: given by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gnn.search.corpus import Corpus
from gnn.search.index import Floats
from gnn.search.query.synonyms import Phrase
from gnn.search.query.understanding import Requested, Understood
from gnn.types import BoolArray, IntArray

Quantities = Callable[[Requested], IntArray]
"""Gives the items that have a quantity by a fact of the graph."""

_MOST_TAKEN = 0.5
_MANY, _HARDLY = 3, 0.05
"""Items of a kind that make another word the catalogue's own, and the share of them that the query's own word may have then."""


@dataclass(frozen=True)
class Matches:
    """What a query found.

    Attributes:
        docs: Items, ascending.
        parts: Part → its value for each, before it is weighed.
        complete: Which of them have all words, or what these mean, and all quantities.
    """

    docs: IntArray
    parts: Mapping[str, Floats] = field(repr=False)
    complete: BoolArray = field(repr=False)

    def addends(self, weights: Mapping[str, float]) -> dict[str, Floats]:
        """Return what each part adds to the score of each item.

        Args:
            weights: Part → weight.
        """
        matches = {name: (weights[name] * value).astype(np.float32) for name, value in self.parts.items() if weights[name] != 0}
        if "other_kind" in matches:
            rest = sum((value for name, value in matches.items() if name != "other_kind"), np.zeros(len(self.docs), dtype=np.float32))
            matches["other_kind"] = np.maximum(matches["other_kind"], -_MOST_TAKEN * rest).astype(np.float32)
        return matches

    def scores(self, weights: Mapping[str, float]) -> Floats:
        """Return the sum of the addends."""
        return total(self.addends(weights), len(self.docs))


def called(corpus: Corpus, phrases: Sequence[Phrase]) -> int:
    """Return which way to say a query is the catalogue's own.

    That is the first one, unless its last word only ever tells what other things are for ("laptop lock"), while many items are of another one's kind.

    Args:
        corpus: The items.
        phrases: The query, and other ways to say it.

    Returns:
        Its place.
    """
    if len(phrases) < 2 or not phrases[0] or len(np.unique(corpus.inner(phrases[0][-1]))) < _MANY:
        return 0
    counts = [int((_kinds(corpus, phrase)[0] >= 1 - 1e-6).sum()) for phrase in phrases]
    best = max(range(len(counts)), key=lambda place: (counts[place], -place))
    return best if counts[best] >= _MANY and counts[0] <= _HARDLY * counts[best] else 0


def total(addends: Mapping[str, Floats], n: int) -> Floats:
    """Return the sum of addends, [n]."""
    scores = np.zeros(n, dtype=np.float32)
    for value in addends.values():
        scores += value
    return scores


def match(corpus: Corpus, query: Understood, quantities: Quantities | None = None) -> Matches:
    """Find what has anything of a query, and value it by every part.

    Args:
        corpus: The items.
        query: As it was read.
        quantities: Gives the items that have a quantity; only titles are read where unset.
    """
    n = corpus.n_items
    phrases = [query.terms, *query.variants]
    alternatives = {word.term: word.alternatives for word in query.words}
    text, matches = _text(corpus, query.terms, alternatives, n)
    kind, inner = _kinds(corpus, query.terms)
    other_text, any_matches = np.zeros(n, dtype=np.float32), matches
    kind_or_synonym, inner_any = kind, inner
    for phrase in phrases[1:]:
        own, had = _text(corpus, phrase, {}, n)
        other_text = np.maximum(other_text, _relative(own))
        any_matches = np.maximum(any_matches, had)
        own_kind, own_inner = _kinds(corpus, phrase)
        kind_or_synonym = np.maximum(kind_or_synonym, own_kind)
        inner_any = inner_any | own_inner
    amount = _amounts(corpus, query.quantities, quantities, n)
    n_quantities = len(query.quantities)
    wanted = len(set(query.terms)) + n_quantities
    code = _codes(corpus, query.codes, n)
    matched = (matches > 0) | (any_matches > 0) | (amount > 0) | (code > 0)
    docs = np.flatnonzero(matched)
    n_words = max(len(set(query.terms)), 1)
    had_words, had_any = matches * n_words, any_matches * n_words
    parts = {
        "text": _relative(text),
        "synonyms": other_text,
        "kind": kind,
        "kind_or_synonym": kind_or_synonym,
        "other_kind": (inner & (kind == 0)).astype(np.float32),
        "words": (had_words * bool(query.words) + amount) / max(wanted, 1),
        "words_or_synonyms": (had_any * bool(query.words) + amount) / max(wanted, 1),
        "quantity": amount / max(n_quantities, 1),
        "code": code,
    }
    complete = parts["words_or_synonyms"][docs] >= 1 - 1e-6
    return Matches(docs, {name: value[docs].astype(np.float32) for name, value in parts.items()}, complete | (code[docs] >= 1))


def _text(corpus: Corpus, terms: Sequence[str], alternatives: Mapping[str, Sequence[str]], n: int) -> tuple[Floats, Floats]:
    """Return the BM25F sum of a phrase, and the share of its words that each item has."""
    text, matches = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
    distinct = list(dict.fromkeys(terms))
    for term in distinct:
        docs, values = corpus.addends(term)
        others = alternatives.get(term, ())
        if others:
            most = np.zeros(n, dtype=np.float32)
            np.maximum.at(most, docs, values)
            for other in others:
                np.maximum.at(most, *corpus.addends(other))
            docs = np.flatnonzero(most)
            values = most[docs]
        text[docs] += values
        matches[docs] += 1
    return text, (matches / max(len(distinct), 1)).astype(np.float32)


def _kinds(corpus: Corpus, terms: Phrase) -> tuple[Floats, BoolArray]:
    """Return how far each item is of the kind that a phrase ends in, and which items are for it."""
    n = corpus.n_items
    kind, inner = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=bool)
    if not terms:
        return kind, inner
    head, rest = terms[-1], list(dict.fromkeys(terms[:-1]))
    inner[corpus.inner(head)] = True
    docs = corpus.heads(head)
    if not len(docs):
        return kind, inner
    had = np.zeros(len(docs), dtype=np.float32)
    for word in rest:
        has = np.zeros(n, dtype=bool)
        has[corpus.addends(word)[0]] = True
        had += has[docs]
    kind[docs] = (1 + had) / (1 + len(rest))
    return kind, inner


def _relative(values: Floats) -> Floats:
    most = float(values.max()) if len(values) else 0.0
    return values / most if most > 0 else values


def _amounts(corpus: Corpus, requested: Sequence[Requested], quantities: Quantities | None, n: int) -> Floats:
    """Return how many of the quantities each item has, by a fact or as written."""
    amount = np.zeros(n, dtype=np.float32)
    for one in requested:
        has = np.zeros(n, dtype=bool)
        if quantities is not None:
            has[quantities(one)] = True
        if one.words:
            written = np.zeros(n, dtype=np.int64)
            for word in set(one.words):
                written[corpus.addends(word)[0]] += 1
            has |= written == len(set(one.words))
        amount += has
    return amount


def _codes(corpus: Corpus, codes: Sequence[str], n: int) -> Floats:
    matches = np.zeros(n, dtype=np.float32)
    for code in codes:
        named = corpus.code(code)
        matches[named] = 1.0
        if not named and len(code) >= 5:
            beginning = corpus.codes_beginning(code)
            matches[beginning] = np.maximum(matches[beginning], 0.5)
    return matches
