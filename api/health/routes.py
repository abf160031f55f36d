"""Health, the only calls without a key and without anything about the shop in them, and metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from api.health.schemas import Live, Ready
from api.http import metrics
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.serving.snapshot_server import Serving

router = APIRouter(tags=["operation"])
MetricsReader = Annotated[ApiKey, Depends(require("metrics:read"))]


@router.get("/health/live")
async def live() -> Live:
    """Say that the process answers."""
    return Live(status="live")


@router.get("/health/ready", responses={503: {"model": Ready}})
async def ready(request: Request, response: Response) -> Ready:
    """Say whether requests can be answered, and why not."""
    serving: Serving = request.app.state.serving
    problems = serving.problems
    if problems:
        response.status_code = 503
    return Ready(
        status="not ready" if problems else "ready",
        build_id=serving.build_id,
        degraded=serving.degraded,
        reasons=[*problems, *serving.notes],
    )


@router.get("/metrics", response_class=PlainTextResponse)
def prometheus(_: MetricsReader) -> Response:
    """Prometheus metrics of all workers. Takes the key as a bearer token, or as the password of Basic authentication."""
    return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
