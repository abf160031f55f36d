"""Business rules: what there is, a form to edit one, what it would change, and publishing it."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.registry import PAGES, ConsolePage
from api.console.rest import Call, segment
from api.console.visit import SignedIn, Visit, page_router
from gnn.recommend.rules.kinds.base import RULE_KINDS
from kg.errors import InputError

router = page_router()
PAGES.register(ConsolePage("rules", 60, "admin", router, {"en": "Rules", "zh": "业务规则"}))
_LISTS = ("items", "categories", "brands")
_BLANK: dict[str, Any] = {"rule_id": "", "name": "", "action": "boost", "enabled": True, "factor": None, "place": 1}


@router.get("")
async def rules(visit: SignedIn) -> Response:
    """List the rules."""
    return visit.page("rules.html", "rules", rules=(await visit.get("/v1/rules"))["rules"], done=visit.field("done"))


@router.get("/edit")
async def edit(visit: SignedIn) -> Response:
    """Show the form of a rule, or of a new one."""
    rule_id = visit.field("rule")
    stored = await visit.get(f"/v1/rules/{segment(rule_id)}") if rule_id else {"rule": _BLANK, "source": "", "problem": None, "warnings": []}
    kinds = [(kind.name, kind.summary) for kind in RULE_KINDS]
    return visit.page("rules_edit.html", "rules", stored=stored, rule=stored["rule"], kinds=kinds, is_new=not rule_id)


@router.post("/preview")
async def preview(visit: SignedIn) -> Response:
    """Show what the rule of the form would change in the lists of a sample of shoppers."""
    rule = {"rule_id": _rule_id(visit), **_body(visit)}
    call = Call("POST", "/v1/rules/preview", {"rules": [rule], "users": visit.number("users", 100, 1, 500), "k": 10}, visit.words.language)
    result = await visit.call(call)
    artifact = visit.serving.recommender.artifact
    ids = {row["item_id"] for change in result["lists"] for row in (*change["in"], *change["out"], *change["moved"])} | {
        row["item_id"] for row in result["items"]
    }
    titles = {item_id: artifact.titles[artifact.item_nums[item_id]] for item_id in ids if item_id in artifact.item_nums}
    return visit.part("rules_preview.html", preview=result, titles=titles, curl=visit.curl(call))


@router.post("/publish")
async def publish(visit: SignedIn) -> Response:
    """Store the rule of the form: it holds at once."""
    await visit.send("PUT", f"/v1/rules/{segment(_rule_id(visit))}", _body(visit))
    return RedirectResponse("/console/rules?done=published", status_code=303)


@router.post("/delete")
async def delete(visit: SignedIn) -> Response:
    """Delete a rule."""
    await visit.send("DELETE", f"/v1/rules/{segment(_rule_id(visit))}")
    return RedirectResponse("/console/rules?done=deleted", status_code=303)


def _rule_id(visit: Visit) -> str:
    rule_id = visit.field("rule_id")
    if not rule_id:
        raise InputError("the rule has no id", hint="small letters, digits, dots and dashes, such as summer")
    return rule_id


def _body(visit: Visit) -> dict[str, Any]:
    """Return the rule that the form says; what does not go with its action is left out, and the API checks the rest."""
    body: dict[str, Any] = {"name": visit.field("name"), "action": visit.field("action"), "enabled": bool(visit.field("enabled"))}
    for name in _LISTS:
        values = [part.strip() for part in visit.field(name).splitlines() if part.strip()]
        if values:
            body[name] = values
    for name in ("starts", "ends"):
        if visit.field(name):
            body[name] = visit.field(name)
    for name, action in (("factor", ("boost", "bury")), ("place", ("pin",)), ("most", ("cap",))):
        if visit.field(name) and body["action"] in action:
            body[name] = _number(name, visit.field(name), whole=name != "factor")
    if body["action"] == "cap" and visit.field("per"):
        body["per"] = visit.field("per")
    for name in ("where", "segment"):
        if visit.field(name):
            body[name] = _json(name, visit.field(name))
    return body


def _number(name: str, text: str, *, whole: bool) -> float | int:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        raise InputError(f"{name}: {text[:30]!r} is no number", hint="write 1.5") from None


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{name} is not JSON: {error}", hint='write for example {"field": "price_cents", "lte": 2000}') from None
