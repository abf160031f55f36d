"""Why an item was found: the parts of its score with what matched where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gnn.search.corpus import Corpus
from gnn.search.fields import FIELDS
from gnn.search.query.understanding import Understood
from gnn.search.request import Evidence, PartReason
from gnn.text.analysis import tokens

_MOST_EVIDENCE = 12
_LEAST_SHARE = 1e-9


def reasons(corpus: Corpus, doc: int, query: Understood, addends: Mapping[str, float], score: float) -> tuple[PartReason, ...]:
    """Return the parts of a score, the largest first; their shares add up to 1.

    Args:
        corpus: The items.
        doc: Which item.
        query: What was asked.
        addends: Part → what it adds.
        score: Their sum.
    """
    if score <= 0:
        return ()
    literal, others = set(query.terms), {term for phrase in query.variants for term in phrase} - set(query.terms)
    literal |= {other for word in query.words for other in word.alternatives}
    amounts = {term for requested in query.quantities for term in requested.words}
    wanted = {
        "text": literal,
        "words": literal | amounts,
        "kind": literal,
        "synonyms": others | literal,
        "words_or_synonyms": others | literal | amounts,
        "kind_or_synonym": others | literal,
        "other_kind": literal,
        "quantity": amounts,
    }
    spans = evidence(corpus, doc, set().union(*wanted.values()))
    matches = []
    for part, addend in addends.items():
        if abs(addend) > _LEAST_SHARE:
            own = tuple(span for span in spans if span.term in wanted.get(part, ()) and (not part.startswith("kind") or span.field in _KIND_FIELDS))
            matches.append(PartReason(part, addend / score, addend, _sentence(part, query, own), own[:_MOST_EVIDENCE]))
    return tuple(sorted(matches, key=lambda reason: -reason.share))


_KIND_FIELDS = ("title", "description", "category")


def evidence(corpus: Corpus, doc: int, terms: set[str]) -> list[Evidence]:
    """Return where an item's texts have any of these terms; a word is named once, however many terms it gives."""
    place = corpus.place(doc)
    if place is None:
        return []
    index, number = place
    matches: dict[tuple[str, int, int], Evidence] = {}
    for name in FIELDS:
        text = index.text(number, name)
        for token in tokens(text):
            if token.term in terms:
                key = name, token.start, token.end
                matches.setdefault(key, Evidence(name, token.start, token.end, text[token.start : token.end], token.term))
    return list(matches.values())


def _sentence(part: str, query: Understood, matches: Sequence[Evidence]) -> str:
    seen = _listed([f"“{surface}”" for surface in dict.fromkeys(span.surface for span in matches)][:4])
    where = _listed(list(dict.fromkeys(span.field for span in matches)))
    requested = " ".join(word.surface for word in query.words)
    head = query.terms[-1] if query.terms else ""
    sentences = {
        "text": f"Has {seen} in {where}." if seen else "Has words of the query.",
        "synonyms": f"Has {seen}, another way to say “{requested}”." if seen else f"Another way to say “{requested}”.",
        "kind": f"It is what “{head}” names.",
        "kind_or_synonym": f"It is what “{head}” or another word for it names.",
        "other_kind": f"It is something else, for or of “{head}”.",
        "words": f"Share of the query's words found: {seen or 'none'}.",
        "words_or_synonyms": f"Share of the query's words found, or other words for them: {seen or 'none'}.",
        "quantity": f"Has {_listed([requested.surface for requested in query.quantities])}.",
        "code": "The query is its number or id.",
        "personal": "Your own history leads to it.",
        "popularity": "Shoppers at large choose it.",
        "rules": "A business rule of the shop changed its score.",
    }
    return sentences[part]


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
