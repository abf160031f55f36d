"""Two hundred requests with their recorded answers: what a client of the REST API sees does not change when code moves.

`python -m tests.contracts.recorded` records them anew; do that only where an answer was meant to change, and say so in the changelog.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.small_shop import key_of, publish_small_shop, small_app

FILE = Path(__file__).parent / "recorded_answers.jsonl"
USERS = ("u", "a", "b", "c", "d", "e", "nobody")
ITEMS = ("1", "2", "3", "4", "5", "6", "7", "8")
STRATEGIES = ("personal", "session", "buy_again", "popular", "trending", "new")
_VOLATILE = frozenset({"request_id", "instance", "next_page_token", "received_at", "updated", "updated_at", "time_s"})


def requests() -> Iterator[dict[str, Any]]:
    """Yield each request as `method`, `path` and, where it has one, `body`; those that write come last."""

    def get(path: str) -> dict[str, Any]:
        return {"method": "GET", "path": path}

    def send(method: str, path: str, body: Any) -> dict[str, Any]:
        return {"method": method, "path": path, "body": body}

    yield from (get(f"/v1/users/{user}/recommendations?strategy={strategy}&k=4") for user, strategy in product(USERS, STRATEGIES))
    yield from (get(f"/v1/users/{user}/recommendations?explain={explain}&k=3") for user, explain in product(USERS[:3], ("none", "brief", "full")))
    yield from (get(f"/v1/users/{user}/recommendations/{item}/explanation") for user, item in product(USERS[:3], ITEMS))
    yield from (get(f"/v1/users/{user}/recommendations/{item}/why-not?k=2") for user, item in product(USERS[:2], ITEMS))
    yield from (get(f"/v1/items/{item}/{what}?k=4") for item, what in product(ITEMS, ("similar", "bought_together")))
    yield from (get(f"/v1/items/{which}?k=4") for which in ("popular", "trending"))
    yield from (get(f"/v1/items/{item}") for item in ITEMS)
    yield from (get(f"/v1/users/{user}/{what}") for user, what in product(USERS, ("profile", "events")))
    for query in (
        "category=Tea",
        "brand=Leafy",
        "diversity=0.5",
        "seed=3",
        "exclude_items=4",
        "k=0",
        "k=ten",
        "strategy=magic",
        "unknown=1",
        "explain=long",
    ):
        yield get(f"/v1/users/u/recommendations?{query}")
    histories: tuple[list[dict[str, str]], ...] = (
        [],
        [{"item_id": "1"}],
        [{"item_id": "3", "kind": "purchase"}, {"item_id": "5", "kind": "view"}],
        [{"item_id": "none"}],
        [{}],
    )
    for history in histories:
        yield from (send("POST", "/v1/recommendations", {"history": history, "k": k}) for k in (1, 5))
    for relation, value in (
        ("has_category", "Tea"),
        ("has_brand", "Leafy"),
        ("has_brand", "Roast & Co"),
        ("has_brand", "No such"),
        ("has_bogus", "1"),
    ):
        wanted = {"relation": relation, "in": [value]}
        yield send("POST", "/v1/recommendations", {"history": [{"item_id": "3"}], "filter": wanted})
    yield from (send("POST", "/v1/baskets/recommendations", {"item_ids": ids}) for ids in (["3"], ["3", "5"], ["1", "2", "7"], ["none"], []))
    for path in (
        "/v1/items/none",
        "/v1/items/none/similar",
        "/v1/users/u/recommendations/none/explanation",
        "/v1/nothing",
        "/v1/rules",
        "/v1/rules/none",
    ):
        yield get(path)
    rule = {"name": "Tea first", "action": "boost", "factor": 2.0, "categories": ["Tea"]}
    yield send("POST", "/v1/rules/preview", {"rules": [rule | {"rule_id": "tea"}]})
    yield send("PUT", "/v1/rules/tea", rule)
    yield send("PUT", "/v1/rules/broken", {"action": "levitate"})
    yield from (get(f"/v1/users/{user}/recommendations?k=4") for user in USERS)
    yield send("PUT", "/v1/rules/kettles", {"name": "No kettles", "action": "exclude", "items": ["7"]})
    yield from (get(f"/v1/users/{user}/recommendations?k=8") for user in USERS)
    yield {"method": "DELETE", "path": "/v1/rules/kettles"}
    yield get("/v1/rules")
    event = {"event_id": "e1", "user_id": "u", "item_id": "7", "kind": "view", "time": "2024-01-10T10:00:00Z"}
    for body in (
        event,
        [event, event | {"event_id": "e2", "item_id": "8"}],
        event | {"kind": "NOT A KIND"},
        {"item_id": "1"},
        [],
        event | {"event_id": "e3", "item_id": "none"},
    ):
        yield send("POST", "/v1/events", body)
    for user in ("u", "new"):
        yield send("PUT", f"/v1/users/{user}", {"attributes": {"age_band": ["30-39"]}})
        yield get(f"/v1/users/{user}/recommendations?k=3")
        yield get(f"/v1/users/{user}/events")
    yield send("PATCH", "/v1/users/u/profile", {"interests": [{"relation": "has_brand", "value": "Leafy", "weight": 0}]})
    yield send("PATCH", "/v1/users/u/profile", {"hide": 4})
    yield get("/v1/users/u/recommendations?k=3")


def answers() -> list[dict[str, Any]]:
    """Ask a small shop each request in turn.

    Returns:
        One dict per request: the request, `status`, and `answer` without what differs from run to run.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = publish_small_shop(Path(folder) / "shop")
        with TestClient(small_app(workspace), raise_server_exceptions=False, headers=key_of(workspace, "admin")) as client:
            for request in requests():
                response = client.request(request["method"], request["path"], json=request.get("body"))
                answer = response.json() if response.content else None
                rows.append(request | {"status": response.status_code, "answer": _steady(answer)})
    return rows


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _steady(entry) for name, entry in value.items() if name not in _VOLATILE}
    if isinstance(value, list):
        return [_steady(entry) for entry in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


if __name__ == "__main__":
    FILE.write_text("".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in answers()), encoding="utf-8")
