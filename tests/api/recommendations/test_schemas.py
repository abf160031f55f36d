"""One model per kind of reason: answers are rendered from it, OpenAPI tells the kinds apart, and the client's types are the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.client import types
from api.recommendations import schemas
from api.recommendations.render import item
from api.recommendations.schemas import REASON_MODELS, model_of
from gnn.explain.kinds.base import REASONS
from gnn.explain.messages.languages import english
from gnn.explain.messages.message import say
from gnn.explain.reasons import Edge, Node, Path, Reason
from gnn.recommend.query import Recommendation
from gnn.recommend.strategies.registry import STRATEGIES, statement_kinds

PATH = Path(
    0.4, (Node("Item", {"item_id": "1"}, "Tea"), Node("User", count=2), Node("Item", {"item_id": "2"}, "Pot")), (Edge("PURCHASED", True),) * 2
)
EXAMPLES = [
    Reason("graph", 0.5, say("popular.catalogue"), "purchased", (PATH,), 3, 0.1),
    Reason("learned", -0.1, say("popular.catalogue"), history=(("1", "Tea", -0.1),)),
    Reason("buy_again", 1.0, say("popular.catalogue"), None, (), 2, 0.4, (("1", "Tea", 0.6),), (math.nan,)),
    *(Reason(kind, 0.0, say("popular.catalogue")) for kind in statement_kinds()),
]


def rendered(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    told = Recommendation("2", "Pot", 1, 1.0, 0.0, tuple(reasons), 1, "Pot", None)
    body = item(told, english())
    schemas.RecommendedItem.model_validate(body)
    return list(body["reasons"])


def test_every_kind_has_one_model() -> None:
    kinds = [kind for model in REASON_MODELS for kind in get_args(model.model_fields["kind"].annotation)]
    assert len(kinds) == len(set(kinds))
    assert {kind.tag for kind in REASONS} | {strategy.name for strategy in STRATEGIES if strategy.by_sentence} <= set(kinds)
    assert {example.kind for example in EXAMPLES} == set(kinds)


@pytest.mark.parametrize("reason", EXAMPLES, ids=lambda reason: reason.kind)
def test_a_reason_has_the_members_that_its_model_declares(reason: Reason) -> None:
    (body,) = rendered([reason])
    model = model_of(reason.kind)
    parsed: Any = TypeAdapter(schemas.Reason).validate_python(body)
    assert type(parsed) is model
    needed = {name for name, field in model.model_fields.items() if field.is_required()}
    assert needed <= body.keys() <= model.model_fields.keys()


def test_a_member_of_another_kind_is_refused() -> None:
    graph = rendered(EXAMPLES[:1])[0]
    for kind in ("learned", "popular"):
        with pytest.raises(ValidationError, match="paths"):
            TypeAdapter(schemas.Reason).validate_python({**graph, "kind": kind})
    with pytest.raises(ValidationError, match="kind"):
        TypeAdapter(schemas.Reason).validate_python({**graph, "kind": "hunch"})


def test_openapi_tells_reasons_apart_by_kind() -> None:
    reasons = schemas.RecommendedItem.model_json_schema()["properties"]["reasons"]["items"]
    assert reasons["discriminator"]["propertyName"] == "kind"
    assert {*reasons["discriminator"]["mapping"]} == {example.kind for example in EXAMPLES}


SHARED = [name for name, shape in vars(types).items() if is_typeddict(shape) and hasattr(schemas, name)]


@pytest.mark.parametrize("name", SHARED)
def test_the_types_of_the_client_are_those_of_the_models(name: str) -> None:
    shape, model = getattr(types, name), getattr(schemas, name)
    hints = get_type_hints(shape)
    assert hints.keys() == model.model_fields.keys()
    required = {member for member, hint in get_type_hints(shape, include_extras=True).items() if get_origin(hint) is not NotRequired}
    assert required == {member for member, field in model.model_fields.items() if field.is_required()} | always_there(model)
    for member, hint in hints.items():
        assert plain(hint) == plain(get_type_hints(model)[member]), f"{name}.{member}"


def always_there(model: type[BaseModel]) -> set[str]:
    """Members with a default that answers have all the same."""
    return {"rules", "interests"} & model.model_fields.keys()


def plain(hint: Any) -> Any:
    """Return a type without what only one side knows: whether a text is one of some words, what a member is for, which class describes a shape."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return plain(inner[0])
    if origin is Literal:
        return str
    if origin in (Union, UnionType):
        return frozenset(map(plain, inner))
    if origin is not None:
        return (origin, *map(plain, inner))
    return hint.__name__ if is_typeddict(hint) or (isinstance(hint, type) and issubclass(hint, BaseModel)) else hint


def test_the_kinds_of_the_client_are_those_of_the_models() -> None:
    shapes = get_args(types.Reason)
    assert [shape.__name__ for shape in shapes] == [model.__name__ for model in REASON_MODELS]
    for shape, model in zip(shapes[:-1], REASON_MODELS[:-1], strict=True):
        assert get_args(get_type_hints(shape)["kind"]) == get_args(model.model_fields["kind"].annotation)
