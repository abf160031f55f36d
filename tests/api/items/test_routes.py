"""Items over the API: what is sent is durable, what must not be shown is gone from the next answer, and every worker agrees with a simple model."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from starlette.testclient import TestClient

from api.keys.key_store import KeyStore
from kg.catalog.item_changes import changed, fields_of
from kg.catalog.records import ItemChange
from kg.ledger.database import Database
from kg.ledger.item_store import ItemStore, LiveRow
from kg.ledger.settings import LedgerConfig
from kg.workspace import Workspace
from tests.small_shop import Asking, small_app, small_catalog

FACTS = [
    {"relation": "has_brand", "node_type": "brand", "value": "Leafy", "confidence": 1.0, "field": "brand", "start": 0, "end": 5, "surface": "Leafy"},
    {"relation": "has_category", "node_type": "category", "value": "Tea", "confidence": 1.0},
]


@pytest.fixture
def client(workspace: Workspace, asking: Asking) -> TestClient:
    client = asking(rate_limit="100000/second")
    secret = KeyStore(workspace.keys).create(["catalog:write", "recommend:read"])
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


@pytest.fixture
def store(workspace: Workspace) -> Iterator[ItemStore]:
    """What the extracting worker would use."""
    database = Database.open(workspace.ledger, LedgerConfig())
    yield ItemStore(database)
    database.close()


def listed(client: TestClient, user: str = "u", k: int = 20) -> list[str]:
    answer = client.get(f"/v1/users/{user}/recommendations", params={"k": k, "exclude_seen": "false"})
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def soon(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def test_a_new_item_is_told_and_then_recommended_with_a_path(client: TestClient, store: ItemStore) -> None:
    taken = client.put("/v1/items/oolong%2F1", json={"title": "Oolong 50 g", "brand": "Leafy", "price_cents": 700})
    assert (taken.status_code, taken.json()["item_id"], taken.json()["seq"]) == (202, "oolong/1", 1)
    told = client.get("/v1/items/oolong%2F1").json()
    assert (told["title"], told["status"], told["available"], told["facts"]) == ("Oolong 50 g", "pending", True, [])
    assert "oolong/1" not in listed(client)
    store.put_live([LiveRow("oolong/1", 1, False, told_fields(told), FACTS)])
    soon(lambda: "oolong/1" in listed(client))
    answer = client.get("/v1/users/u/recommendations?k=20").json()
    item = next(item for item in answer["items"] if item["item_id"] == "oolong/1")
    assert item["title"] == "Oolong 50 g"
    assert sum(reason["share"] for reason in item["reasons"]) + item["remainder"] == pytest.approx(1, abs=1e-6)
    keys = [node["key"] for reason in item["reasons"] for path in reason.get("paths", []) for node in path["nodes"]]
    assert {"value": "Leafy"} in keys
    told = client.get("/v1/items/oolong%2F1").json()
    assert (told["status"], told["facts"][0]["surface"]) == ("live", "Leafy")
    # An event on it takes part in the history of a shopper of whom nothing else is known.
    client.headers["Authorization"] = "Bearer " + KeyStore(client.app.state.serving._workspace.keys).create(["events:write", "recommend:read"])  # type: ignore[attr-defined]
    assert client.post("/v1/events", json={"user_id": "guest", "item_id": "oolong/1", "kind": "purchase"}).status_code == 202
    soon(lambda: client.get("/v1/users/guest/recommendations").json()["strategy"] == "personal")


def told_fields(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("title", "brand", "price_cents") if told[name] is not None}


def test_what_is_unavailable_or_deleted_is_gone_and_comes_back(client: TestClient) -> None:
    assert {"4", "6"} <= set(listed(client))
    assert client.patch("/v1/items/4", json={"available": False}).status_code == 202
    assert client.delete("/v1/items/6").status_code == 202
    soon(lambda: not {"4", "6"} & set(listed(client)))
    assert client.get("/v1/items/4").json()["available"] is False
    assert client.get("/v1/items/6").status_code == 404
    assert client.delete("/v1/items/6").status_code == 404
    assert client.patch("/v1/items/4", json={"available": True}).status_code == 202
    soon(lambda: "4" in listed(client))


def test_a_build_that_has_taken_the_changes_in_drops_them_and_a_rollback_brings_them_back(
    client: TestClient, store: ItemStore, workspace: Workspace
) -> None:
    client.put("/v1/items/oolong", json={"title": "Oolong 50 g", "brand": "Leafy"})
    client.delete("/v1/items/8")
    store.put_live([LiveRow("oolong", 1, False, {"title": "Oolong 50 g"}, FACTS), LiveRow("8", 2, True, {}, [])])
    soon(lambda: "oolong" in listed(client) and "8" not in listed(client))
    old, newer = workspace.current_id(), "20260102T000000-abc123"
    assert old is not None
    shutil.copytree(workspace.build(old), workspace.build(newer))
    manifest = workspace.build(newer) / "artifact" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(old, newer).replace('"catalogue_seq": 0', '"catalogue_seq": 2'))
    for build_id, expected in ((newer, False), (old, True)):
        workspace.current.unlink()
        workspace.current.symlink_to(build_id)
        # The copy of the build has not really been made from the changes, so one sees that they are its own affair now.
        soon(lambda expected=expected: ("oolong" in listed(client), "8" not in listed(client)) == (expected, expected))  # type: ignore[misc]
    assert client.get("/v1/items/oolong").json()["status"] == "live"


def test_a_batch_is_judged_change_by_change(client: TestClient) -> None:
    sent = [
        {"item_id": "n1", "title": "New"},
        {"item_id": "n1", "operation": "patch", "price_cents": 5},
        {"item_id": "nobody", "operation": "delete"},
        {"item_id": "8", "operation": "delete"},
        {"item_id": "8", "operation": "patch", "title": "?"},
    ]
    answer = client.post("/v1/items", json=sent)
    assert answer.status_code == 202
    body = answer.json()
    assert [outcome["status"] for outcome in body["items"]] == ["accepted", "accepted", "rejected", "accepted", "rejected"]
    assert [outcome.get("seq") for outcome in body["items"]] == [1, 2, None, 3, None]
    assert (body["accepted"], body["rejected"]) == (3, 2)
    told = client.get("/v1/items/n1").json()
    assert (told["title"], told["price_cents"]) == ("New", 5)


@pytest.mark.parametrize(
    "body",
    [
        {"titel": "x"},
        {"title": ""},
        {"title": "a\u0000b"},
        {"price_cents": -1},
        {"price_cents": 1.5},
        {"available": "maybe"},
        {"categories": "Tea"},
        {"attributes": {"Color": ["x"]}},
        {"attributes": {"title": ["x"]}},
        {"attributes": {"color": "red"}},
        {"title": "x" * 1_001},
        [],
    ],
)
def test_malformed_items_are_refused(client: TestClient, body: object) -> None:
    answer = client.put("/v1/items/x", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/items/x").status_code == 404


def test_only_a_key_that_may_writes(workspace: Workspace, asking: Asking) -> None:
    client = asking()
    client.headers["Authorization"] = f"Bearer {KeyStore(workspace.keys).create(['recommend:read'])}"
    assert client.put("/v1/items/1", json={"title": "x"}).status_code == 403
    assert client.delete("/v1/items/1").status_code == 403
    assert client.post("/v1/items", json=[{"item_id": "1"}]).status_code == 403
    assert client.get("/v1/items/1").json()["title"] == "Green tea 250 g"


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["Tea", "Mug ☕"]),
        "available": st.booleans(),
        "price_cents": st.none() | st.integers(0, 9),
        "attributes": st.dictionaries(st.sampled_from(["color", "size"]), st.lists(st.sampled_from(["a", "b"]), max_size=2), max_size=2),
    },
)
IDS = st.sampled_from(["1", "4", "8", "new", "a/b"])


class Catalogue(RuleBasedStateMachine):
    """The catalogue against a dict of fields."""

    client: TestClient

    def __init__(self) -> None:
        super().__init__()
        self.model = {str(row["item_id"]): fields_of(row) for row in small_catalog().items.iter_rows(named=True)}

    def change(self, item_id: str, operation: Any, fields: dict[str, Any]) -> None:
        after = changed(self.model.get(item_id), [ItemChange(0, item_id, operation, fields, 0.0)])
        if after is None:
            self.model.pop(item_id, None)
        else:
            self.model[item_id] = dict(after)

    @initialize()
    def begin(self) -> None:
        """Put back what an earlier run left."""
        rows = [{"item_id": item_id, **fields} for item_id, fields in self.model.items()]
        for item_id in ("new", "a/b"):
            self.client.delete(f"/v1/items/{item_id}")
        assert self.client.post("/v1/items", json=rows).status_code == 202

    @rule(item_id=IDS, fields=FIELDS)
    def put(self, item_id: str, fields: dict[str, Any]) -> None:
        titled = fields.get("title") is not None
        assert self.client.put(f"/v1/items/{item_id}", json=fields).status_code == (202 if titled else 422)
        if titled:
            self.change(item_id, "put", fields)

    @rule(item_id=IDS, fields=FIELDS)
    def patch(self, item_id: str, fields: dict[str, Any]) -> None:
        untitled = "title" in fields and fields["title"] is None
        expected = 422 if untitled else 202 if item_id in self.model else 404
        assert self.client.patch(f"/v1/items/{item_id}", json=fields).status_code == expected
        if not untitled:
            self.change(item_id, "patch", fields)

    @rule(item_id=IDS)
    def delete(self, item_id: str) -> None:
        expected = 202 if item_id in self.model else 404
        assert self.client.delete(f"/v1/items/{item_id}").status_code == expected
        self.change(item_id, "delete", {})

    @invariant()
    def everybody_knows(self) -> None:
        for item_id in ("1", "4", "8", "new", "a/b"):
            told = self.client.get(f"/v1/items/{item_id}")
            assert told.status_code == (200 if item_id in self.model else 404)
            if item_id in self.model:
                fields = self.model[item_id]
                body = told.json()
                assert body["available"] is (fields.get("available") is not False)
                for name in ("title", "price_cents"):
                    assert body[name] == fields.get(name)
                assert body["attributes"] == fields.get("attributes", {})
        may = {item_id for item_id, fields in self.model.items() if fields.get("available") is not False}
        built = {str(item_id) for item_id in small_catalog().items["item_id"]}
        soon(lambda: set(listed(self.client)) == may & built)


def test_the_catalogue_against_a_simple_model(workspace: Workspace) -> None:
    with TestClient(small_app(workspace, {"rate_limit": "100000/second"}), raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {KeyStore(workspace.keys).create(['catalog:write', 'recommend:read'])}"
        Catalogue.client = client
        run_state_machine_as_test(Catalogue, settings=settings(max_examples=6, stateful_step_count=6, deadline=None))
