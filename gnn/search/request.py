"""What is asked of search, and what it answers: the nouns that the doors share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gnn.recommend.filters import Filter
from gnn.search.query.understanding import Understood

Sort = Literal["relevance", "price", "-price", "newness", "popularity"]
SORTS: tuple[Sort, ...] = ("relevance", "price", "-price", "newness", "popularity")
MAX_FACETS, MAX_FACET_VALUES = 20, 50
MAX_LISTED = 1_000
"""Places that pages reach."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A question to search.

    Attributes:
        text: What was typed.
        k: How many items.
        offset: Places to leave out at the head.
        filter: Only items that it lets through.
        facets: Relations whose values are counted, and "price_cents".
        chosen: Relation → values that were chosen: any of them within a relation, all relations together.
        sort: The order.
        explain: Give reasons.
    """

    text: str
    k: int = 10
    offset: int = 0
    filter: Filter | None = None
    facets: tuple[str, ...] = ()
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: Sort = "relevance"
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a word was found.

    Attributes:
        field: "title", "description", …, or the relation of a fact.
        start: First character; None for a fact.
        end: After the last one.
        surface: As it is written there.
        term: What was looked for.
    """

    field: str
    start: int | None
    end: int | None
    surface: str
    term: str


@dataclass(frozen=True, slots=True)
class PartReason:
    """One part of a score.

    Attributes:
        part: Its name (`gnn.search.weights.DEFAULTS`).
        share: Of the score; the shares of all parts add up to 1.
        addend: What it adds to the score.
        sentence: What it means, in words.
        evidence: Where it was found.
    """

    part: str
    share: float
    addend: float
    sentence: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """One item found.

    Attributes:
        item_id: Which.
        title: Its title.
        rank: From 1.
        score: The sum of the parts.
        price_cents: None where unknown.
        reasons: The parts, the largest first; empty where not asked for.
    """

    item_id: str
    title: str
    rank: int
    score: float
    price_cents: int | None
    reasons: tuple[PartReason, ...] = ()


@dataclass(frozen=True, slots=True)
class Facet:
    """How many items have each value of a relation.

    Attributes:
        name: The relation, or "price_cents".
        values: (value, items), the most frequent first.
        lowest: Of a number.
        highest: Of a number.
    """

    name: str
    values: tuple[tuple[str, int], ...] = ()
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found.

    Attributes:
        build_id: The build that answers.
        query: As it was understood.
        hits: Best first.
        total: Items found that have all words or what these mean; where none has, those that have any.
        complete: Whether there are items that have all.
        dropped: What of the query had to be given up so that something is found, in words.
        facets: Those asked for, counted over `total`.
        more: Whether the list goes on.
    """

    build_id: str
    query: Understood
    hits: tuple[Hit, ...]
    total: int
    complete: bool
    dropped: tuple[str, ...] = ()
    facets: tuple[Facet, ...] = ()
    more: bool = False
