"""Types of the answers of search, for the client."""

from __future__ import annotations

from typing import Literal, TypedDict


class FoundAt(TypedDict):
    """Where a word was found."""

    field: str
    start: int | None
    end: int | None
    surface: str
    term: str


class Part(TypedDict):
    """One part of a score."""

    part: str
    share: float
    addend: float
    sentence: str
    evidence: list[FoundAt]


class FoundItem(TypedDict):
    """One item found."""

    item_id: str
    title: str
    rank: int
    score: float
    price_cents: int | None
    reasons: list[Part]


class FacetValue(TypedDict):
    """One value, and how many items have it."""

    value: str
    count: int


class FacetCounts(TypedDict):
    """Values of one relation."""

    name: str
    values: list[FacetValue]
    lowest: float | None
    highest: float | None


class UnderstoodWord(TypedDict):
    """A word of the query."""

    surface: str
    start: int
    end: int
    term: str
    corrected: bool


class UnderstoodAmount(TypedDict):
    """An amount of the query."""

    surface: str
    start: int
    end: int
    meanings: list[str]


class Reading(TypedDict):
    """How the query was understood."""

    words: list[UnderstoodWord]
    without: list[UnderstoodWord]
    price_from_cents: int | None
    price_to_cents: int | None
    amounts: list[UnderstoodAmount]
    other_words: list[str]


class SearchAnswer(TypedDict):
    """What was found."""

    request_id: str
    build_id: str
    understood: Reading
    total: int
    complete: bool
    dropped: list[str]
    degraded: list[str]
    next_page_token: str | None
    facets: list[FacetCounts]
    items: list[FoundItem]


class Suggested(TypedDict):
    """One suggestion."""

    kind: Literal["kind", "brand", "category", "product"]
    text: str
    item_id: str | None


class SuggestAnswer(TypedDict):
    """Suggestions, the best first."""

    request_id: str
    build_id: str
    suggestions: list[Suggested]
