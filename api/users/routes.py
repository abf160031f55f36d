"""What users declare of themselves."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Depends, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from api.http.ids import PathId
from api.http.schemas import Answer, request_id
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.serving.snapshot_server import Serving
from kg import schema
from kg.validation.fields import Id

router = APIRouter(prefix="/v1", tags=["users"])
MAX_USERS = 1_000
_TEXT = r"^[^\x00]*$"
Value = Annotated[str, Field(min_length=1, max_length=500, pattern=_TEXT)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,58}$")]
_SHAPE = {"type": "string", "minLength": 1, "maxLength": 500, "pattern": _TEXT}
Values = Annotated[
    list[Value],
    Field(max_length=100),
    BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
    WithJsonSchema({"anyOf": [{"type": "array", "items": _SHAPE, "maxItems": 100}, _SHAPE]}),
]
Attributes = Annotated[dict[Name, Values], Field(max_length=50)]
Writer = Annotated[ApiKey, Depends(require("events:write"))]
_DECLARED: JsonDict = {"city": "Oslo", "household_size": "2", "likes": ["tea", "gardening"]}


class Declared(BaseModel):
    """What a user declares, in place of what was declared before."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"attributes": _DECLARED}]})

    attributes: Attributes = Field(description="Attribute → one value or several. The next build links the user with them.")


class DeclaredUser(Declared):
    """The same, of one user of several."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"user_id": "718", "attributes": _DECLARED}]})

    user_id: Id


class UsersAccepted(Answer):
    """What was stored; it is durable."""

    request_id: str
    users: int
    revision: int = Field(description="Number of the last declaration in the ledger.")


@router.put("/users/{user_id:path}", response_model=UsersAccepted)
def put_user(request: Request, user_id: PathId, declared: Declared, key: Writer) -> Response:
    """Store what a user declares of themselves; the profile shows it at once, the next build reckons with it."""
    return _put(request, {user_id: declared})


@router.post("/users", response_model=UsersAccepted)
def put_users(request: Request, users: Annotated[list[DeclaredUser], Body(min_length=1, max_length=MAX_USERS)], key: Writer) -> Response:
    """Store what up to 1,000 users declare, all of them or none; of a user that is named twice, the last."""
    return _put(request, {user.user_id: user for user in users})


def _put(request: Request, declared: dict[str, Any]) -> Response:
    serving: Serving = request.app.state.serving
    checked = {}
    for user_id, user in declared.items():
        for name in user.attributes:
            schema.attribute_relation(name)
        checked[user_id] = {name: list(dict.fromkeys(given)) for name, given in user.attributes.items()}
    revision = serving.ledger.people.put(checked)
    body = {"request_id": request_id(request), "users": len(checked), "revision": revision}
    return Response(orjson.dumps(body), media_type="application/json")
