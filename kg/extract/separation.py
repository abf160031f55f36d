"""Which words of the lexicon are no attributes in a kind of item, learned from the shop's own categories and fields.

A rule says what a word means where it is an attribute; whether it is one in this shop's notebooks or pencils the catalogue says. Three things are
counted over all titles of a category:

* *alike*: a word that at least half of the titles of every category have tells no item from another ("natural" in a shop called so);
* *modifiers*: a word that nearly always stands before one and the same noun is part of that noun's name ("oil" of "oil pastels");
* *fields*: a relation that the shop's own field states in some categories and for no item of another is no attribute in that one.

Facts of such words are kept and marked: their confidence goes below `kg.graph.build.REASON_CONFIDENCE`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import polars as pl

from kg import schema
from kg.extract.lexicon import lexicon, word_sets
from kg.extract.statements.heads import OF_FOOD
from kg.tables import AS_WRITTEN, ITEM_COLUMNS

MARKED = 0.5
"""The most that a marked fact is worth."""

_WORD = r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+|[^\w\s]"
_MIN_ITEMS = 8
_ALIKE_SHARE = 0.5
_MIN_CATEGORIES = 2
_MIN_OCCURRENCES, _SAME_NOUN_SHARE = 5, 0.8
_FIELD_SHARE = 0.3
_OF_NOUNS = ("has_form", "has_packaging")
"""Relations whose words, before a noun, mostly belong to it: a gel pen is no gel. A leather belt is of leather."""

_RELATIONS = (*_OF_NOUNS, *sorted(OF_FOOD), "has_scent", "has_flavor", "has_diet", "has_color", "has_material", "has_audience", "has_age_group")
_CATEGORY = pl.col("categories").list.last()


@dataclass(frozen=True)
class Separation:
    """What carries no attribute where.

    Attributes:
        words: (word, relation) that say nothing anywhere in the shop.
        modifiers: (category, word, relation) of words that belong to a noun in the category.
        unstated: (category, relation) that the shop's field states elsewhere and never there.
    """

    words: frozenset[tuple[str, str]] = frozenset()
    modifiers: frozenset[tuple[str, str, str]] = frozenset()
    unstated: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def learn(cls, catalog: pl.DataFrame, language: str) -> Separation:
        """Learn from all items of a shop.

        Args:
            catalog: Items (`kg.tables.items_table`).
            language: ISO 639-1 code of the titles; words are counted in English.
        """
        items = catalog.with_columns(category=_CATEGORY).drop_nulls("category")
        sizes = {str(name): n for name, n in items.group_by("category").len().iter_rows() if n >= _MIN_ITEMS}
        if not sizes:
            return cls()
        items = items.filter(pl.col("category").is_in(sorted(sizes)))
        relations = _word_relations(language)
        seen = _occurrences(items, sorted(relations))
        return cls(_alike(seen, sizes, relations), _modifiers(seen, relations), _unstated(items, sizes))

    def mark(self, facts: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
        """Lower the confidence of the facts that are none.

        Args:
            facts: Facts of texts (`kg.tables.ATTRIBUTE_COLUMNS`).
            items: The items they are of.
        """
        if not (self.words or self.modifiers or self.unstated):
            return facts
        known = facts.join(items.select("item_id", _category=_CATEGORY), on="item_id", how="left", maintain_order="left")
        known = known.with_columns(_word=pl.col("surface").str.to_lowercase())
        marked = (
            _among(["_word", "relation"], self.words)
            | _among(["_category", "_word", "relation"], self.modifiers)
            | _among(["_category", "relation"], self.unstated)
        )
        lowered = pl.when(marked & (pl.col("extractor") == "rules")).then(pl.min_horizontal("confidence", pl.lit(MARKED)))
        return known.with_columns(confidence=lowered.otherwise("confidence")).select(facts.columns)

    def differing(self, other: Separation, items: pl.DataFrame) -> set[str]:
        """Return the items, perhaps some more, whose facts are marked differently by another catalogue's separation."""
        text = pl.concat_str("title", "description", separator=" ", ignore_nulls=True).str.to_lowercase()
        matches = pl.lit(value=False)
        for word, _ in sorted(self.words ^ other.words):
            matches = matches | text.str.contains(word, literal=True)
        for category, word, _ in sorted(self.modifiers ^ other.modifiers):
            matches = matches | ((category == _CATEGORY) & text.str.contains(word, literal=True))
        for category, _ in sorted(self.unstated ^ other.unstated):
            matches = matches | (category == _CATEGORY)
        return set(items.filter(matches.fill_null(value=False))["item_id"])


def _among(columns: list[str], keys: frozenset[tuple[str, ...]]) -> pl.Expr:
    joined = pl.concat_str(columns, separator="\x00")
    return joined.is_in(sorted("\x00".join(key) for key in keys)).fill_null(value=False)


@cache
def _word_relations(language: str) -> dict[str, frozenset[str]]:
    """Return the single words of the lexicon with the relations they state; none in languages without such rules."""
    if language != "en":
        return {}
    matches: dict[str, set[str]] = {}
    for pattern in lexicon(language).patterns:
        word = pattern["pattern"]
        if pattern["label"] in _RELATIONS and isinstance(word, str) and word.isalpha():
            matches.setdefault(word.lower(), set()).add(str(pattern["label"]))
    return {word: frozenset(relations) for word, relations in matches.items()}


def _occurrences(items: pl.DataFrame, words: list[str]) -> pl.DataFrame:
    """Return a row per occurrence of a word: `category`, `item_id`, `word` and the `next` word, which is empty at the end."""
    tokens = items.select("category", "item_id", word=pl.col("title").str.to_lowercase().str.extract_all(_WORD)).explode("word").drop_nulls("word")
    tokens = tokens.with_columns(next=pl.col("word").shift(-1).over("item_id").fill_null(""))
    return tokens.filter(pl.col("word").is_in(words))


def _alike(seen: pl.DataFrame, sizes: dict[str, int], relations: dict[str, frozenset[str]]) -> frozenset[tuple[str, str]]:
    if len(sizes) < _MIN_CATEGORIES:
        return frozenset()
    counts = seen.group_by("word", "category").agg(n=pl.col("item_id").n_unique())
    everywhere: dict[str, int] = {}
    for word, category, n in counts.iter_rows():
        everywhere[word] = everywhere.get(word, 0) + (n >= _ALIKE_SHARE * sizes[category])
    return frozenset((word, relation) for word, n in everywhere.items() if n == len(sizes) for relation in relations[word])


def _modifiers(seen: pl.DataFrame, relations: dict[str, frozenset[str]]) -> frozenset[tuple[str, str, str]]:
    sets = word_sets("heads_en.jsonl")
    no_noun = sets["trail"] | sets["made_as"] | sets["purpose"] | sets["part"] | {"and", "or", "in", "of", "by"}
    key = ["category", "word"]
    followed = seen.group_by(*key, "next").len("n").with_columns(total=pl.col("n").sum().over(key))
    same = followed.filter((pl.col("total") >= _MIN_OCCURRENCES) & (pl.col("n") >= _SAME_NOUN_SHARE * pl.col("total")))
    return frozenset(
        (category, word, relation)
        for category, word, following in same.select(*key, "next").iter_rows()
        if following[:1].isalpha() and following not in no_noun
        for relation in sorted(relations[word] & set(_OF_NOUNS))
    )


def _unstated(items: pl.DataFrame, sizes: dict[str, int]) -> frozenset[tuple[str, str]]:
    matches: set[tuple[str, str]] = set()
    for field in items.columns:
        if field in ITEM_COLUMNS or field in (AS_WRITTEN, "category") or schema.attribute_relation(field) not in _RELATIONS:
            continue
        stated = items.group_by("category").agg(n=(pl.col(field).list.drop_nulls().list.len() > 0).sum())
        shares = {str(category): n / sizes[category] for category, n in stated.iter_rows()}
        if max(shares.values()) >= _FIELD_SHARE:
            matches |= {(category, schema.attribute_relation(field)) for category, share in shares.items() if share == 0}
    return frozenset(matches)
