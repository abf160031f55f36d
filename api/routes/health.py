"""Health and metrics: the only calls without a key, and without anything about the shop in them."""

from __future__ import annotations

import os

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from api.responses import Live, Ready
from api.serving import Serving

router = APIRouter(tags=["operation"])


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


@router.get("/metrics", response_class=Response)
def metrics() -> Response:
    """Prometheus metrics of all workers."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
