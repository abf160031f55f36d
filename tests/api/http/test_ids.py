"""Ids in paths and bodies go by the rule of files, with the same message."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import TypeAdapter, ValidationError

from api.http.ids import PathId
from api.items.routes import BatchedItem
from api.users.routes import DeclaredUser
from kg.validation.events import Event
from kg.validation.fields import Id
from kg.validation.ids import fault, normalized

BAD = ["", " ", "a\x07b", "a\nb", "a\x7fb", "a\u2028b", "x" * 513]


@pytest.fixture(scope="module")
def client() -> TestClient:
    """Return a client of one route whose path holds an id."""
    app = FastAPI()

    @app.get("/things/{item_id:path}/seen")
    def seen(item_id: PathId) -> dict[str, str]:
        return {"item_id": item_id}

    return TestClient(app)


@pytest.mark.parametrize("written", BAD)
def test_a_bad_id_is_refused_at_every_door_with_one_message(client: TestClient, written: str) -> None:
    why = fault(normalized(written))
    assert why
    for adapter, body in (
        (TypeAdapter(Id), written),
        (TypeAdapter(Event), {"user_id": written, "item_id": "i", "kind": "view"}),
        (TypeAdapter(Event), {"user_id": "u", "item_id": written, "kind": "view"}),
        (TypeAdapter(BatchedItem), {"item_id": written}),
        (TypeAdapter(DeclaredUser), {"user_id": written, "attributes": {}}),
    ):
        with pytest.raises(ValidationError) as raised:
            adapter.validate_python(body)
        assert [error["msg"] for error in raised.value.errors()] == [why]
    if written and "\n" not in written:  # No route matches a path with a line break.
        answer = client.get(f"/things/{quote(written, safe='')}/seen")
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["msg"] == why


@pytest.mark.parametrize("written", ["718", " 718 ", "Cafe\u0301", "a/b", "100 %", "x" * 512])
def test_an_id_is_the_same_at_every_door(client: TestClient, written: str) -> None:
    kept = normalized(written)
    assert Event(user_id=written, item_id=written, kind="view").item_id == kept
    assert client.get(f"/things/{quote(written, safe='')}/seen").json() == {"item_id": kept}
