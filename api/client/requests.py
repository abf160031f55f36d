"""Every call of the API as data: what is sent, and the type of what comes back. Both clients send these; nothing of the web is imported.

Ids are percent-encoded here, and an event gets its `event_id` here, before it is sent the first time: that makes every call safe to repeat.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack
from urllib.parse import quote

from pydantic_core import to_json

from . import answer_types, cypher_types, risk_types, search_types, types

T = TypeVar("T", covariant=True)
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request.

    Attributes:
        method: HTTP method.
        path: Percent-encoded.
        query: Query parameters; those that are None are left out.
        body: JSON, or None for no body.
        language: Of the sentences: "zh", or as Accept-Language has it; None leaves it to the client.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    language: str | None = None

    def parameters(self) -> dict[str, str | list[str]]:
        """Return the query as strings."""
        given = {name: value for name, value in self.query.items() if value is not None}
        return {name: [str(each) for each in value] if isinstance(value, list) else _text(value) for name, value in given.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return to_json(value).decode() if isinstance(value, Mapping) else str(value)


def _id(text: str) -> str:
    return quote(text, safe="")


class ListQuery(TypedDict, total=False):
    """What may be asked of every list.

    Attributes:
        k: How many items.
        offset: Places to leave out at the head of the list.
        page_token: `next_page_token` of the page before.
        explain: Which reasons are given: none, the strongest, or all.
        diversity: 0 ranks by score alone, 1 by difference from what is ranked above alone.
        seed: Explore: draw the order, the same for the same seed.
        filter: Only items that this lets through.
        caps: Relation → most items of one value in the list.
        rerank: Names of further re-rankers: of those that docs/api.md lists, or of a package that the shop installed.
        language: Of the sentences: "zh", or several as Accept-Language has them ("zh-CN, en;q=0.5").
    """

    k: int
    offset: int
    page_token: str
    explain: Literal["none", "brief", "full"]
    diversity: float
    seed: int
    filter: Json
    caps: Mapping[str, int]
    rerank: Sequence[str]
    language: str


class UserListQuery(ListQuery, total=False):
    """What may be asked of a list for a shopper.

    Attributes:
        strategy: Where the list comes from: one of those that docs/api.md lists, or one of a package that the shop installed.
        exclude_seen: Leave out what the shopper has met.
    """

    strategy: str
    exclude_seen: bool


class PopularListQuery(ListQuery, total=False):
    """What may be asked of a list for everybody.

    Attributes:
        category: Only items of this category.
    """

    category: str


class TrendingListQuery(PopularListQuery, total=False):
    """What may be asked of a list of what trends.

    Attributes:
        window_days: Days before the last event of the build.
    """

    window_days: float


def _query(list_query: Mapping[str, Any]) -> dict[str, Any]:
    caps = [f"{relation}:{most}" for relation, most in list_query.get("caps", {}).items()]
    return {**{name: value for name, value in list_query.items() if name not in ("caps", "language")}, **({"cap": caps} if caps else {})}


def _body(list_query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in list_query.items() if name != "language"}


def recommendations(user_id: str, **list_query: Unpack[UserListQuery]) -> Call[types.RecommendationList]:
    """Recommend items to a user."""
    return Call("GET", f"/v1/users/{_id(user_id)}/recommendations", _query(list_query), language=list_query.get("language"))


def ad_hoc_recommendations(history: Sequence[Json], **list_query: Unpack[UserListQuery]) -> Call[types.RecommendationList]:
    """Recommend items to somebody of whom only the given history is known: [{"item_id": …, "kind": …, "time": …}]."""
    return Call("POST", "/v1/recommendations", body={"history": list(history), **_body(list_query)}, language=list_query.get("language"))


def explanation(user_id: str, item_id: str, *, language: str | None = None) -> Call[types.Explanation]:
    """Explain the score of one item in full for one user."""
    return Call("GET", f"/v1/users/{_id(user_id)}/recommendations/{_id(item_id)}/explanation", language=language)


def why_not(user_id: str, item_id: str, *, k: int | None = None, filter: Json | None = None) -> Call[types.WhyNot]:
    """Tell why an item is not in a user's list, and the fewest events that would bring it in."""
    return Call("GET", f"/v1/users/{_id(user_id)}/recommendations/{_id(item_id)}/why-not", {"k": k, "filter": filter})


def replay(request_id: str) -> Call[types.RecommendationList]:
    """Return a past answer exactly as it was shown."""
    return Call("GET", f"/v1/recommendations/{_id(request_id)}")


def similar(item_id: str, **list_query: Unpack[ListQuery]) -> Call[types.RecommendationList]:
    """List items like one."""
    return Call("GET", f"/v1/items/{_id(item_id)}/similar", _query(list_query), language=list_query.get("language"))


def bought_together(item_id: str, **list_query: Unpack[ListQuery]) -> Call[types.RecommendationList]:
    """List what is bought together with an item."""
    return Call("GET", f"/v1/items/{_id(item_id)}/bought_together", _query(list_query), language=list_query.get("language"))


def basket_recommendations(item_ids: Sequence[str], **list_query: Unpack[ListQuery]) -> Call[types.RecommendationList]:
    """List what completes a basket."""
    return Call("POST", "/v1/baskets/recommendations", body={"item_ids": list(item_ids), **_body(list_query)}, language=list_query.get("language"))


def popular(**list_query: Unpack[PopularListQuery]) -> Call[types.RecommendationList]:
    """List popular items."""
    return Call("GET", "/v1/items/popular", _query(list_query), language=list_query.get("language"))


def trending(**list_query: Unpack[TrendingListQuery]) -> Call[types.RecommendationList]:
    """List items that were chosen more than usual lately."""
    return Call("GET", "/v1/items/trending", _query(list_query), language=list_query.get("language"))


def put_item(item_id: str, fields: Json) -> Call[types.ItemAccepted]:
    """Add an item, or say anew what it is."""
    return Call("PUT", f"/v1/items/{_id(item_id)}", body=dict(fields))


def patch_item(item_id: str, fields: Json) -> Call[types.ItemAccepted]:
    """Change some fields of an item; None forgets one."""
    return Call("PATCH", f"/v1/items/{_id(item_id)}", body=dict(fields))


def delete_item(item_id: str) -> Call[types.ItemAccepted]:
    """Delete an item."""
    return Call("DELETE", f"/v1/items/{_id(item_id)}")


def change_items(changes: Sequence[Json]) -> Call[types.ItemsAccepted]:
    """Change up to 1,000 items: [{"item_id": …, "operation": "put", …}]."""
    return Call("POST", "/v1/items", body=[dict(change) for change in changes])


def item(item_id: str) -> Call[types.KnownItem]:
    """Tell what the shop knows of an item."""
    return Call("GET", f"/v1/items/{_id(item_id)}")


def send_events(events: Sequence[Json]) -> Call[types.EventsAccepted]:
    """Send 1 to 1,000 events; those without an `event_id` get one, so that repeating the call counts none twice."""
    return Call("POST", "/v1/events", body=[{"event_id": secrets.token_hex(16), **event} for event in events])


def user_events(user_id: str, *, limit: int | None = None, before: int | None = None) -> Call[types.UserEvents]:
    """List a user's events, the latest first."""
    return Call("GET", f"/v1/users/{_id(user_id)}/events", {"limit": limit, "before": before})


def profile(user_id: str, *, relations: Sequence[str] = (), n: int | None = None) -> Call[types.Profile]:
    """Tell what is known of a user."""
    return Call("GET", f"/v1/users/{_id(user_id)}/profile", {"relation": list(relations), "n": n})


def change_profile(user_id: str, interests: Sequence[Json]) -> Call[types.ProfileChanged]:
    """Hide interests or weigh them otherwise: [{"relation": "has_brand", "value": …, "weight": 0}]."""
    return Call("PATCH", f"/v1/users/{_id(user_id)}/profile", body={"interests": list(interests)})


def put_user(user_id: str, attributes: Mapping[str, str | Sequence[str]]) -> Call[types.UsersAccepted]:
    """Store what a user declares, in place of what was declared before."""
    return Call("PUT", f"/v1/users/{_id(user_id)}", body={"attributes": dict(attributes)})


def put_users(users: Mapping[str, Mapping[str, str | Sequence[str]]]) -> Call[types.UsersAccepted]:
    """Store what up to 1,000 users declare."""
    return Call("POST", "/v1/users", body=[{"user_id": user_id, "attributes": dict(attributes)} for user_id, attributes in users.items()])


def rules() -> Call[types.RuleList]:
    """List the business rules."""
    return Call("GET", "/v1/rules")


def rule(rule_id: str) -> Call[types.ShownRule]:
    """Show one business rule."""
    return Call("GET", f"/v1/rules/{_id(rule_id)}")


def put_rule(rule_id: str, body: Json) -> Call[types.RuleAccepted]:
    """Store a business rule, in place of an earlier one of this id."""
    return Call("PUT", f"/v1/rules/{_id(rule_id)}", body=dict(body))


def delete_rule(rule_id: str) -> Call[None]:
    """Delete a business rule."""
    return Call("DELETE", f"/v1/rules/{_id(rule_id)}")


def preview_rules(rules: Sequence[Json] = (), *, without: Sequence[str] = (), users: int | None = None, k: int | None = None) -> Call[types.Preview]:
    """Say what rules would change in the lists of sample users."""
    given = {name: value for name, value in (("users", users), ("k", k)) if value is not None}
    return Call("POST", "/v1/rules/preview", body={"rules": list(rules), "without": list(without), **given})


def risk_report() -> Call[risk_types.RiskReport]:
    """Show what the last risk report found, with the decisions made since."""
    return Call("GET", "/v1/risk/report")


def risk_decisions() -> Call[risk_types.DecisionList]:
    """List all decisions about accounts."""
    return Call("GET", "/v1/risk/decisions")


def decide_risk(user_id: str, decision: Literal["confirm", "clear", "watch"], note: str = "") -> Call[risk_types.DecisionTaken]:
    """Decide of an account."""
    return Call("PUT", f"/v1/risk/accounts/{_id(user_id)}/decision", body={"decision": decision, "note": note})


class SearchWishes(TypedDict, total=False):
    """What may be wished of search.

    Attributes:
        k: How many items.
        page_token: `next_page_token` of the page before.
        user_id: Who asks: what the history leads to counts.
        facets: Relations to count the values of, and "price_cents".
        chosen: Relation → values: any of them within a relation, all relations together.
        filter: Only items that this lets through.
        sort: The order.
        explain: Say of each item what its score is made of.
    """

    k: int
    page_token: str
    user_id: str
    facets: Sequence[str]
    chosen: Mapping[str, Sequence[str]]
    filter: Json
    sort: Literal["relevance", "price", "-price", "newness", "popularity"]
    explain: bool


def search(q: str, **options: Unpack[SearchWishes]) -> Call[search_types.SearchAnswer]:
    """Search the catalogue."""
    query: dict[str, Any] = {"q": q, **options}
    return Call("GET", "/v1/search", {**query, "facets": ",".join(options["facets"])} if "facets" in options else query)


def search_by_body(q: str, **options: Unpack[SearchWishes]) -> Call[search_types.SearchAnswer]:
    """Search the catalogue, with the question in a body: for filters that are too long for an address."""
    return Call("POST", "/v1/search", body={"q": q, **options})


def suggest(q: str, k: int = 8) -> Call[search_types.SuggestAnswer]:
    """Suggest what may be searched for, while somebody types."""
    return Call("GET", "/v1/search/suggest", {"q": q, "k": k})


def cypher(query: str, parameters: Json | None = None, *, max_rows: int = 1000) -> Call[cypher_types.CypherAnswer]:
    """Run one Cypher query that reads."""
    return Call("POST", "/v1/cypher", body={"query": query, "parameters": dict(parameters or {}), "max_rows": max_rows})


def queries() -> Call[cypher_types.LibraryList]:
    """List the query library."""
    return Call("GET", "/v1/queries")


def run_library_query(name: str, parameters: Json | None = None, *, max_rows: int = 1000) -> Call[cypher_types.CypherAnswer]:
    """Run a query of the library."""
    return Call("POST", f"/v1/queries/{_id(name)}/run", body={"parameters": dict(parameters or {}), "max_rows": max_rows})


def ready() -> Call[types.Ready]:
    """Say whether requests can be answered, and why not; takes no key."""
    return Call("GET", "/health/ready")


class About(TypedDict, total=False):
    """What a question is about.

    Attributes:
        item_id: The item.
        user_id: Who asks, for “why was this shown to me?”.
        locale: Language of the sentences; that of the question by default.
    """

    item_id: str
    user_id: str
    locale: str


def answer(question: str, **about: Unpack[About]) -> Call[answer_types.QuestionAnswer]:
    """Ask a question about an item; every sentence of the answer cites what says it."""
    return Call("POST", "/v1/answers", body={"question": question, **about})
