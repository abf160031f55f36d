"""The inverted index of a build: what each term adds to the text score of each item, worked out when the index is built.

The addend of a term is BM25F's: counts per field are weighted and divided by how long the field is, added up, saturated, and multiplied with how rare
the term is. Addends are stored, so a score is a sum of stored numbers.

Source: Robertson, Zaragoza and Taylor 2004, doi:10.1145/1031171.1031181 (BM25F); Lù 2024, arXiv:2407.03618 (addends stored ahead).

terms.json kinds.json meta.json     the vocabulary, the kinds and how they are read, the sizes and the means
items_{indptr,docs}.npy addends.npy df.npy     per term: its items, and what it adds to each
{heads,inner}_{indptr,docs}.npy     per term: the items whose kind it heads, or stands within
codes.json texts.arrow     codes → item; the texts, for the places of words
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from gnn.artifact.stored_arrays import mapped
from gnn.search.fields import FIELDS, WEIGHTS, ItemText
from gnn.search.kinds import Kinds
from gnn.text.analysis import tokens
from gnn.types import IntArray
from kg.errors import ArtifactError

FORMAT = 1
K1, B = 1.0, 0.75
_HINT = "run `reckon rebuild`"

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Lists:
    """Lists of items per term.

    Attributes:
        indptr: Where the list of each term begins, [n_terms + 1].
        docs: Items, ascending within a term.
    """

    indptr: npt.NDArray[np.int64]
    docs: npt.NDArray[np.int32]

    def part(self, number: int) -> slice:
        """Return where the list of a term lies."""
        return slice(int(self.indptr[number]), int(self.indptr[number + 1]))


@dataclass(frozen=True)
class Statistics:
    """What a term's addend depends on beside its counts: of the whole catalogue, also for items that came since.

    Attributes:
        n_docs: Items.
        df: Items per term.
        length: Mean weighted length of an item.
        kinds: How kinds are read.
    """

    n_docs: int
    df: Mapping[str, int] = field(repr=False)
    length: float
    kinds: Kinds

    def idf(self, term: str) -> float:
        """Return how rare a term is."""
        df = self.df.get(term, 0)
        return float(np.log(1 + (self.n_docs - df + 0.5) / (df + 0.5)))


@dataclass(frozen=True)
class SearchIndex:
    """An index over items; its arrays are mapped into memory.

    Attributes:
        terms: The vocabulary, sorted.
        items: Per term: the items that have it.
        addends: What it adds to the text score of each, beside `items`.
        heads: Per term: items whose kind it heads.
        inner: Per term: items whose kind it stands within, before the head.
        codes: Code → item.
        statistics: Of the catalogue.
        texts: Texts per item, a column per field.
    """

    terms: Sequence[str] = field(repr=False)
    items: Lists = field(repr=False)
    addends: Floats = field(repr=False)
    heads: Lists = field(repr=False)
    inner: Lists = field(repr=False)
    codes: Mapping[str, int] = field(repr=False)
    statistics: Statistics = field(repr=False)
    texts: pl.DataFrame = field(repr=False)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Term → its number."""
        return {term: number for number, term in enumerate(self.terms)}

    @cached_property
    def titles(self) -> list[str]:
        """Titles by item."""
        return [str(title) for title in self.texts["title"].to_list()]

    @cached_property
    def sorted_codes(self) -> list[str]:
        """All codes, for looking up beginnings."""
        return sorted(self.codes)

    @property
    def n_docs(self) -> int:
        """Items."""
        return self.texts.height

    def beginning_with(self, prefix: str, limit: int) -> list[str]:
        """Return the terms that begin so, the most frequent first."""
        return sorted(beginning(self.terms, prefix, 50 * limit), key=lambda term: (-self.statistics.df.get(term, 0), term))[:limit]

    def text(self, doc: int, name: str) -> str:
        """Return a text of an item."""
        return str(self.texts[name][doc])

    @classmethod
    def build(cls, items: Sequence[ItemText], statistics: Statistics | None = None) -> SearchIndex:
        """Index items.

        Args:
            items: In the order of their numbers.
            statistics: Of the catalogue that they come into; their own where unset.
        """
        counted = _counted(items)
        df = {term: len({doc for doc, _ in matches}) for term, matches in counted.items()}
        lengths = _lengths(counted, len(items))
        if statistics is None:
            kinds = Kinds.learn((item.texts[0], item.texts[1], item.texts[2]) for item in items)
            statistics = Statistics(len(items), df, float(lengths.mean()) if len(items) else 1.0, kinds)
        terms = sorted(counted)
        listed, addends = _addends(terms, counted, lengths, statistics)
        place = {term: number for number, term in enumerate(terms)}
        heads: set[tuple[int, int]] = set()
        inner: set[tuple[int, int]] = set()
        for doc, item in enumerate(items):
            for kind in statistics.kinds.of(item.texts[0], item.texts[1], item.texts[2], item.texts[3].split(" > ")):
                heads.update((place[word], doc) for word in kind[-1:] if word in place)
                inner.update((place[word], doc) for word in kind[:-1] if word in place)
        codes: dict[str, int] = {}
        for doc, item in enumerate(items):
            for code in item.codes:
                codes.setdefault(code, doc)
        texts = pl.DataFrame(
            {name: [item.texts[number] for item in items] for number, name in enumerate(FIELDS)}, schema=dict.fromkeys(FIELDS, pl.String)
        )
        return cls(terms, listed, addends, _lists(heads, len(terms)), _lists(inner, len(terms)), codes, statistics, texts)

    def save(self, folder: Path) -> None:
        """Write the index into an empty folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, lists in (("items", self.items), ("heads", self.heads), ("inner", self.inner)):
            np.save(folder / f"{name}_indptr.npy", lists.indptr)
            np.save(folder / f"{name}_docs.npy", lists.docs)
        np.save(folder / "addends.npy", self.addends)
        np.save(folder / "df.npy", np.asarray([self.statistics.df.get(term, 0) for term in self.terms], dtype=np.int32))
        self.texts.write_ipc(folder / "texts.arrow", compression="uncompressed")
        phrases, heads = sorted(self.statistics.kinds.phrases), sorted(self.statistics.kinds.heads)
        for name, body in (
            ("terms", list(self.terms)),
            ("kinds", {"phrases": phrases, "heads": heads}),
            ("codes", dict(self.codes)),
            ("meta", {"format": FORMAT, "n_docs": self.statistics.n_docs, "length": self.statistics.length}),
        ):
            (folder / f"{name}.json").write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> SearchIndex:
        """Read an index.

        Raises:
            ArtifactError: It is missing, damaged or of another format.
        """
        try:
            meta, terms, kinds, codes = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("meta", "terms", "kinds", "codes"))
            if meta.get("format") != FORMAT:
                raise ArtifactError(f"{folder} is of another format", hint=_HINT)
            lists = [Lists(*(mapped(folder / f"{name}_{part}.npy") for part in ("indptr", "docs"))) for name in ("items", "heads", "inner")]
            df = dict(zip(terms, np.load(folder / "df.npy").tolist(), strict=True))
            statistics = Statistics(meta["n_docs"], df, meta["length"], Kinds(frozenset(kinds["phrases"]), frozenset(kinds["heads"])))
            texts = pl.read_ipc(folder / "texts.arrow")
            return cls(terms, lists[0], mapped(folder / "addends.npy"), lists[1], lists[2], codes, statistics, texts)
        except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
            raise ArtifactError(f"{folder} holds no search index that can be used: {error}", hint=_HINT) from error


def beginning(ordered: Sequence[str], prefix: str, limit: int) -> list[str]:
    """Return what begins so in a sorted sequence, at most `limit` of it."""
    start = bisect_left(ordered, prefix)
    matches: list[str] = []
    while start < len(ordered) and ordered[start].startswith(prefix) and len(matches) < limit:
        matches.append(ordered[start])
        start += 1
    return matches


def _counted(items: Sequence[ItemText]) -> dict[str, list[tuple[int, int]]]:
    """Return (item, field) of every term, once per occurrence."""
    counted: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for doc, item in enumerate(items):
        for number, text in enumerate(item.texts):
            if text:
                place = (doc, number)
                for token in tokens(text):
                    counted[token.term].append(place)
    return counted


def _lengths(counted: Mapping[str, list[tuple[int, int]]], n_docs: int) -> npt.NDArray[np.float64]:
    lengths = np.zeros(n_docs)
    for matches in counted.values():
        places = np.asarray(matches, dtype=np.int64)
        np.add.at(lengths, places[:, 0], np.asarray(WEIGHTS)[places[:, 1]])
    return lengths


def _addends(
    terms: Sequence[str], counted: Mapping[str, list[tuple[int, int]]], lengths: npt.NDArray[np.float64], statistics: Statistics
) -> tuple[Lists, Floats]:
    indptr = np.zeros(len(terms) + 1, dtype=np.int64)
    docs: list[IntArray] = []
    values: list[Floats] = []
    norm = K1 * (1 - B + B * lengths / max(statistics.length, 1e-9))
    weights = np.asarray(WEIGHTS)
    for number, term in enumerate(terms):
        places = np.asarray(counted[term], dtype=np.int64)
        own, inverse = np.unique(places[:, 0], return_inverse=True)
        weighted = np.bincount(inverse, weights=weights[places[:, 1]], minlength=len(own))
        docs.append(own)
        values.append((statistics.idf(term) * weighted * (K1 + 1) / (weighted + norm[own])).astype(np.float32))
        indptr[number + 1] = indptr[number] + len(own)
    joined = np.concatenate(docs).astype(np.int32) if docs else np.zeros(0, dtype=np.int32)
    return Lists(indptr, joined), np.concatenate(values) if values else np.zeros(0, dtype=np.float32)


def _lists(matches: Collection[tuple[int, int]], n_terms: int) -> Lists:
    table = np.asarray(sorted(matches), dtype=np.int64).reshape(-1, 2)
    indptr = np.searchsorted(table[:, 0], np.arange(n_terms + 1)).astype(np.int64)
    return Lists(indptr, table[:, 1].astype(np.int32))
