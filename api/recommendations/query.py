"""Parameters of a list, in a query string or in a body, and how they become a `RecQuery`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from api.recommendations.page_tokens import MAX_LISTED, MAX_TOKEN, Page, question
from gnn.recommend.filters import parse_filter
from gnn.recommend.query import PERSONAL, RecQuery, item_hash
from gnn.recommend.recommender import Recommendations, Recommender
from gnn.recommend.rerankers import base as rerankers
from gnn.recommend.rerankers.base import RERANKERS
from gnn.recommend.strategies.registry import summaries, user_strategies
from kg.errors import InputError
from kg.validation import json_text
from kg.validation.fields import MAX_VALUE_CHARS, Flag, Whole

MAX_FILTER = 20_000
_CAP = re.compile(r"([a-z][a-z0-9_]{0,62}):([1-9][0-9]{0,2})")
_FILTER_EXAMPLE = {"all": [{"field": "price_cents", "lte": 2000}, {"relation": "has_brand", "in": ["Leafy"]}]}


if TYPE_CHECKING:
    StrategyName = str
    RerankerName = str
else:
    # The registries know what installed packages bring, too.
    StrategyName = Literal[user_strategies()]
    RerankerName = Literal[tuple(RERANKERS.names())]


class ListQuery(BaseModel):
    """Parameters of every list."""

    model_config = ConfigDict(extra="forbid")

    k: Whole = Field(default=10, ge=1, description="How many items; the most is the configuration's `max_k`.")
    offset: Whole = Field(default=0, ge=0, lt=MAX_LISTED, description="Places to leave out at the head of the list.")
    page_token: str = Field(default="", max_length=MAX_TOKEN, description="`next_page_token` of the page before; goes without `offset`.")
    explain: Literal["none", "brief", "full"] = Field(
        default="full", description="brief: the three largest reasons with their strongest path; full: up to eight with up to five."
    )
    diversity: float = Field(
        default=0.0, ge=0, le=1, description="0 ranks by score alone, 1 by difference from what is ranked above alone (maximal marginal relevance)."
    )
    seed: Whole | None = Field(default=None, ge=0, lt=2**32, description="Explore: draw the order, the same for the same seed.")
    rerank: list[RerankerName] = Field(
        default=[], max_length=8, description=f"Re-rankers to apply beside those that a parameter turns on. {rerankers.summaries()}."
    )


class ListQueryParams(ListQuery):
    """Parameters of a list, in a query string."""

    filter: str = Field(default="", max_length=MAX_FILTER, description="A filter as JSON text.", examples=[orjson.dumps(_FILTER_EXAMPLE).decode()])
    cap: list[str] = Field(
        default=[], max_length=8, description="relation:n, most items of one value in the list; repeat for several.", examples=[["has_brand:2"]]
    )


class ListQueryBody(ListQuery):
    """Parameters of a list, as members of a body, where a number is a number: "10" is not 10."""

    model_config = ConfigDict(strict=True)

    filter: dict[str, Any] | None = Field(default=None, description="Structured filter; see docs.", examples=[_FILTER_EXAMPLE])
    caps: dict[str, Annotated[int, Field(ge=1, le=999)]] = Field(
        default={}, max_length=8, description="Relation → most items of one value in the list.", examples=[{"has_brand": 2}]
    )


class StrategyQuery(BaseModel):
    """Parameters of lists for a shopper."""

    strategy: StrategyName = Field(
        default=PERSONAL, description=f"{summaries()}. personal and session fall back to popular for somebody of whom nothing is known."
    )
    exclude_seen: Flag = Field(default=True, description="Leave out what the shopper has met; what was disliked is left out in any case.")


class ShopperQuery(StrategyQuery, ListQueryParams):
    """Query of a shopper's list."""


class Everybody(ListQueryParams):
    """Query of a list for everybody."""

    category: str = Field(default="", max_length=MAX_VALUE_CHARS, description="Only items of this category.")


class WindowQuery(Everybody):
    """Query of a list of what trends."""

    window_days: float = Field(default=7.0, gt=0, le=3_650, description="Of trending items: days before the last event of the build.")


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A checked question.

    Attributes:
        query: For the recommender.
        page: The page token that was sent, if one was.
        question: What a next page token must carry.
    """

    query: RecQuery
    page: Page | None
    question: int

    def next_token(self, result: Recommendations, seq: int) -> str | None:
        """Return where the next page begins, or None where the list ends or pages do not reach further."""
        shown = (*(self.page.shown if self.page else ()), *(item_hash(item.item_id) for item in result.items))
        end = self.query.offset + self.query.k
        if not result.more or end >= MAX_LISTED or len(shown) > MAX_LISTED:
            return None
        return Page(end, seq if self.page is None else self.page.seq, self.question, shown).token()


def parse_query(list_query: ListQuery, recommender: Recommender, *, max_k: int, show_ids: bool, of: object = None, **more: Any) -> ParsedQuery:
    """Check the parameters of a list, and return them as a query.

    Args:
        list_query: As they came in.
        recommender: The build that will answer: filters and caps are checked against it.
        max_k: Longest list.
        show_ids: Whether the caller may read the graph.
        of: What else makes the question another one.
        **more: Further attributes of `RecQuery`.

    Raises:
        InputError: A parameter does not fit the build, the limits or the page token.
    """
    check_k(list_query.k, max_k)
    if list_query.page_token and list_query.offset:
        raise InputError("both page_token and offset were given", hint="send one of them")
    wanted, caps = _filter(list_query), _caps(list_query)
    if isinstance(list_query, Everybody) and list_query.category:
        chosen = {"relation": "has_category", "eq": list_query.category}
        wanted = chosen if wanted is None else {"all": [chosen, wanted]}
    parsed = None if wanted is None else parse_filter(wanted, recommender.columns)
    for relation in caps:
        recommender.check_relation(relation)
    if isinstance(list_query, StrategyQuery):
        more |= {"strategy": list_query.strategy, "exclude_seen": list_query.exclude_seen}
    query = RecQuery(
        explain=list_query.explain,
        show_ids=show_ids,
        filter=parsed,
        diversity=list_query.diversity,
        caps=tuple(sorted(caps.items())),
        seed=list_query.seed,
        rerank=tuple(sorted(set(list_query.rerank))),
        **more,
    )
    rerankers.wanted_by(query)
    same = question(query, of)
    page = Page.read(list_query.page_token) if list_query.page_token else None
    if page is not None and page.question != same:
        raise InputError("page_token belongs to another question", hint="ask for the next page with the same parameters as for the first")
    offset = list_query.offset if page is None else page.offset
    if offset + list_query.k > MAX_LISTED + max_k:
        raise InputError(f"place {offset + list_query.k} is beyond the end of any list", hint=f"lists are {MAX_LISTED} long at most")
    return ParsedQuery(replace(query, k=list_query.k, offset=offset, withheld=frozenset() if page is None else frozenset(page.shown)), page, same)


def check_k(k: int, max_k: int) -> None:
    """Refuse a list that is too long.

    Raises:
        InputError: With the bound.
    """
    if k > max_k:
        raise InputError(f"k is {str(k)[:20]}", hint=f"ask for at most {max_k}")


def _filter(list_query: ListQuery) -> object:
    if isinstance(list_query, ListQueryBody):
        return list_query.filter
    if not isinstance(list_query, ListQueryParams) or not list_query.filter:
        return None
    wrong = json_text.fault(list_query.filter)
    if wrong is not None:
        raise InputError(f"filter: {wrong}")
    try:
        return orjson.loads(list_query.filter)
    except orjson.JSONDecodeError as error:
        raise InputError(f"filter is not JSON: {error}", hint='send filter={"field": "price_cents", "lte": 2000}, percent-encoded') from None


def _caps(list_query: ListQuery) -> dict[str, int]:
    if isinstance(list_query, ListQueryBody):
        return dict(list_query.caps)
    caps = {}
    for text in list_query.cap if isinstance(list_query, ListQueryParams) else ():
        match = _CAP.fullmatch(text)
        if match is None:
            raise InputError(f"cap {text[:80]!r} is not relation:n", hint="write cap=has_brand:2")
        caps[match[1]] = int(match[2])
    return caps
