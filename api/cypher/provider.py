"""The graph database as the API asks it: one connection per worker, a bounded number of queries at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool

from api.http.problems import busy
from kg.config import GraphConfig
from kg.errors import GraphUnavailableError
from kg.store import Bounds, Cancellation, GraphDatabase, Place, QueryResult, backend_of
from kg.workspace import Workspace

_LOOK_S = 0.2


class GraphQueries:
    """Runs queries on the graph database of a workspace.

    Args:
        workspace: Whose graph.
        settings: How its database is reached.
        at_a_time: Queries that run beside each other in this worker.
        max_bytes: Most bytes of an answer's rows.
    """

    def __init__(self, workspace: Workspace, settings: GraphConfig, *, at_a_time: int, max_bytes: int) -> None:
        self._place, self._backend = Place(workspace.graph, settings), backend_of(settings)
        self._at_a_time, self._max_bytes = at_a_time, max_bytes
        self._running = 0
        self._database: GraphDatabase | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            database, self._database = self._database, None
        if database is not None:
            database.close()

    async def run(
        self,
        text: str,
        parameters: Mapping[str, Any],
        gone: Callable[[], Awaitable[bool]],
        *,
        timeout_s: float,
        max_rows: int,
        personal: bool,
    ) -> QueryResult:
        """Answer a query, and end it in the database where its asker goes away.

        Args:
            text: One statement that reads.
            parameters: Its parameters.
            gone: Says whether the asker has gone.
            timeout_s: Its time limit.
            max_rows: Its row limit.
            personal: Whether the asker may see who a shopper is.

        Raises:
            Refusal: As many queries run as may.
            ReckonError: See `kg.store.query`.
        """
        # Counted on the event loop, so nothing runs between the look and the count.
        if self._running >= self._at_a_time:
            raise busy(f"{self._at_a_time} queries of the graph are running, as many as may", retry_after_s=1)
        self._running += 1
        cancellation = Cancellation()
        bounds = Bounds(timeout_s, max_rows, self._max_bytes, personal)
        watching = asyncio.create_task(_watch(gone, cancellation))
        try:
            return await run_in_threadpool(self._query, text, parameters, bounds, cancellation)
        finally:
            cancellation.cancel()
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            self._running -= 1

    def _query(self, text: str, parameters: Mapping[str, Any], bounds: Bounds, cancellation: Cancellation) -> QueryResult:
        database = self._joined()
        try:
            return database.query(text, parameters, bounds=bounds, cancellation=cancellation)
        except GraphUnavailableError:
            # It may come back at another port.
            self.close()
            raise

    def _joined(self) -> GraphDatabase:
        with self._lock:
            if self._database is None:
                self._database = self._backend.joined(self._place)
            return self._database


async def _watch(gone: Callable[[], Awaitable[bool]], cancellation: Cancellation) -> None:
    while not await gone():
        await asyncio.sleep(_LOOK_S)
    cancellation.cancel()
