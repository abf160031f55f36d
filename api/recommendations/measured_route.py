"""Routes about one user: from which build the user is answered, and what a canary measures of that."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.http.problems import Refusal
from api.serving.snapshot_server import Serving
from gnn.recommend.recommender import Recommender
from kg.errors import ReckonError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_BUILD, _ITEMS = "reckon.build_id", "reckon.items"
_OURS = 500
"""An answer from this status on is a mistake of ours."""


class MeasuredRoute(APIRoute):
    """A route whose failures and times a canary counts."""

    def get_route_handler(self) -> Handler:
        """Return what answers a request."""
        return measured(super().get_route_handler())


def measured(handler: Handler) -> Handler:
    """Return a handler that notes what becomes of each request."""

    async def noting(request: Request) -> Response:
        started = time.perf_counter()
        try:
            response = await handler(request)
        except Exception as error:
            if _failed(error):
                _note(request, None)
            raise
        _note(request, time.perf_counter() - started)
        return response

    return noting


def recommender_of(request: Request) -> Recommender:
    """Return the recommender that answers a request: that of the user whom its path names, where it names one.

    Raises:
        UnavailableError: No build can answer.
    """
    serving: Serving = request.app.state.serving
    user_id = request.path_params.get("user_id")
    recommender = serving.recommender if user_id is None else serving.recommender_of(user_id)
    request.scope[_BUILD] = recommender.artifact.build_id
    return recommender


def note_list(request: Request, item_ids: Sequence[str]) -> None:
    """Note which items a list shows."""
    request.scope[_ITEMS] = item_ids


def _note(request: Request, took_s: float | None) -> None:
    """Note what became of a request; None is a failure."""
    user_id, build_id = request.path_params.get("user_id"), request.scope.get(_BUILD)
    if user_id is None or build_id is None:
        return
    serving: Serving = request.app.state.serving
    item_ids = request.scope.get(_ITEMS)
    if took_s is None:
        serving.canary.failed(user_id, build_id)
    elif item_ids is not None:
        serving.canary.list_served(user_id, build_id, item_ids, took_s)


def _failed(error: Exception) -> bool:
    """Say whether an error is answered as a mistake of ours: one that is not expected is."""
    if isinstance(error, Refusal | ReckonError):
        return error.status >= _OURS
    return not isinstance(error, RequestValidationError | HTTPException)
