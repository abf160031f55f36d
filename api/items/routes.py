"""Items in: added, edited, made unavailable, deleted; and what the shop knows of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from api.http.ids import Id, PathId
from api.http.schemas import Answer, Whole, request_id
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.serving.item_state import ItemStates
from kg import schema
from kg.catalog.item_changes import FIELDS
from kg.catalog.records import Operation
from kg.errors import NotFoundError
from kg.tables import ITEM_COLUMNS

router = APIRouter(prefix="/v1", tags=["items"])
MAX_ITEMS = 1_000
_TEXT = r"^[^\x00]*$"
_EXAMPLE: JsonDict = {
    "title": "Oolong tea 100 g",
    "brand": "Leafy",
    "categories": ["Drinks", "Tea"],
    "price_cents": 890,
    "available": True,
    "attributes": {"color": ["blue"]},
}
Writer = Annotated[ApiKey, Depends(require("catalog:write"))]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,58}$")]
Cell = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_TEXT)]


def _named(attributes: dict[str, list[str]] | None) -> dict[str, list[str]] | None:
    taken = sorted(set(attributes or ()) & {*ITEM_COLUMNS, "price"})
    if taken:
        raise ValueError(f"{taken[0]!r} is a field of its own, not an attribute")
    for name in attributes or ():
        schema.attribute_relation(name)
    return attributes


def _readable(title: str | None) -> str | None:
    if title is None or not any(character.isprintable() and not character.isspace() for character in title):
        raise ValueError("title has to hold something to read: an item without one cannot be recommended")
    return title


class ItemFields(BaseModel):
    """What a shop says of an item. Texts are read for attributes; attributes that are given beat those that texts state."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, str_strip_whitespace=True, json_schema_extra={"examples": [_EXAMPLE]}
    )

    title: Annotated[str | None, AfterValidator(_readable)] = Field(
        default=None, min_length=1, max_length=1_000, pattern=_TEXT, description="What a shopper reads; no item is recommended without one."
    )
    description: str | None = Field(default=None, min_length=1, max_length=20_000, pattern=_TEXT)
    brand: Cell | None = None
    categories: list[Cell] | None = Field(default=None, max_length=50, description="From the widest to the narrowest.")
    price_cents: Whole | None = Field(default=None, ge=0, le=10**12)
    available: bool | None = Field(default=None, description="False keeps it out of every list, from the next answer on.")
    attributes: Annotated[dict[Name, Annotated[list[Cell], Field(max_length=50)]] | None, AfterValidator(_named)] = Field(
        default=None, max_length=50, description="The shop's own attributes: name → values."
    )

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent."""
        return self.model_dump(exclude_unset=True, exclude={"item_id", "operation"})


class WholeItem(ItemFields):
    """All that a shop says of an item: what is left out is unknown from now on. A title is needed, for no item is recommended without one."""

    @model_validator(mode="after")
    def _titled(self) -> WholeItem:
        if self.title is None:
            raise ValueError("title is missing: give what a shopper reads; an item without one cannot be recommended")
        return self


class BatchedItem(ItemFields):
    """One change of a batch."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"item_id": "oolong-100", **_EXAMPLE}]})

    item_id: Id
    operation: Literal["put", "patch", "delete"] = Field(
        default="put",
        description="put: the item has these fields, title among them, and no others; patch: only these change, null forgets one; delete.",
    )

    @model_validator(mode="after")
    def _titled(self) -> BatchedItem:
        if self.operation == "put" and self.title is None:
            raise ValueError("title is missing: put says all of an item; give what a shopper reads, or use the operation patch")
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
