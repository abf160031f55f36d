"""The extractor: structured fields, rules over text, the brand gazetteer and price bands, each fact with its evidence.

Rules are data (`patterns/*.jsonl`, see `kg.extract.lexicon`). What disagrees is settled here: a structured field beats text, the
longest match wins, and a relation of which an item has one value at most keeps the best.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set

import polars as pl

from kg import schema
from kg.extract import mentions
from kg.extract.compatibility import compatible, models
from kg.extract.gazetteer import Gazetteer, brand_regions
from kg.extract.languages import MATCHES, MAX_CHARS, documents, pipeline
from kg.extract.lexicon import CUE, IGNORE, IGNORE_CUE, context_of, placeholders
from kg.extract.mentions import Mention, Region
from kg.extract.prices import price_bands
from kg.extract.separation import MARKED, Separation
from kg.extract.statements.statements import statements, states
from kg.extract.terms import TermLimits, Vocabulary, term_reader, title_terms
from kg.extract.text import Readable, readable
from kg.tables import AS_WRITTEN, ATTRIBUTE_COLUMNS, ITEM_COLUMNS, TEXT_FIELDS, attributes_table

VERSION = "4"
CATALOG, RULES, GAZETTEER = "catalog", "rules", "gazetteer"

_BATCH = 512
_DESCRIPTION_FACTOR = 0.8
"""A description speaks of other goods too: accessories, comparisons, what the item fits."""

_MEASURED = (pl.col("field") == "description") & pl.col("relation").is_in(sorted(schema.MEASURES))
_LABEL = (
    r"(?i)\b(?:weight|length|width|height|depth|size|dimensions?|diameter|thickness|capacity|volume|voltage|power|wattage|frequency|pack)\b"
    r"[^.;:\n]*[:=]\s*$"
)
_LABEL_CHARS = 40
_MAX_CELL = 100
_NO_RELATION = {CUE, IGNORE, IGNORE_CUE}
_MENTION = {"relation": pl.String, "value": pl.String, "start": pl.Int64, "end": pl.Int64, "surface": pl.String, "confidence": pl.Float64}

_Variant = tuple[int, str | None, str | None]
"""What a text's reading depends on beside its letters: the contexts of its item, its brand ("" where that cannot be confused, None where the item
lacks one), and the narrowest category of an item without a brand."""


class Extractor:
    """Extracts attributes from items.

    Args:
        language: ISO 639-1 code. What the language lacks is said in `note`.
        text: Whether to read titles and descriptions at all.
        terms: Whether to read the terms that titles have in common (`kg.extract.terms`); not without `text`.
        limits: Which words are terms; the usual ones where not given.

    Raises:
        ConfigError: The language is unknown, or its segmenter is not installed.
    """

    def __init__(self, language: str = "en", *, text: bool = True, terms: bool = True, limits: TermLimits | None = None) -> None:
        self._pipeline = pipeline(language)
        self._text = text
        self._terms = term_reader(self._pipeline, language) if text and terms else None
        self._limits = limits or TermLimits()
        self._vocabulary: tuple[pl.DataFrame, Vocabulary] | None = None
        self.language = language
        self.note = self._pipeline.note if text else ""

    def extract(
        self, items: pl.DataFrame, progress: Callable[[int, int], None] | None = None, *, catalog: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Extract the attributes of items.

        Args:
            items: Items (`kg.tables.items_table`).
            progress: Called with (texts done, texts in all).
            catalog: Items to learn brands and price bands from; `items` themselves where not given.

        Returns:
            Facts (`kg.tables.ATTRIBUTE_COLUMNS`), sorted. The same items in any order give the same facts.
        """
        catalog = items if catalog is None else catalog
        stated = [self._structured(items), _priced(items, catalog)]
        read = list(self._from_text(items, catalog, progress)) if self._text else []
        weighed = Separation.learn(catalog, self.language).mark(pl.concat(read), items) if read else None
        facts = _settled(pl.concat(stated), weighed)
        if self._terms is not None:
            facts = pl.concat([facts, title_terms(items, self.vocabulary(catalog), self._terms, facts)])
        return attributes_table(facts.sort("item_id", "relation", "value"))

    def vocabulary(self, catalog: pl.DataFrame) -> Vocabulary:
        """Return the terms that the titles of a catalogue have in common; none where the extractor reads none. The last catalogue is remembered."""
        if self._terms is None:
            return Vocabulary(frozenset())
        if self._vocabulary is None or self._vocabulary[0] is not catalog:
            self._vocabulary = catalog, Vocabulary.learn(catalog, self._terms, self._limits)
        return self._vocabulary[1]

    def with_terms(self, items: pl.DataFrame, terms: Set[str]) -> set[str]:
        """Return the ids of the items whose titles hold one of some terms."""
        if self._terms is None or not terms:
            return set()
        titles = items.select("item_id", "title").drop_nulls()
        return {item_id for item_id, title in titles.iter_rows() if any(term in terms for term, _, _ in self._terms.terms(title))}

    def _structured(self, items: pl.DataFrame) -> pl.DataFrame:
        """Turn structured fields into facts: the field is its own evidence."""
        extras = [name for name in items.columns if name not in ITEM_COLUMNS and name != AS_WRITTEN]
        parts = [_field_facts(items.select("item_id", pl.concat_list("brand").alias("brand")), "brand")]
        parts += [_field_facts(items.select("item_id", name), name) for name in ("categories", *extras)]
        return self._canonical(pl.concat(parts))

    def _canonical(self, facts: pl.DataFrame) -> pl.DataFrame:
        """State cells as text is stated where a rule reads the whole cell: "NAVY BLUE" is navy, "12 OZ" is 340 g."""
        known = sorted({rule.relation for rule in self._pipeline.lexicon.rules} - _NO_RELATION - {"has_model"})
        cells = facts.filter(pl.col("relation").is_in(known) & (pl.col("value").str.len_chars() <= _MAX_CELL)).select("relation", "value").unique()
        if not cells.height:
            return facts
        nlp, lexicon = self._pipeline.nlp, self._pipeline.lexicon
        rows = [
            (relation, cell, mentions.whole_value(nlp(readable(cell, self.language).text.strip()), lexicon, relation))
            for relation, cell in cells.sort("relation", "value").iter_rows()
        ]
        columns = {"relation": pl.String, "value": pl.String, "canonical": pl.String}
        names = pl.DataFrame(rows, schema=columns, orient="row").drop_nulls()
        joined = facts.join(names, on=["relation", "value"], how="left", maintain_order="left")
        return joined.with_columns(value=pl.coalesce("canonical", "value")).select(*ATTRIBUTE_COLUMNS)

    def _from_text(self, items: pl.DataFrame, catalog: pl.DataFrame, progress: Callable[[int, int], None] | None) -> Iterator[pl.DataFrame]:
        brands = Gazetteer.learn(catalog, None if catalog is items else items["title"].drop_nulls())
        variants = items.select("item_id", *TEXT_FIELDS, context=self._category_contexts(items), brand=self._confusable_brands(items))
        shelf = pl.when(pl.col("brand").is_null()).then(items["categories"].list.last())
        variants = variants.with_columns(shelf=shelf)
        total = sum(items[field].drop_nulls().n_unique() for field in TEXT_FIELDS)
        done = 0
        contexts: dict[str, int] = {}
        for field in TEXT_FIELDS:
            if field != "title":
                known = [here | contexts.get(title, 0) for title, here in variants.select("title", "context").iter_rows()]
                variants = variants.with_columns(context=pl.Series(known, dtype=pl.Int64))
            rows: list[tuple[object, ...]] = []
            for text, result, own in self._read_field(variants, field, brands):
                rows.extend(result)
                if field == "title":
                    contexts[text] = own
                done += 1
                if progress and (done % _BATCH == 0 or done == total):
                    progress(done, total)
            yield _attached(variants, rows, field)
        yield _linked(items, models(catalog, self.language), self.language)

    def _read_field(self, variants: pl.DataFrame, field: str, brands: Gazetteer) -> Iterator[tuple[str, list[tuple[object, ...]], int]]:
        """Yield (text, rows of its facts for every variant of it, its own contexts), one per distinct text."""
        nlp, lexicon = self._pipeline.nlp, self._pipeline.lexicon
        groups: dict[str, list[_Variant]] = defaultdict(list)
        for text, *variant in variants.select(field, "context", "brand", "shelf").drop_nulls(field).unique(maintain_order=True).iter_rows():
            groups[text].append((variant[0], variant[1], variant[2]))
        forms = [readable(text[:MAX_CHARS], self.language) for text in groups]
        docs = documents(nlp, (form.text for form in forms))
        for (text, combinations), form, doc in zip(groups.items(), forms, docs, strict=True):
            own = mentions.context(doc, lexicon) if field == "title" else 0
            rows: list[tuple[object, ...]] = []
            for context, brand, shelf in combinations:
                named = brands.find(form.text, shelf) if brand is None and field == "title" else None
                if named and not states(form.text, named.relation, named.start, named.end, self.language):
                    named = None
                masked: list[Region] = (
                    brand_regions(form.text, readable(brand, self.language).text) if brand else [(named.start, named.end)] if named else []
                )
                here = context_of(context | own)
                result = statements(form.text, field, mentions.mentions(doc, lexicon, here, field, masked), here, self.language, masked)
                rows.extend((text, context, brand, shelf, *_columns(mention, text, form), RULES) for mention in result)
                if named:
                    rows.append((text, context, brand, shelf, *_columns(named, text, form), GAZETTEER))
            yield text, rows, own

    def _category_contexts(self, items: pl.DataFrame) -> pl.Series:
        nlp, lexicon = self._pipeline.nlp, self._pipeline.lexicon
        names = items["categories"].explode().drop_nulls().unique().sort().to_list()
        known = {
            name: mentions.context(doc, lexicon)
            for name, doc in zip(names, documents(nlp, (readable(name[:MAX_CHARS], self.language).text for name in names)), strict=True)
        }
        return pl.Series([_union(known, categories) for categories in items["categories"].to_list()], dtype=pl.Int64)

    def _confusable_brands(self, items: pl.DataFrame) -> pl.Series:
        """Return each item's brand: "" where no rule would read a word of it, null where there is none."""
        nlp, lexicon = self._pipeline.nlp, self._pipeline.lexicon
        names = items["brand"].drop_nulls().unique().sort().to_list()
        docs = documents(nlp, (name[:MAX_CHARS] for name in names))
        silent = {CUE, IGNORE_CUE}
        confusable = {
            name: name if any(lexicon.rules[match.rule].relation not in silent for match in doc.user_data[MATCHES]) else ""
            for name, doc in zip(names, docs, strict=True)
        }
        stated = {name: value for name, value in confusable.items() if name.strip().lower() not in placeholders()}
        return pl.Series([None if name is None else stated.get(name) for name in items["brand"].to_list()], dtype=pl.String)


def _union(known: dict[str, int], categories: Iterable[str | None] | None) -> int:
    result = 0
    for category in categories or ():
        if category is not None:
            result |= known[category]
    return result


def _columns(mention: Mention, stored: str, form: Readable) -> tuple[object, ...]:
    """State a mention with its evidence in the text as stored."""
    start, end = form.stored(mention.start, mention.end)
    return mention.relation, mention.value, start, end, stored[start:end], mention.confidence


def _attached(variants: pl.DataFrame, rows: list[tuple[object, ...]], field: str) -> pl.DataFrame:
    """Give each item the facts of its text, as read in its variant."""
    columns = {"text": pl.String, "context": pl.Int64, "brand": pl.String, "shelf": pl.String, **_MENTION, "extractor": pl.String}
    result = pl.DataFrame(rows, schema=columns, orient="row")
    texts = variants.select("item_id", "context", "brand", "shelf", text=pl.col(field)).drop_nulls("text")
    facts = texts.join(result, on=["text", "context", "brand", "shelf"], nulls_equal=True).with_columns(
        field=pl.lit(field), extractor_version=pl.lit(VERSION)
    )
    if field != "title":
        before = pl.when(_MEASURED).then(pl.col("text").str.slice(0, pl.col("start")).str.tail(_LABEL_CHARS))
        facts = _weighed(facts.with_columns(confidence=pl.col("confidence") * _DESCRIPTION_FACTOR, labelled=before.str.contains(_LABEL)))
    return facts.select(*ATTRIBUTE_COLUMNS)


def _linked(items: pl.DataFrame, known: Mapping[str, str], language: str) -> pl.DataFrame:
    columns = {"item_id": pl.String, "field": pl.String, **{name: _MENTION[name] for name in ("value", "start", "end", "surface", "confidence")}}
    rows = pl.DataFrame(list(compatible(items, known, language)), schema=columns, orient="row")
    return _evidence(rows.with_columns(relation=pl.lit(schema.COMPATIBLE_WITH)), RULES)


def _evidence(facts: pl.DataFrame, extractor: str) -> pl.DataFrame:
    return facts.with_columns(extractor=pl.lit(extractor), extractor_version=pl.lit(VERSION)).select(*ATTRIBUTE_COLUMNS)


def _field_facts(frame: pl.DataFrame, field: str) -> pl.DataFrame:
    facts = frame.explode(field).drop_nulls(field).unique(maintain_order=True).rename({field: "surface"})
    facts = facts.with_columns(value=pl.col("surface").str.strip_chars()).filter(pl.col("value") != "")
    if field != "categories":
        facts = facts.filter(~pl.col("value").str.to_lowercase().is_in(sorted(placeholders())))
    facts = facts.with_columns(
        relation=pl.lit(schema.attribute_relation(field)),
        confidence=pl.lit(1.0),
        field=pl.lit(field),
        start=pl.lit(0, dtype=pl.Int64),
        end=pl.col("surface").str.len_chars().cast(pl.Int64),
    )
    return _evidence(facts, CATALOG)


def _priced(items: pl.DataFrame, catalog: pl.DataFrame) -> pl.DataFrame:
    facts = price_bands(items, catalog).with_columns(
        relation=pl.lit("has_price_band"),
        confidence=pl.lit(1.0),
        field=pl.lit("price_cents"),
        start=pl.lit(0, dtype=pl.Int64),
        end=pl.col("surface").str.len_chars().cast(pl.Int64),
    )
    return _evidence(facts, CATALOG)


def _settled(stated: pl.DataFrame, read: pl.DataFrame | None) -> pl.DataFrame:
    """Settle what disagrees: the shop's word beats text, and of the values of a single-valued relation the best stays."""
    stated = _one_each(_distinct(stated), [name for name in stated["relation"].unique().to_list() if schema.relation(name).single])
    if read is None:
        return stated
    silent = read.join(stated.select("item_id", "relation").unique(), on=["item_id", "relation"], how="anti")
    return pl.concat([stated, _one_each(_distinct(silent), sorted(schema.ONE_FROM_TEXT))])


def _weighed(facts: pl.DataFrame) -> pl.DataFrame:
    """Mark what a description says of sizes unless it names the size ("Weight: 380 g") and no second one: it may be a part's, or a limit."""
    rivals = pl.col("value").n_unique().over("item_id", "relation", "field") > 1
    marked = _MEASURED & (rivals | ~pl.col("labelled"))
    return facts.with_columns(confidence=pl.when(marked).then(pl.min_horizontal("confidence", pl.lit(MARKED))).otherwise("confidence"))


def _distinct(facts: pl.DataFrame) -> pl.DataFrame:
    """Keep the best evidence of each fact; "title" sorts after "description", so fields sort backwards."""
    order = ["item_id", "relation", "confidence", "field", "start", "value", "surface"]
    facts = facts.sort(order, descending=[False, False, True, True, False, False, False])
    return facts.unique(["item_id", "relation", "value"], keep="first", maintain_order=True)


def _one_each(facts: pl.DataFrame, relations: list[str]) -> pl.DataFrame:
    one = pl.col("relation").is_in(relations)
    return pl.concat([facts.filter(~one), facts.filter(one).unique(["item_id", "relation"], keep="first", maintain_order=True)])
