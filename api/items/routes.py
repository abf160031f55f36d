"""Items in: added, edited, made unavailable, deleted; and what the shop knows of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import ConfigDict, Field, model_validator

from api.http.ids import PathId
from api.http.schemas import Answer, request_id
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.serving.item_state import ItemStates
from kg.catalog.item_changes import FIELDS
from kg.catalog.records import Operation
from kg.errors import NotFoundError
from kg.validation.fields import Id
from kg.validation.items import EXAMPLE, UNTITLED, ItemFields, WholeItem

router = APIRouter(prefix="/v1", tags=["items"])
MAX_ITEMS = 1_000
Writer = Annotated[ApiKey, Depends(require("catalog:write"))]


class BatchedItem(ItemFields):
    """One change of a batch."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"item_id": "oolong-100", **EXAMPLE}]})

    item_id: Id
    operation: Literal["put", "patch", "delete"] = Field(
        default="put",
        description="put: the item has these fields, title among them, and no others; patch: only these change, null forgets one; delete.",
    )

    @model_validator(mode="after")
    def _titled(self) -> BatchedItem:
        if self.operation == "put" and self.title is None:
            raise ValueError(f"{UNTITLED}, or use the operation patch")
        return self


class ItemAccepted(Answer):
    """A change is durable: a rebuild will know it. Availability and deletions hold from the next answer on."""

    request_id: str
    item_id: str
    seq: int = Field(description="Its place among the catalogue's changes.")


class ItemOutcome(Answer):
    """What became of one change of a batch."""

    item_id: str
    status: Literal["accepted", "rejected"]
    seq: int | None = None
    reason: str | None = None


class ItemsAccepted(Answer):
    """What became of a batch, in the order it was sent. Whatever is accepted is durable."""

    request_id: str
    accepted: int
    rejected: int
    items: list[ItemOutcome]


class KnownFact(Answer):
    """An attribute of an item, with its evidence."""

    relation: str
    node_type: str
    value: str
    confidence: float | None = None
    field: str | None = Field(default=None, description="Where it was read: title, description or the shop's own field.")
    start: int | None = Field(default=None, description="First character of the surface in that field.")
    end: int | None = None
    surface: str | None = Field(default=None, description="As it was written.")
    extractor: str | None = None


class KnownItem(Answer):
    """What the shop knows of an item."""

    request_id: str
    build_id: str | None
    item_id: str
    title: str | None = None
    description: str | None = None
    brand: str | None = None
    categories: list[str] = Field(default=[])
    price_cents: int | None = None
    available: bool
    attributes: dict[str, list[str]] = Field(default={})
    status: Literal["built", "live", "pending"] = Field(
        description="built: as the published build knows it; live: changed since and scored with its new facts; pending: facts are those of before."
    )
    facts: list[KnownFact]


@router.put("/items/{item_id:path}", status_code=202, response_model=ItemAccepted)
def put(request: Request, item_id: PathId, item: WholeItem, key: Writer) -> Response:
    """Add an item, or say anew what it is: fields that are left out are unknown from now on."""
    return _taken(request, item_id, "put", item.given())


@router.patch("/items/{item_id:path}", status_code=202, response_model=ItemAccepted)
def patch(request: Request, item_id: PathId, item: ItemFields, key: Writer) -> Response:
    """Change some fields of an item: null forgets one (not the title). Of the attributes only those named change, an empty list forgets one."""
    _known(request, [item_id])
    return _taken(request, item_id, "patch", item.given())


@router.delete("/items/{item_id:path}", status_code=202, response_model=ItemAccepted)
def delete(request: Request, item_id: PathId, key: Writer) -> Response:
    """Delete an item: it is in no list from the next answer on, and what it led to is no longer counted."""
    _known(request, [item_id])
    return _taken(request, item_id, "delete", {})


@router.post("/items", status_code=202, response_model=ItemsAccepted)
def batch(request: Request, items: Annotated[list[BatchedItem], Field(min_length=1, max_length=MAX_ITEMS)], key: Writer) -> Response:
    """Change up to 1,000 items. Nothing is taken of a list in which something is malformed; a change of an unknown item loses only itself."""
    states: ItemStates = request.app.state.items
    known = states.existing([item.item_id for item in items if item.operation != "put"])
    outcomes: list[dict[str, Any]] = []
    good: list[tuple[str, Operation, Mapping[str, Any]]] = []
    for item in items:
        if item.operation != "put" and item.item_id not in known:
            outcomes.append({"item_id": item.item_id, "status": "rejected", "reason": "there is no such item"})
            continue
        # What came before in the list counts.
        (known.discard if item.operation == "delete" else known.add)(item.item_id)
        outcomes.append({"item_id": item.item_id, "status": "accepted"})
        good.append((item.item_id, item.operation, {} if item.operation == "delete" else item.given()))
    seqs = iter(states.append(good))
    for outcome in outcomes:
        if outcome["status"] == "accepted":
            outcome["seq"] = next(seqs)
    body = {"request_id": request_id(request), "accepted": len(good), "rejected": len(items) - len(good), "items": outcomes}
    return _json(body, 202)


@router.get("/items/{item_id:path}", response_model=KnownItem)
def show(request: Request, item_id: PathId, key: Annotated[ApiKey, Depends(require("recommend:read"))]) -> Response:
    """Tell what the shop knows of an item: its fields, and its attributes with their evidence."""
    states: ItemStates = request.app.state.items
    state = states.state(item_id)
    body = {
        "request_id": request_id(request),
        "build_id": states.build_id,
        "item_id": item_id,
        **dict.fromkeys(FIELDS),
        "categories": [],
        "attributes": {},
        **state.fields,
        "available": state.fields.get("available") is not False,
        "status": state.status,
        "facts": [{name: fact.get(name) for name in KnownFact.model_fields} for fact in state.facts],
    }
    return _json(body)


def _known(request: Request, item_ids: Sequence[str]) -> None:
    missing = set(item_ids) - request.app.state.items.existing(item_ids)
    if missing:
        raise NotFoundError(f"item {min(missing)!r} does not exist", hint="PUT adds an item")


def _taken(request: Request, item_id: str, operation: Operation, fields: Mapping[str, Any]) -> Response:
    states: ItemStates = request.app.state.items
    (seq,) = states.append([(item_id, operation, fields)])
    return _json({"request_id": request_id(request), "item_id": item_id, "seq": seq}, 202)


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")
