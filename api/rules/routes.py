"""Business rules: listed, changed, and tried out before they hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api.http.language import Language, language_headers
from api.http.schemas import Answer, request_id
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.serving.list_changes import differs, gains, list_change, sampled
from api.serving.rules import RuleWithSource
from api.serving.snapshot_server import Serving
from gnn.explain.messages.catalogue import Catalogue
from gnn.explain.messages.languages import Languages
from gnn.recommend.query import RecQuery
from gnn.recommend.rules.definition import ID_PATTERN, Rule, RuleBody
from gnn.recommend.rules.unknown_names import unknown_names
from kg.errors import ConflictError, NotFoundError

router = APIRouter(prefix="/v1", tags=["rules"])
RuleId = Annotated[str, Path(pattern=ID_PATTERN, description="Small letters, digits, dots, dashes.", examples=["summer"])]
Admin = Annotated[ApiKey, Depends(require("admin"))]
_EXAMPLE: JsonDict = {"rule_id": "summer", "name": "Summer", "action": "boost", "categories": ["Tea"], "factor": 1.5}


class ShownRule(Answer):
    """A rule, where it is written, and whether the build that answers can apply it."""

    rule: Rule
    source: Literal["configuration", "ledger"]
    revision: int = Field(description="Number of its last change in the ledger; 0 in the configuration.")
    problem: str | None = Field(default=None, description="Why the build that answers cannot apply it.")
    warnings: list[str] = Field(
        default=[], description="Items, brands, categories and values that it names and the build that answers does not have."
    )


class RuleList(Answer):
    """All rules, by id."""

    request_id: str
    rules: list[ShownRule]


class RuleAccepted(Answer):
    """A rule that was stored; every worker applies it within a second."""

    request_id: str
    rule: Rule
    warnings: list[str] = Field(default=[], description="What it names and the build that answers does not have: misspelt, or yet to come.")


class PreviewBody(BaseModel):
    """Rules to try out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rules": [_EXAMPLE], "users": 100, "k": 10}]})

    rules: list[Rule] = Field(default=[], max_length=20, description="Take the place of those with the same id, or come besides.")
    without: list[str] = Field(default=[], max_length=100, description="Ids of rules that are left out.")
    users: int = Field(default=100, strict=True, ge=1, le=500, description="How many sample users.")
    k: int = Field(default=10, strict=True, ge=1, le=50, description="Length of their lists.")


class ListedAt(Answer):
    """An item and its rank."""

    item_id: str
    rank: int


class MovedItem(Answer):
    """An item that changes its rank."""

    item_id: str
    rank: int
    rank_before: int


class ListChange(Answer):
    """What changes in one user's list."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    user_id: str
    came: list[ListedAt] = Field(alias="in")
    out: list[ListedAt]
    moved: list[MovedItem]
    rules: list[str] = Field(description="Rules that have an effect on the new list.")


class ItemGain(Answer):
    """In how many more of the lists an item stands."""

    item_id: str
    lists: int


class Preview(Answer):
    """What rules would change."""

    request_id: str
    build_id: str
    users: int
    changed: int = Field(description="Users whose list changes.")
    problems: dict[str, str] = Field(description="Rules that this build cannot apply, and why.")
    warnings: dict[str, list[str]] = Field(default={}, description="Rules that name what this build does not have, and what.")
    items: list[ItemGain] = Field(description="Items that come into or leave the most lists.")
    lists: list[ListChange] = Field(description="The lists that change.")


@router.get("/rules", response_model=RuleList)
def list_rules(request: Request, key: Admin, language: Language) -> Response:
    """List all business rules."""
    serving: Serving = request.app.state.serving
    words = _words(request, language)
    return _json({"request_id": request_id(request), "rules": [_shown(serving, stored, words) for stored in serving.rules.all()]}, language)


@router.get("/rules/{rule_id}", response_model=ShownRule)
def get_rule(request: Request, rule_id: RuleId, key: Admin, language: Language) -> Response:
    """Show one business rule."""
    serving: Serving = request.app.state.serving
    stored = serving.rules.get(rule_id)
    if stored is None:
        raise _unknown(rule_id)
    return _json(_shown(serving, stored, _words(request, language)), language)


@router.put("/rules/{rule_id}", response_model=RuleAccepted)
def put_rule(request: Request, rule_id: RuleId, body: RuleBody, key: Admin, language: Language) -> Response:
    """Store a business rule, in place of an earlier one of this id. Every worker applies it within a second, this one at once."""
    serving: Serving = request.app.state.serving
    _check(serving, body)
    rule = Rule.model_validate({**body.model_dump(), "rule_id": rule_id})
    serving.rules.store.put(rule_id, body.model_dump(mode="json", exclude_unset=True))
    serving.rules.catch_up()
    warnings = _warnings(serving, rule, _words(request, language))
    return _json({"request_id": request_id(request), "rule": rule.model_dump(mode="json"), "warnings": warnings}, language)


@router.delete("/rules/{rule_id}", status_code=204)
def delete_rule(request: Request, rule_id: RuleId, key: Admin) -> Response:
    """Delete a business rule; one of the configuration with the same id holds again."""
    serving: Serving = request.app.state.serving
    stored = serving.rules.get(rule_id)
    if stored is not None and stored.source == "configuration":
        raise ConflictError(f"the rule {rule_id!r} is written in reckon.toml", hint="delete it there, or PUT one of the same id with enabled = false")
    try:
        serving.rules.store.delete(rule_id)
    except NotFoundError:
        raise _unknown(rule_id) from None
    serving.rules.catch_up()
    return Response(status_code=204)


@router.post("/rules/preview", response_model=Preview)
def preview(request: Request, sample: PreviewBody, key: Admin, language: Language) -> Response:
    """Say what rules would change in the lists of sample users, without storing anything. The same build gives the same users every time."""
    serving: Serving = request.app.state.serving
    recommender, words = serving.recommender, _words(request, language)
    for each in sample.rules:
        _check(serving, each)
    tried = serving.rules.over(recommender.snapshot, instead=sample.rules, without=sample.without)
    now, then = RecQuery(k=sample.k, explain="none"), RecQuery(k=sample.k, explain="none", rules=tried)
    changes = []
    user_ids = sampled(recommender.artifact.user_ids, sample.users)
    for user_id in user_ids:
        shopper = recommender.users.user(user_id, serving.fresh(user_id, recommender))
        changes.append(list_change(user_id, recommender.answer(shopper, now), recommender.answer(shopper, then)))
    body = {
        "request_id": request_id(request),
        "build_id": recommender.artifact.build_id,
        "users": len(user_ids),
        "changed": sum(map(differs, changes)),
        "problems": dict(tried.problems),
        "warnings": {rule.rule_id: warnings for rule in sample.rules if (warnings := _warnings(serving, rule, words))},
        "items": gains(changes),
        "lists": list(filter(differs, changes)),
    }
    return _json(body, language)


def _check(serving: Serving, body: RuleBody) -> None:
    """Refuse a filter that the build cannot answer; a rule of no build at all is taken."""
    if serving.build_id is not None:
        for where in (body.where, body.segment.met if body.segment else None):
            if where is not None:
                serving.recommender.matching(where)


def _shown(serving: Serving, stored: RuleWithSource, words: Catalogue) -> dict[str, Any]:
    problems = serving.recommender.rules.problems if serving.build_id is not None else {}
    return {
        "rule": stored.rule.model_dump(mode="json"),
        "source": stored.source,
        "revision": stored.revision,
        "problem": problems.get(stored.rule.rule_id),
        "warnings": _warnings(serving, stored.rule, words),
    }


def _warnings(serving: Serving, rule: Rule, words: Catalogue) -> list[str]:
    return [words.text(unknown) for unknown in unknown_names(rule, serving.recommender.artifact)] if serving.build_id is not None else []


def _words(request: Request, language: str) -> Catalogue:
    languages: Languages = request.app.state.languages
    return languages[language]


def _unknown(rule_id: str) -> NotFoundError:
    return NotFoundError(f"no rule has the id {rule_id!r}", hint="GET /v1/rules lists them")


def _json(body: object, language: str) -> Response:
    return Response(orjson.dumps(body), media_type="application/json", headers=language_headers(language))
