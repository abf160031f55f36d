"""What is going on: the build that answers, what came in, what went out, and what somebody should look at."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from api.console.commands import Commands
from api.console.registry import PAGES, ConsolePage
from api.console.visit import SignedIn, page_router
from api.http import metrics
from kg.errors import LedgerUnavailableError, ReckonError

router = page_router()
_HOURS = 24
PAGES.register(ConsolePage("overview", 10, "recommend:read", router, {"en": "Overview", "zh": "总览"}))


@router.get("")
async def overview(visit: SignedIn) -> Response:
    """Show what is known at once; what takes longer follows by itself."""
    serving = visit.serving
    artifact = serving.artifact
    answers = metrics.totals("reckon_answers_total", "strategy")
    items = metrics.totals("reckon_items_total", "path")
    build = None if artifact is None else {"build_id": artifact.build_id, "created_s": artifact.created_s, "n_items": artifact.n_items}
    context: dict[str, Any] = {
        "build": build,
        "shoppers": 0 if artifact is None else len(artifact.user_ids),
        "problems": serving.problems,
        "notes": serving.notes,
        "answers": sorted(answers.items(), key=lambda pair: (-pair[1], pair[0])),
        "answered": int(sum(answers.values())),
        "explained": items.get("yes", 0.0) / sum(items.values()) if sum(items.values()) else None,
    }
    return visit.page("overview.html", "overview", **context)


@router.get("/events")
async def events(visit: SignedIn) -> Response:
    """Show the events of the last day, by hour."""
    now = time.time()
    first = int(now // 3600) - _HOURS + 1
    try:
        counted = await run_in_threadpool(visit.serving.ledger.events.received_by_hour, first, _HOURS)
    except LedgerUnavailableError:
        return visit.part("overview_events.html", total=None, hours=[])
    hours = [((first + place) * 3600, count) for place, count in enumerate(counted)]
    return visit.part("overview_events.html", total=sum(counted), hours=hours)


@router.get("/state")
async def state(visit: SignedIn) -> Response:
    """Show gates, model metrics and warnings of the workspace, as `reckon status` and `reckon builds show` say them."""
    commands: Commands = visit.request.app.state.console_commands
    build_id = visit.serving.build_id
    try:
        shown, result = await asyncio.gather(
            commands.json("status", "--json", *commands.folder),
            commands.json("builds", "show", build_id, "--json", *commands.folder) if build_id else _nothing(),
        )
    except ReckonError as error:
        return visit.part("error_part.html", status=error.status, title=error.title, detail=error.message, hint=error.hint, request_id="")
    stages = [(name, done["seconds"], done["peak_mib"]) for name, done in result.get("stages", {}).items()]
    return visit.part("overview_state.html", state=shown, gates=result.get("gates", {}), stages=stages)


async def _nothing() -> dict[str, Any]:
    return {}
