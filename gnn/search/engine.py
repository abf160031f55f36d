"""Search over a snapshot: understood, matched, filtered, ranked, counted and explained; never an empty answer without saying what was given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from gnn.graph.walks import largest
from gnn.recommend.recommender import Recommender
from gnn.search.corpus import Corpus
from gnn.search.explanation import reasons
from gnn.search.facets import check_facets, chosen_masks, count
from gnn.search.fields import ItemText, item_text
from gnn.search.index import Floats, SearchIndex
from gnn.search.quantities import QuantityFacts
from gnn.search.query.spelling import Speller
from gnn.search.query.synonyms import Synonyms
from gnn.search.query.understanding import Reader, Understood
from gnn.search.request import Hit, PartReason, SearchQuery, SearchResult
from gnn.search.scoring import Matches, called, match, total
from gnn.search.weights import Weights
from gnn.types import BoolArray, IntArray
from gnn.users.users import User
from kg.errors import InputError


@dataclass(frozen=True, eq=False)
class Prepared:
    """What search needs of one build: worked out once, and shared by all snapshots over it.

    Attributes:
        index: Its index.
        speller: Of its vocabulary.
        synonyms: Of its language and its shop.
        weights: Of the parts of a score.
    """

    index: SearchIndex
    speller: Speller
    synonyms: Synonyms
    weights: Weights

    @classmethod
    def of(cls, index: SearchIndex, synonyms: Synonyms, weights: Weights) -> Prepared:
        """Prepare an index."""
        return cls(index, Speller(index.statistics.df), synonyms, weights)


@dataclass(frozen=True)
class _Matches:
    """What is left of the matches.

    Attributes:
        docs: Items.
        addends: Part → what it adds to each.
        scores: Their sums.
        complete: Which have all words.
    """

    docs: IntArray
    addends: Mapping[str, Floats] = field(repr=False)
    scores: Floats = field(repr=False)
    complete: BoolArray = field(repr=False)

    def kept(self, mask: BoolArray) -> _Matches:
        """Return those of a mask."""
        return _Matches(self.docs[mask], {name: value[mask] for name, value in self.addends.items()}, self.scores[mask], self.complete[mask])


class SearchEngine:
    """Answers queries from one snapshot.

    Args:
        prepared: Of the build.
        recommender: The snapshot: what may be shown, rules, histories.
    """

    def __init__(self, prepared: Prepared, recommender: Recommender) -> None:
        self._prepared, self._recommender = prepared, recommender
        self.corpus = _corpus(prepared.index, recommender)
        self._reader = Reader(prepared.speller, prepared.synonyms, self.corpus.terms_beginning, partial(called, self.corpus))
        self._quantities = QuantityFacts(recommender.artifact)

    @property
    def recommender(self) -> Recommender:
        """The snapshot that it answers from."""
        return self._recommender

    @property
    def prepared(self) -> Prepared:
        """What it shares with other snapshots over the build."""
        return self._prepared

    def understood(self, text: str) -> Understood:
        """Read a query.

        Raises:
            InputError: It is empty, too long, or holds control characters.
        """
        return self._reader.read(text)

    def matches(self, text: str) -> Matches:
        """Return what a query finds, valued by every part that judgements teach."""
        return match(self.corpus, self.understood(text), self._quantities)

    def search(self, query: SearchQuery, user: User | None = None) -> SearchResult:
        """Answer a query.

        Args:
            query: What was asked.
            user: Who asks: what the history leads to counts.

        Raises:
            InputError: The query cannot be read, or names a facet that does not exist.
        """
        columns, artifact = self._recommender.columns, self._recommender.artifact
        check_facets(query.facets, query.chosen, columns)
        understood = self.understood(query.text)
        matches = self._shown(self._scored(understood, user), query, user)
        masks = chosen_masks(query.chosen, columns)
        understood, matches, dropped = self._relaxed(understood, matches, masks)
        counted = matches.kept(matches.complete) if matches.complete.any() else matches
        facets = count(query.facets, counted.docs, masks, artifact) if query.facets else ()
        for mask in masks.values():
            matches, counted = matches.kept(mask[matches.docs]), counted.kept(mask[counted.docs])
        if query.sort != "relevance":
            # Who sorts by price does not want the cheapest of what hardly fits.
            matches = counted
        order = self._order(matches, query)
        chosen = order[query.offset : query.offset + query.k]
        hits = tuple(self._hit(matches, place, rank, understood, query) for rank, place in enumerate(chosen.tolist(), start=query.offset + 1))
        complete = bool(matches.complete.any())
        return SearchResult(artifact.build_id, understood, hits, len(counted.docs), complete, dropped, facets, len(order) > query.offset + query.k)

    def rank(self, text: str, k: int) -> list[tuple[str, float]]:
        """Return the best items of a query with their scores, for batches; whatever the query holds, nothing is refused but an empty one."""
        matches = self.search(SearchQuery(text, k=k))
        return [(hit.item_id, hit.score) for hit in matches.hits]

    def _scored(self, understood: Understood, user: User | None) -> _Matches:
        matches = match(self.corpus, understood, self._quantities)
        weights = self._prepared.weights.values
        addends = matches.addends(weights)
        artifact, docs = self._recommender.artifact, matches.docs
        popularity = np.log1p(np.asarray(artifact.popularity)[docs])
        if len(docs) and popularity.max() > 0:
            addends["popularity"] = (weights["popularity"] * popularity / popularity.max()).astype(np.float32)
        if user is not None and len(user.history.nums) and len(docs):
            personal = np.maximum(self._recommender.scores(user.history)[docs], 0.0)
            if personal.max() > 0:
                addends["personal"] = (weights["personal"] * personal / personal.max()).astype(np.float32)
        return _Matches(docs, addends, total(addends, len(docs)), matches.complete)

    def _shown(self, matches: _Matches, query: SearchQuery, user: User | None) -> _Matches:
        """Leave out what must not be shown, what rules take out and what the filter refuses, and let rules move scores."""
        snapshot, n = self._recommender.snapshot, self._recommender.artifact.n_items
        shown = np.ones(n, dtype=bool)
        shown[snapshot.unavailable.items] = False
        overlay = self._recommender.overlay
        if overlay is not None:
            shown[overlay.gone_nums] = False
        active = snapshot.rules.active(self._recommender.users.ad_hoc(()) if user is None else user)
        for exclusion in active.exclusions:
            shown[exclusion.items] = False
        if query.filter is not None:
            shown &= self._recommender.mask(query.filter)
        matches = matches.kept(shown[matches.docs])
        changes = np.zeros(n, dtype=np.float32)
        for adjustment in active.adjustments:
            changes[adjustment.items] += adjustment.factors.astype(np.float32) - 1
        if changes.any():
            delta = (matches.scores * changes[matches.docs]).astype(np.float32)
            matches = replace(matches, addends={**matches.addends, "rules": delta}, scores=matches.scores + delta)
        whole = np.zeros(n, dtype=np.float32)
        whole[matches.docs] = np.maximum(matches.scores, 1e-6)
        hidden = np.zeros(n, dtype=bool)
        hidden[snapshot.engine.duplicates.hidden(whole, None)] = True
        return matches.kept(~hidden[matches.docs])

    def _relaxed(self, understood: Understood, matches: _Matches, masks: Mapping[str, BoolArray]) -> tuple[Understood, _Matches, tuple[str, ...]]:
        """Apply what the query itself demands, and give up what would leave nothing, saying so."""
        dropped: list[str] = []
        without = matches.kept(~self._having(understood)[matches.docs])
        if len(without.docs) or not len(matches.docs):
            matches = without
        else:
            dropped.append("without " + ", ".join(word.surface for word in understood.negated))
        priced = matches.kept(self._priced(understood)[matches.docs])
        if len(priced.docs) or not len(matches.docs):
            matches = priced
        else:
            dropped.append(_price_text(understood))
        if not len(matches.docs) and not masks:
            dropped.extend([understood.text])
            return understood, self._everything(understood), tuple(dropped)
        if not matches.complete.any():
            dropped.extend(self._missing(understood, matches))
        return understood, matches, tuple(dropped)

    def _missing(self, understood: Understood, matches: _Matches) -> list[str]:
        """Return the words that the best items lack."""
        if not len(matches.docs):
            return []
        best = matches.docs[largest(matches.scores, None, 10)]
        lacking = []
        for word in understood.words:
            docs = np.concatenate([self.corpus.addends(term)[0] for term in (word.term, *word.alternatives)])
            if not np.isin(best, docs).any():
                lacking.append(word.surface)
        return list(dict.fromkeys(lacking))

    def _everything(self, understood: Understood) -> _Matches:
        """Return what shoppers choose, where nothing at all has anything of the query."""
        artifact = self._recommender.artifact
        shown = np.asarray(artifact.available, dtype=bool).copy()
        if self._recommender.overlay is not None:
            shown[self._recommender.overlay.gone_nums] = False
        docs = np.flatnonzero(shown)
        popularity = np.log1p(np.asarray(artifact.popularity)[docs]).astype(np.float32)
        popularity = popularity / popularity.max() if len(docs) and popularity.max() > 0 else np.zeros(len(docs), dtype=np.float32)
        return _Matches(docs, {"popularity": popularity}, popularity, np.zeros(len(docs), dtype=bool))

    def _having(self, understood: Understood) -> BoolArray:
        """Return which items have something that must not be there; what an item says it is without does not count."""
        mask = np.zeros(self.corpus.n_items, dtype=bool)
        for word in understood.negated:
            mask[self.corpus.addends(word.term)[0]] = True
            relations = self._recommender.columns.relations
            if "has_free_from" in relations:
                mask &= ~self._recommender.columns.related("has_free_from", [word.surface, word.term])
        return mask

    def _priced(self, understood: Understood) -> BoolArray:
        prices = np.asarray(self._recommender.artifact.price_cents, dtype=np.float64)
        mask = np.ones(len(prices), dtype=bool)
        with np.errstate(invalid="ignore"):
            if understood.price_from is not None:
                mask &= prices >= understood.price_from
            if understood.price_to is not None:
                mask &= prices <= understood.price_to
        return mask

    def _order(self, matches: _Matches, query: SearchQuery) -> IntArray:
        artifact = self._recommender.artifact
        if query.sort == "relevance":
            keys: list[np.ndarray] = [matches.docs, -matches.scores]
        elif query.sort in ("price", "-price"):
            prices = np.asarray(artifact.price_cents, dtype=np.float64)[matches.docs]
            unknown = ~np.isfinite(prices)
            keys = [matches.docs, -matches.scores, np.where(unknown, 0, prices if query.sort == "price" else -prices), unknown]
        elif query.sort == "popularity":
            keys = [matches.docs, -matches.scores, -np.asarray(artifact.popularity)[matches.docs]]
        else:
            keys = [matches.docs, -matches.scores, -self._first_met()[matches.docs]]
        return np.lexsort(keys)

    def _first_met(self) -> np.ndarray:
        """Return when each item was first met, later for newer; items that nobody has met are the newest.

        Raises:
            InputError: The shop's events have no times.
        """
        artifact = self._recommender.artifact
        if artifact.timing == "none":
            raise InputError("items cannot be sorted by newness: the shop's events have no times", hint="sort by relevance, price or popularity")
        times = np.full(artifact.n_items, np.inf)
        first = np.asarray(artifact.meetings.first, dtype=np.float64)
        times[: len(first)] = np.where(np.isfinite(first), first, np.inf)
        return times

    def _hit(self, matches: _Matches, place: int, rank: int, understood: Understood, query: SearchQuery) -> Hit:
        artifact, doc = self._recommender.artifact, int(matches.docs[place])
        price, score = float(artifact.price_cents[doc]), float(matches.scores[place])
        named: tuple[PartReason, ...] = ()
        if query.explain:
            addends = {name: float(value[place]) for name, value in matches.addends.items()}
            score = sum(addends.values())
            named = reasons(self.corpus, doc, understood, addends, score)
        return Hit(artifact.item_ids[doc], artifact.titles[doc], rank, score, int(price) if np.isfinite(price) else None, named)


def _price_text(understood: Understood) -> str:
    low, high = understood.price_from, understood.price_to
    limits = [f"from {low / 100:g}" if low is not None else "", f"up to {high / 100:g}" if high is not None else ""]
    return "the price " + " ".join(limit for limit in limits if limit)


def _corpus(index: SearchIndex, recommender: Recommender) -> Corpus:
    overlay, artifact = recommender.overlay, recommender.artifact
    if overlay is None:
        return Corpus.of(index, artifact.n_items)
    changed: list[tuple[int, ItemText]] = []
    retitled = [item for item in overlay.unchanged.values() if item.title != recommender.build.titles[recommender.build.item_nums[item.item_id]]]
    for item in (*overlay.arrays.items, *retitled):
        num = overlay.num(item.item_id)
        if num is not None and item.item_id not in overlay.gone:
            values = {relation: values for (_, relation, target), values in item.facts.items() if target not in ("brand", "category")}
            brand = next((values for (_, _, target), values in item.facts.items() if target == "brand"), ("",))
            categories: Sequence[str] = next((values for (_, _, target), values in item.facts.items() if target == "category"), ())
            changed.append((num, item_text(item.item_id, item.title, "", brand[0], categories, values)))
    return Corpus.of(index, artifact.n_items, changed, overlay.gone_nums.tolist())
