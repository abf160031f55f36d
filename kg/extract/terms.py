"""Terms of titles: words, and pairs of words that stand side by side, which some titles of a shop have in common and most have not.

    item –MENTIONS→ term ←MENTIONS– item

What two titles both say ties their items where no field and no rule knows the thing: "argan oil", "flat iron". A term stands in at least 2 and at
most 300 titles, and in at most one title of ten (`TermLimits`). Numbers, words with digits, units, stop words, and what another relation of the item
states already (its brand, a colour that a rule read in the title) are no terms of it. A term's evidence is its first place in the title.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from kg import schema
from kg.extract.languages import Pipeline
from kg.extract.lexicon import read_lines
from kg.extract.text import readable
from kg.tables import ATTRIBUTE_COLUMNS

MENTIONED, VERSION = "terms", "1"
_CONFIDENCE = 1.0
_WITHOUT_BLANKS = frozenset({"zh", "ja", "th", "km", "lo", "my"})
_MAX_CHARS, _SHORTEST = 300, 2
_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*")
_HAS_DIGIT = re.compile(r"\d")
_JOINT = re.compile(r"[ \-‐‑]?|\s+")
_POSSESSIVE = re.compile(r"['’]s$")


@dataclass(frozen=True, slots=True)
class TermLimits:
    """What makes a word of titles a term.

    Attributes:
        fewest_items: A shop with fewer titles has too few to tell a term from a chance.
        fewest_titles: Titles that have it, at least.
        most_titles: At most.
        most_share: At most, as a share of all titles.
    """

    fewest_items: int = 200
    fewest_titles: int = 2
    most_titles: int = 300
    most_share: float = 0.1


Split = Callable[[str], Iterable[tuple[int, int]]]
"""A text → where its words are. Languages without blanks between words bring their segmenter."""


def words_between_blanks(text: str) -> Iterator[tuple[int, int]]:
    """Return where the words of a text are, in a language that writes blanks between them.

    >>> [("Argan-Oil, 3oz"[start:end]) for start, end in words_between_blanks("Argan-Oil, 3oz")]
    ['Argan', 'Oil', '3oz']
    """
    return (match.span() for match in _WORD.finditer(text))


@dataclass(frozen=True)
class Reader:
    """Reads the words of titles.

    Attributes:
        language: ISO 639-1 code.
        split: Finds the words.
        left_out: Words that are never terms, in lower case: stop words and units.
    """

    language: str
    split: Split
    left_out: frozenset[str]

    def terms(self, title: str) -> Iterator[tuple[str, int, int]]:
        """Yield each term that a title could have, with its place in the title as stored; those that begin earlier first."""
        form = readable(title[:_MAX_CHARS], self.language)
        text, left_out = form.text, self.left_out
        before, begun, done = "", 0, 0
        for start, end in self.split(text):
            word = _compared(text[start:end])
            if not word or word in left_out:
                # Pairs do not reach over it.
                before = ""
                continue
            if before and before != word and _joined(text[done:start]):
                yield (f"{before} {word}", *form.stored(begun, end))
            yield (word, *form.stored(start, end))
            before, begun, done = word, start, end


@lru_cache(maxsize=65_536)
def _compared(word: str) -> str:
    """Return a word as it is compared; "" where it is too short, has a digit or begins with no letter."""
    result = _POSSESSIVE.sub("", word.lower())
    return "" if len(result) < _SHORTEST or _HAS_DIGIT.search(result) or not result[0].isalpha() else result


def _joined(between: str) -> bool:
    return between == " " or _JOINT.fullmatch(between) is not None


def term_reader(pipeline: Pipeline, language: str) -> Reader:
    """Return what reads the terms of a language: its stop words and all units are none; Chinese is cut into words by its segmenter."""
    units = {str(word).lower() for row in read_lines("units.jsonl") for word in row["words"]}
    stop_words = {str(word).lower() for word in pipeline.nlp.Defaults.stop_words}

    def segmented(text: str) -> Iterator[tuple[int, int]]:
        return ((token.idx, token.idx + len(token)) for token in pipeline.nlp.make_doc(text))

    return Reader(language, segmented if language in _WITHOUT_BLANKS else words_between_blanks, frozenset(units | stop_words))


@dataclass(frozen=True)
class Vocabulary:
    """The terms of a shop.

    Attributes:
        terms: Each of them.
    """

    terms: frozenset[str]

    @classmethod
    def learn(cls, items: pl.DataFrame, reader: Reader, limits: TermLimits) -> Vocabulary:
        """Count what the titles of a shop have in common.

        Args:
            items: Items (`kg.tables.items_table`).
            reader: Reads the words.
            limits: Which of them are terms.
        """
        titles = items["title"].drop_nulls()
        if len(titles) < limits.fewest_items:
            return cls(frozenset())
        counts: Counter[str] = Counter()
        for title, n in titles.value_counts().iter_rows():
            counts.update(dict.fromkeys({term for term, _, _ in reader.terms(title)}, n))
        most = min(limits.most_titles, int(len(titles) * limits.most_share))
        return cls(frozenset(term for term, n in counts.items() if limits.fewest_titles <= n <= most))


def title_terms(items: pl.DataFrame, vocabulary: Vocabulary, reader: Reader, facts: pl.DataFrame) -> pl.DataFrame:
    """Return the terms of items as facts.

    Args:
        items: Items (`kg.tables.items_table`).
        vocabulary: The shop's terms.
        reader: Reads the words.
        facts: What is known of the items (`kg.tables.ATTRIBUTE_COLUMNS`): what it says in a title is no term of it again.

    Returns:
        `kg.tables.ATTRIBUTE_COLUMNS`, one row per item and term.
    """
    if not vocabulary.terms:
        return pl.DataFrame(schema=dict(ATTRIBUTE_COLUMNS))
    stated = _stated(facts)
    of_brands = {brand: _brand_words(reader, brand) for brand in items["brand"].unique()}
    rows: list[tuple[str, str, int, int, str]] = []
    for item_id, title, brand in items.select("item_id", "title", "brand").drop_nulls("title").iter_rows():
        taken = stated.get(item_id, [])
        of_brand = of_brands[brand]
        seen: set[str] = set()
        for term, start, end in reader.terms(title):
            if term in seen or term not in vocabulary.terms or of_brand.issuperset(term.split(" ")):
                continue
            if any(first <= start and end <= last for first, last in taken):
                continue
            seen.add(term)
            rows.append((item_id, term, start, end, title[start:end]))
    columns = {"item_id": pl.String, "value": pl.String, "start": pl.Int64, "end": pl.Int64, "surface": pl.String}
    return (
        pl.DataFrame(rows, schema=columns, orient="row")
        .select(
            "item_id",
            "value",
            "start",
            "end",
            "surface",
            relation=pl.lit(schema.MENTIONS),
            confidence=pl.lit(_CONFIDENCE),
            field=pl.lit("title"),
            extractor=pl.lit(MENTIONED),
            extractor_version=pl.lit(VERSION),
        )
        .select(*ATTRIBUTE_COLUMNS)
    )


def _stated(facts: pl.DataFrame) -> Mapping[str, list[tuple[int, int]]]:
    """Return which parts of titles other facts are read from, by item."""
    matches: dict[str, list[tuple[int, int]]] = {}
    for item_id, start, end in facts.filter(field="title").select("item_id", "start", "end").drop_nulls().iter_rows():
        matches.setdefault(item_id, []).append((start, end))
    return matches


def _brand_words(reader: Reader, brand: str | None) -> frozenset[str]:
    return frozenset() if brand is None else frozenset(term for term, _, _ in reader.terms(brand) if " " not in term)
