"""The builds: which there are, what each came to, what differs between two, and which one answers."""

from __future__ import annotations

import base64
import hashlib
import re

from fastapi import Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.console.commands import Commands
from api.console.registry import PAGES, ConsolePage
from api.console.visit import SignedIn, Visit, page_router
from kg.errors import InputError, NotFoundError

router = page_router()
PAGES.register(ConsolePage("builds", 70, "admin", router, {"en": "Builds", "zh": "构建"}))
_ADMIN = "admin"
_SHEET = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
_STYLE = re.compile(r' style="([a-z-]+: [^"<>;]*(?:; [a-z-]+: [^"<>;]*)*)"')


@router.get("")
async def builds(visit: SignedIn) -> Response:
    """List the builds."""
    commands = _commands(visit)
    result = list(reversed(await commands.lines("builds", "list", "--json", *commands.folder)))
    published = visit.request.app.state.workspace.published_ids()
    previous = next((name for name in reversed(published) if name != visit.serving.build_id), None)
    return visit.page("builds.html", "builds", builds=result, previous=previous, change=commands.last())


@router.get("/change")
async def change(visit: SignedIn) -> Response:
    """Show what became of the last change."""
    return visit.part("builds_change.html", change=_commands(visit).last())


@router.get("/diff")
async def diff(visit: SignedIn) -> Response:
    """Show what differs between two builds."""
    first, second = visit.field("first"), visit.field("second")
    if not first or not second or first == second:
        raise InputError("choose two builds", hint="the earlier and the later one")
    commands = _commands(visit)
    result = await commands.json("builds", "diff", "--json", *commands.folder, "--", _known(visit, first), _known(visit, second))
    return visit.page("builds_diff.html", "builds", diff=result)


@router.get("/confirm")
async def confirm(visit: SignedIn) -> Response:
    """Ask once more before another build answers."""
    action, build_id = visit.field("action"), visit.field("build")
    if action not in ("publish", "rollback"):
        raise NotFoundError(f"there is no change {action[:40]!r}", hint="publish or rollback")
    return visit.page("builds_confirm.html", "builds", action=action, build=_known(visit, build_id), current=visit.serving.build_id)


@router.post("/publish")
async def publish(visit: SignedIn) -> Response:
    """Make a build answer."""
    visit.require(_ADMIN)
    _confirmed(visit)
    commands = _commands(visit)
    commands.begin(visit.by, "publish", *commands.folder, "--", _known(visit, visit.field("build")))
    return RedirectResponse("/console/builds", status_code=303)


@router.post("/rollback")
async def rollback(visit: SignedIn) -> Response:
    """Make the build answer that did before."""
    visit.require(_ADMIN)
    _confirmed(visit)
    commands = _commands(visit)
    commands.begin(visit.by, "rollback", *commands.folder)
    return RedirectResponse("/console/builds", status_code=303)


@router.get("/{build_id}")
async def build(visit: SignedIn, build_id: str) -> Response:
    """Show the record of a build."""
    commands = _commands(visit)
    result = await commands.json("builds", "show", "--json", *commands.folder, "--", _known(visit, build_id))
    has_report = (visit.request.app.state.workspace.build(build_id) / "report.html").is_file()
    return visit.page("builds_show.html", "builds", build=result, has_report=has_report)


@router.get("/{build_id}/report")
async def report(visit: SignedIn, build_id: str) -> Response:
    """Give the report of a build as it was written: it may run nothing, load nothing, and use its own style sheet alone."""
    path = visit.request.app.state.workspace.build(_known(visit, build_id)) / "report.html"
    if not path.is_file():
        raise NotFoundError(f"build {build_id} has no report", hint="it was not evaluated, or not to the end")
    # The style attributes of its plots say what attributes of SVG say as well, which no policy need allow.
    text = _STYLE.sub(_attributes, await run_in_threadpool(path.read_text, encoding="utf-8"))
    sheets = [base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode() for sheet in dict.fromkeys(_SHEET.findall(text))]
    styles = " ".join(f"'sha256-{digest}'" for digest in sheets) or "'none'"
    policy = f"default-src 'none'; img-src data:; style-src {styles}; frame-ancestors 'none'; base-uri 'none'; sandbox"
    return Response(text, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def _attributes(style: re.Match[str]) -> str:
    """Return a style attribute as attributes: "fill: #fff; stroke: none" as fill="#fff" stroke="none"."""
    return "".join(f' {name}="{value}"' for name, _, value in (each.partition(": ") for each in style[1].split("; ")))


def _known(visit: Visit, build_id: str) -> str:
    workspace = visit.request.app.state.workspace
    if build_id not in workspace.build_ids():
        raise NotFoundError(f"there is no build {build_id[:60]!r}", hint="choose one of the list")
    return build_id


def _confirmed(visit: Visit) -> None:
    if visit.field("sure") != "yes":
        raise InputError("the change was not confirmed", hint="tick the box that says so")


def _commands(visit: Visit) -> Commands:
    commands: Commands = visit.request.app.state.console_commands
    return commands
