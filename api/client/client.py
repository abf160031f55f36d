"""The Python client: `Client` and, with the same calls as coroutines, `AsyncClient`.

    with Client("https://reckon.shop.example", key) as client:
        client.send_events([{"user_id": "718", "item_id": "844165", "kind": "view"}])
        for item in client.recommendations("718", k=5)["items"]:
            print(item["rank"], item["title"], item["reasons"][0]["sentence"])

What does not answer, or answers 429, 502, 503 or 504, is asked again after what Retry-After says, or after growing pauses; every call of the API is
safe to repeat. Errors are those of `errors` beside this module. Needs httpx and pydantic, and nothing of the server.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx
from pydantic_core import from_json, to_json

from . import requests
from .errors import UnavailableError, error_of
from .requests import Call

P = ParamSpec("P")
T = TypeVar("T")
_REPEATED = frozenset({429, 502, 503, 504})
_FIRST_PAUSE_S = 0.1


class _Tries:
    """How often a call is tried, and how long is waited between.

    Args:
        most: Tries beyond the first.
        max_wait_s: Longest pause; a Retry-After beyond it ends the tries.
    """

    def __init__(self, most: int, max_wait_s: float) -> None:
        self._left, self._max_wait_s, self._pause_s = most, max_wait_s, _FIRST_PAUSE_S

    def pause_s(self, response: httpx.Response | None) -> float | None:
        """Return how long to wait before the next try, or None to give up."""
        if self._left <= 0 or (response is not None and response.status_code not in _REPEATED):
            return None
        self._left -= 1
        # Spread, so that clients that were refused together do not come back together.
        pause = self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._pause_s = min(2 * self._pause_s, self._max_wait_s)
        retry_after = response.headers.get("retry-after", "") if response is not None else ""
        if retry_after.isdigit():
            if int(retry_after) > self._max_wait_s:
                return None
            pause = max(pause, float(retry_after))
        return pause


def _options(url: str, key: str, timeout_s: float, language: str | None) -> dict[str, Any]:
    # The key goes into a header and nowhere else: addresses are logged on the way.
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json", "User-Agent": "reckon-client"}
    headers |= {} if language is None else {"Accept-Language": language}
    return {"base_url": url, "headers": headers, "timeout": timeout_s}


def _request(call: Call[Any]) -> dict[str, Any]:
    content = None if call.body is None else to_json(call.body)
    headers = {} if content is None else {"Content-Type": "application/json"}
    headers |= {} if call.language is None else {"Accept-Language": call.language}
    return {"method": call.method, "url": call.path, "params": call.parameters(), "content": content, "headers": headers}


def _answer(response: httpx.Response) -> Any:
    if response.is_success:
        return from_json(response.content) if response.content else None
    try:
        problem = from_json(response.content)
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    message = str(problem.get("detail") or problem.get("title") or f"the API answered {response.status_code}")
    request_id = response.headers.get("x-request-id")
    kind = error_of(response.status_code)
    error = kind(message, hint=str(problem.get("hint") or ""), status=response.status_code, request_id=request_id)
    error.add_note(f"HTTP {response.status_code}, request {request_id or 'without an id'}")
    raise error


def _unreachable(error: httpx.TransportError) -> UnavailableError:
    return UnavailableError(f"the API does not answer: {type(error).__name__}", hint="check its address, or try again later")


def _sync(build: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    @wraps(build)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(build(*args, **kwargs))

    return method


def _async(build: Callable[P, Call[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    @wraps(build)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.send(build(*args, **kwargs))

    return method


class Client:
    """Calls the API and waits for its answers. May be shared by threads.

    Args:
        url: Where the API is, such as "http://127.0.0.1:8000".
        key: An API key.
        timeout_s: Longest wait for one answer.
        retries: Tries beyond the first.
        max_wait_s: Longest pause between tries.
        language: Of the sentences, where a call names none: "zh"; the shop's own by default.
        **options: Further options of `httpx.Client`, such as `verify` or `transport`.
    """

    def __init__(
        self, url: str, key: str, *, timeout_s: float = 10.0, retries: int = 3, max_wait_s: float = 10.0, language: str | None = None, **options: Any
    ) -> None:
        self._http = httpx.Client(**{**_options(url, key, timeout_s, language), **options})
        self._retries, self._max_wait_s = retries, max_wait_s

    def send(self, call: Call[T]) -> T:
        """Send a call.

        Raises:
            ReckonError: The API refuses it, or does not answer.
        """
        tries = _Tries(self._retries, self._max_wait_s)
        while True:
            response, failed = None, None
            try:
                response = self._http.request(**_request(call))
            except httpx.TransportError as error:
                failed = _unreachable(error)
            pause = tries.pause_s(response)
            if pause is not None:
                time.sleep(pause)
            elif response is not None:
                answer: T = _answer(response)
                return answer
            elif failed is not None:
                raise failed

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    recommendations = _sync(requests.recommendations)
    ad_hoc_recommendations = _sync(requests.ad_hoc_recommendations)
    explanation = _sync(requests.explanation)
    why_not = _sync(requests.why_not)
    replay = _sync(requests.replay)
    similar = _sync(requests.similar)
    bought_together = _sync(requests.bought_together)
    basket_recommendations = _sync(requests.basket_recommendations)
    popular = _sync(requests.popular)
    trending = _sync(requests.trending)
    put_item = _sync(requests.put_item)
    patch_item = _sync(requests.patch_item)
    delete_item = _sync(requests.delete_item)
    change_items = _sync(requests.change_items)
    item = _sync(requests.item)
    send_events = _sync(requests.send_events)
    user_events = _sync(requests.user_events)
    profile = _sync(requests.profile)
    change_profile = _sync(requests.change_profile)
    put_user = _sync(requests.put_user)
    put_users = _sync(requests.put_users)
    rules = _sync(requests.rules)
    rule = _sync(requests.rule)
    put_rule = _sync(requests.put_rule)
    delete_rule = _sync(requests.delete_rule)
    preview_rules = _sync(requests.preview_rules)
    risk_report = _sync(requests.risk_report)
    risk_decisions = _sync(requests.risk_decisions)
    decide_risk = _sync(requests.decide_risk)
    answer = _sync(requests.answer)
    search = _sync(requests.search)
    search_by_body = _sync(requests.search_by_body)
    suggest = _sync(requests.suggest)
    cypher = _sync(requests.cypher)
    queries = _sync(requests.queries)
    run_library_query = _sync(requests.run_library_query)
    ready = _sync(requests.ready)


class AsyncClient:
    """Calls the API from coroutines.

    Args:
        url: Where the API is, such as "http://127.0.0.1:8000".
        key: An API key.
        timeout_s: Longest wait for one answer.
        retries: Tries beyond the first.
        max_wait_s: Longest pause between tries.
        language: Of the sentences, where a call names none: "zh"; the shop's own by default.
        **options: Further options of `httpx.AsyncClient`, such as `verify` or `transport`.
    """

    def __init__(
        self, url: str, key: str, *, timeout_s: float = 10.0, retries: int = 3, max_wait_s: float = 10.0, language: str | None = None, **options: Any
    ) -> None:
        self._http = httpx.AsyncClient(**{**_options(url, key, timeout_s, language), **options})
        self._retries, self._max_wait_s = retries, max_wait_s

    async def send(self, call: Call[T]) -> T:
        """Send a call.

        Raises:
            ReckonError: The API refuses it, or does not answer.
        """
        tries = _Tries(self._retries, self._max_wait_s)
        while True:
            response, failed = None, None
            try:
                response = await self._http.request(**_request(call))
            except httpx.TransportError as error:
                failed = _unreachable(error)
            pause = tries.pause_s(response)
            if pause is not None:
                await asyncio.sleep(pause)
            elif response is not None:
                answer: T = _answer(response)
                return answer
            elif failed is not None:
                raise failed

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    recommendations = _async(requests.recommendations)
    ad_hoc_recommendations = _async(requests.ad_hoc_recommendations)
    explanation = _async(requests.explanation)
    why_not = _async(requests.why_not)
    replay = _async(requests.replay)
    similar = _async(requests.similar)
    bought_together = _async(requests.bought_together)
    basket_recommendations = _async(requests.basket_recommendations)
    popular = _async(requests.popular)
    trending = _async(requests.trending)
    put_item = _async(requests.put_item)
    patch_item = _async(requests.patch_item)
    delete_item = _async(requests.delete_item)
    change_items = _async(requests.change_items)
    item = _async(requests.item)
    send_events = _async(requests.send_events)
    user_events = _async(requests.user_events)
    profile = _async(requests.profile)
    change_profile = _async(requests.change_profile)
    put_user = _async(requests.put_user)
    put_users = _async(requests.put_users)
    rules = _async(requests.rules)
    rule = _async(requests.rule)
    put_rule = _async(requests.put_rule)
    delete_rule = _async(requests.delete_rule)
    preview_rules = _async(requests.preview_rules)
    risk_report = _async(requests.risk_report)
    risk_decisions = _async(requests.risk_decisions)
    decide_risk = _async(requests.decide_risk)
    answer = _async(requests.answer)
    search = _async(requests.search)
    search_by_body = _async(requests.search_by_body)
    suggest = _async(requests.suggest)
    cypher = _async(requests.cypher)
    queries = _async(requests.queries)
    run_library_query = _async(requests.run_library_query)
    ready = _async(requests.ready)
