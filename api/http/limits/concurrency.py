"""How many requests are worked on at a time, and for how long. Pure ASGI.

A worker that is asked for more than it can do keeps a bounded queue and refuses the rest at once, so that what it accepts is answered in time.
"""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import problems
from api.http.metrics import REFUSED, WAITING, WORKING
from api.http.problems import Refusal, busy


class ConcurrencyLimit:
    """Bounds the requests in work, those that wait, and the time of each.

    Args:
        app: What answers.
        max_concurrent: Requests in work.
        max_queue: Requests that wait.
        queue_timeout_s: Longest wait.
        request_timeout_s: Longest work. What runs in a thread cannot be stopped: the caller gets an answer, the place stays taken until it ends.
        free: Prefixes of paths that are always answered.
    """

    def __init__(
        self, app: ASGIApp, *, max_concurrent: int, max_queue: int, queue_timeout_s: float, request_timeout_s: float, free: tuple[str, ...] = ()
    ) -> None:
        self._app, self._free = app, free
        self._max_concurrent, self._max_queue = max_concurrent, max_queue
        self._queue_timeout_s, self._request_timeout_s = queue_timeout_s, request_timeout_s
        self._n_working = self._n_waiting = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        # The refusals that are being sent: the loop itself holds tasks only weakly.
        self._refusals: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith(self._free):
            await self._app(scope, receive, send)
            return
        if self._n_working < self._max_concurrent:
            self._n_working += 1
        else:
            await self._wait()
        WORKING.set(self._n_working)
        try:
            await self._timed(scope, receive, send)
        finally:
            self._leave()
            WORKING.set(self._n_working)

    async def _wait(self) -> None:
        if self._n_waiting >= self._max_queue:
            raise _refused("queue full", "more requests are waiting than this worker may hold")
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(self._queue_timeout_s, _expire, place)
        self._queue.append(place)
        self._n_waiting += 1
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._leave()
            raise
        finally:
            timer.cancel()
            self._n_waiting -= 1
            WAITING.set(self._n_waiting)

    def _leave(self) -> None:
        """Give the place to the one who waits longest, if anybody does."""
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._n_working -= 1

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = expired = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if not expired:
                started = True
                await send(message)

        def expire() -> None:
            nonlocal expired
            if not started:
                expired = True
                refusal = _refused("slow", f"the request took longer than {self._request_timeout_s:g} s")
                task = loop.create_task(problems.send(send, refusal, scope.get("reckon.request_id", "")))
                self._refusals.add(task)
                task.add_done_callback(self._refusals.discard)

        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._request_timeout_s, expire)
        try:
            await self._app(scope, receive, guarded)
        finally:
            timer.cancel()


def _expire(place: asyncio.Future[None]) -> None:
    if not place.done():
        place.set_exception(_refused("queue timeout", "no place was free in time"))


def _refused(why: str, detail: str) -> Refusal:
    REFUSED.labels(why).inc()
    return busy(detail)
