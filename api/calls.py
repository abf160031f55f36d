"""Every call of the API as data: what is sent, and the type of what comes back. Both clients send these; nothing of the web is imported.

Ids are percent-encoded here, and an event gets its `event_id` here, before it is sent the first time: that makes every call safe to repeat.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

import orjson

from api import shapes

T = TypeVar("T", covariant=True)
Json = Mapping[str, Any]
Explain = Literal["none", "brief", "full"]
Strategy = Literal["personal", "session", "buy_again", "popular", "trending", "new"]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request.

    Attributes:
        method: HTTP method.
        path: Percent-encoded.
        query: Query parameters; those that are None are left out.
        body: JSON, or None for no body.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None

    def parameters(self) -> dict[str, str]:
        """Return the query as strings."""
        return {name: _text(value) for name, value in self.query.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, Mapping) else str(value)


def _id(text: str) -> str:
    return quote(text, safe="")


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def recommendations(
    user_id: str,
    *,
    k: int | None = None,
    offset: int | None = None,
    page_token: str | None = None,
    explain: Explain | None = None,
    strategy: Strategy | None = None,
    exclude_seen: bool | None = None,
    filter: Json | None = None,
    diversity: float | None = None,
    seed: int | None = None,
) -> Call[shapes.RecommendationList]:
    """Recommend items to a user."""
    query = _given(
        k=k,
        offset=offset,
        page_token=page_token,
        explain=explain,
        strategy=strategy,
        exclude_seen=exclude_seen,
        filter=filter,
        diversity=diversity,
        seed=seed,
    )
    return Call("GET", f"/v1/users/{_id(user_id)}/recommendations", query)


def ad_hoc_recommendations(
    *,
    user_id: str | None = None,
    history: Sequence[Json] | None = None,
    k: int | None = None,
    offset: int | None = None,
    page_token: str | None = None,
    explain: Explain | None = None,
    strategy: Strategy | None = None,
    exclude_seen: bool | None = None,
    filter: Json | None = None,
    diversity: float | None = None,
    seed: int | None = None,
) -> Call[shapes.RecommendationList]:
    """Recommend items to somebody of whom only the given history is known."""
    body = _given(
        user_id=user_id,
        history=None if history is None else list(history),
        k=k,
        offset=offset,
        page_token=page_token,
        explain=explain,
        strategy=strategy,
        exclude_seen=exclude_seen,
        filter=filter,
        diversity=diversity,
        seed=seed,
    )
    return Call("POST", "/v1/recommendations", body=body)


def explanation(user_id: str, item_id: str) -> Call[shapes.Explanation]:
    """Tell the whole reckoning of one item for one user."""
    return Call("GET", f"/v1/users/{_id(user_id)}/recommendations/{_id(item_id)}/explanation")


def why_not(user_id: str, item_id: str, *, k: int | None = None) -> Call[shapes.WhyNot]:
    """Tell why an item is not in a user's list, and the fewest events that would bring it in."""
    return Call("GET", f"/v1/users/{_id(user_id)}/recommendations/{_id(item_id)}/why-not", _given(k=k))


def replay(request_id: str) -> Call[shapes.RecommendationList]:
    """Return a past answer exactly as it was shown."""
    return Call("GET", f"/v1/recommendations/{_id(request_id)}")


def similar(item_id: str, *, k: int | None = None, explain: Explain | None = None, filter: Json | None = None) -> Call[shapes.RecommendationList]:
    """List items like one."""
    return Call("GET", f"/v1/items/{_id(item_id)}/similar", _given(k=k, explain=explain, filter=filter))


def bought_together(
    item_id: str, *, k: int | None = None, explain: Explain | None = None, filter: Json | None = None
) -> Call[shapes.RecommendationList]:
    """List what is bought together with an item."""
    return Call("GET", f"/v1/items/{_id(item_id)}/bought_together", _given(k=k, explain=explain, filter=filter))


def basket_recommendations(
    item_ids: Sequence[str], *, k: int | None = None, explain: Explain | None = None, filter: Json | None = None
) -> Call[shapes.RecommendationList]:
    """List what completes a basket."""
    return Call("POST", "/v1/baskets/recommendations", body={"item_ids": list(item_ids), **_given(k=k, explain=explain, filter=filter)})


def popular(*, k: int | None = None, category: str | None = None) -> Call[shapes.RecommendationList]:
    """List popular items."""
    return Call("GET", "/v1/items/popular", _given(k=k, category=category))


def trending(*, k: int | None = None, category: str | None = None, window_days: float | None = None) -> Call[shapes.RecommendationList]:
    """List items that were chosen more than usual lately."""
    return Call("GET", "/v1/items/trending", _given(k=k, category=category, window_days=window_days))


def send_events(events: Sequence[Json]) -> Call[shapes.EventsTaken]:
    """Send 1 to 1,000 events; those without an `event_id` get one, so that repeating the call counts none twice."""
    return Call("POST", "/v1/events", body=[{"event_id": secrets.token_hex(16), **event} for event in events])


def user_events(user_id: str, *, limit: int | None = None, before: int | None = None) -> Call[shapes.UserEvents]:
    """List a user's events, the latest first."""
    return Call("GET", f"/v1/users/{_id(user_id)}/events", _given(limit=limit, before=before))


def put_user(user_id: str, attributes: Mapping[str, str | Sequence[str]]) -> Call[shapes.UsersTaken]:
    """Store what a user declares, in place of what was declared before."""
    return Call("PUT", f"/v1/users/{_id(user_id)}", body={"attributes": dict(attributes)})


def put_users(users: Mapping[str, Mapping[str, str | Sequence[str]]]) -> Call[shapes.UsersTaken]:
    """Store what up to 1,000 users declare."""
    return Call("POST", "/v1/users", body=[{"user_id": user_id, "attributes": dict(attributes)} for user_id, attributes in users.items()])


def rules() -> Call[shapes.RuleList]:
    """List the business rules."""
    return Call("GET", "/v1/rules")


def rule(rule_id: str) -> Call[shapes.ShownRule]:
    """Show one business rule."""
    return Call("GET", f"/v1/rules/{_id(rule_id)}")


def put_rule(rule_id: str, body: Json) -> Call[shapes.RuleTaken]:
    """Store a business rule, in place of an earlier one of this id."""
    return Call("PUT", f"/v1/rules/{_id(rule_id)}", body=dict(body))


def delete_rule(rule_id: str) -> Call[None]:
    """Delete a business rule."""
    return Call("DELETE", f"/v1/rules/{_id(rule_id)}")


def ready() -> Call[shapes.Ready]:
    """Say whether requests can be answered, and why not; takes no key."""
    return Call("GET", "/health/ready")
