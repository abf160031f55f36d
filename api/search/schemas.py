"""The shapes of questions to search and of its answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api.http.schemas import Answer
from gnn.search.query.understanding import MAX_QUERY
from kg.validation.fields import MAX_VALUE_CHARS, Flag, Id, Whole

MAX_TOKEN, MAX_FILTER, MAX_NAMES = 40, 20_000, 1_500
SortName = Literal["relevance", "price", "-price", "newness", "popularity"]
_Values = Annotated[list[Annotated[str, Field(max_length=MAX_VALUE_CHARS)]], Field(max_length=50)]
_EXAMPLE: JsonDict = {
    "q": "laptop bag under 30",
    "k": 10,
    "facets": ["has_brand", "price_cents"],
    "chosen": {"has_brand": ["Targus"]},
    "explain": True,
}


class _SharedQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    q: str = Field(
        max_length=MAX_QUERY, description="What was typed: words, brands, amounts with units, a limit of the price, what it must not have, an id."
    )
    k: Whole = Field(default=10, ge=1, description="How many items; the most is the configuration's `max_k`.")
    page_token: str = Field(default="", max_length=MAX_TOKEN, description="`next_page_token` of the page before, with the same question.")
    sort: SortName = Field(
        default="relevance", description="-price: the dearest first. All but relevance order only items that have everything asked for."
    )
    explain: Flag = Field(default=False, description="Say of each item what its score is made of, and what matched where.")


class SearchParams(_SharedQuery):
    """A question in a query string."""

    user_id: str = Field(default="", max_length=200, description="Who asks: what the history leads to counts.")
    facets: str = Field(default="", max_length=MAX_NAMES, description="Relations to count the values of, separated by commas, and price_cents.")
    chosen: str = Field(default="", max_length=MAX_FILTER, description='Values that were chosen, as JSON: {"has_brand": ["HP", "Dell"]}.')
    filter: str = Field(default="", max_length=MAX_FILTER, description="A filter as JSON text, as for recommendations.")


class SearchBody(_SharedQuery):
    """A question in a body."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [_EXAMPLE]})

    user_id: Id | None = Field(default=None, description="Who asks: what the history leads to counts.")
    facets: list[Annotated[str, Field(max_length=70)]] = Field(
        default=[], max_length=20, description="Relations to count the values of, and price_cents."
    )
    chosen: dict[Annotated[str, Field(max_length=70)], _Values] = Field(
        default={}, max_length=20, description="Relation → values: any of them within a relation, all relations together."
    )
    filter: dict[str, Any] | None = Field(default=None, description="Structured filter, as for recommendations.")


class SuggestParams(BaseModel):
    """What was typed so far."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(max_length=MAX_QUERY, description="What was typed so far; the last word may be unfinished.")
    k: Whole = Field(default=8, ge=1, le=20, description="How many suggestions at most.")


class FoundAt(Answer):
    """Where a word was found."""

    field: str = Field(examples=["title"])
    start: int | None = Field(description="First character in that field.")
    end: int | None
    surface: str = Field(description="As it is written there.")
    term: str = Field(description="What was looked for.")


class Part(Answer):
    """One part of a score."""

    part: str = Field(examples=["text"])
    share: float = Field(description="Of the score, exact: the shares of an item add up to 1; below 0 for what lowers it.")
    addend: float
    sentence: str
    evidence: list[FoundAt]


class FoundItem(Answer):
    """One item found."""

    item_id: str
    title: str
    rank: int = Field(ge=1)
    score: float
    price_cents: int | None
    reasons: list[Part] = Field(default=[])


class FacetValue(Answer):
    """One value, and how many of the items found have it."""

    value: str
    count: int


class FacetCounts(Answer):
    """Values of one relation; counted as if nothing of this relation were chosen."""

    name: str
    values: list[FacetValue]
    lowest: float | None = None
    highest: float | None = None


class UnderstoodWord(Answer):
    """A word of the query."""

    surface: str
    start: int
    end: int
    term: str
    corrected: bool


class UnderstoodAmount(Answer):
    """An amount of the query, and what it may mean in the graph."""

    surface: str
    start: int
    end: int
    meanings: list[str]


class Reading(Answer):
    """How the query was understood."""

    words: list[UnderstoodWord]
    without: list[UnderstoodWord]
    price_from_cents: int | None
    price_to_cents: int | None
    amounts: list[UnderstoodAmount]
    other_words: list[str] = Field(description="Other ways to say it that were looked for as well.")


class SearchAnswer(Answer):
    """What was found."""

    request_id: str
    build_id: str
    understood: Reading
    total: int = Field(description="Items that have everything asked for; where none has, those that have some of it.")
    complete: bool = Field(description="Whether there are items that have everything asked for.")
    dropped: list[str] = Field(description="What had to be given up so that something is found.")
    degraded: list[str] = Field(description="What did not work while this was answered; the answer itself is complete.")
    next_page_token: str | None
    facets: list[FacetCounts]
    items: list[FoundItem]


class Suggested(Answer):
    """One suggestion."""

    kind: Literal["kind", "brand", "category", "product"]
    text: str
    item_id: str | None = None


class SuggestAnswer(Answer):
    """Suggestions, the best first."""

    request_id: str
    build_id: str
    suggestions: list[Suggested]
