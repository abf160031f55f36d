"""Lists as responses: rendered once, counted, kept for replay, and remembered for as long as nothing that they depend on has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import orjson
from cachetools import LRUCache
from fastapi import Request, Response
from prometheus_client import Counter

from api.http import metrics
from api.http.language import language_headers
from api.http.schemas import request_id
from api.keys.key_store import ApiKey
from api.recommendations import render
from api.recommendations.measured_route import note_list
from api.recommendations.replay_store import ReplayStore
from gnn.explain.messages.catalogue import Catalogue
from gnn.recommend.recommender import Recommendations

CACHE = Counter("reckon_cache_total", "Lists asked for, by whether they were remembered", ["outcome"])
_ENTRY_BYTES = 1_500
"""What an entry takes beside its body, roughly."""


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A rendered list.

    Attributes:
        body: JSON without the request id.
        language: The language of its sentences.
        requested: The strategy asked for.
        strategy: What it was made from.
        items: Whether a graph path leads to each explained item, and its remainder.
        item_ids: What the list shows.
    """

    body: bytes
    language: str
    requested: str
    strategy: str
    items: tuple[tuple[bool, float], ...]
    item_ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, result: Recommendations, words: Catalogue, *, requested: str, degraded: list[str], next_page_token: str | None) -> CachedResponse:
        """Render a list."""
        body = orjson.dumps(render.recommendations(result, words, degraded=degraded, next_page_token=next_page_token))
        items = tuple((any(reason.paths for reason in item.reasons), item.remainder) for item in result.items if item.reasons)
        return cls(body, words.language, requested, result.strategy, items, tuple(item.item_id for item in result.items))


class ResponseCache:
    """Answers lists.

    Args:
        store: Where they are kept for replay.
        cache_bytes: How much is remembered in this process; 0 remembers nothing.
    """

    def __init__(self, store: ReplayStore, *, cache_bytes: int) -> None:
        self.store, self._most = store, cache_bytes
        # Question → what its answer depends on beside the question, and the answer.
        self._remembered: LRUCache[Hashable, tuple[Hashable, CachedResponse]] = LRUCache(cache_bytes, getsizeof=_entry_bytes)
        # Routes run on the event loop and in threads.
        self._lock = threading.Lock()

    def answer(
        self, request: Request, key: ApiKey, *, question: Hashable, state_version: Hashable, degraded: list[str], make: Callable[[], CachedResponse]
    ) -> Response:
        """Answer a list.

        Args:
            request: What it answers.
            key: Whose request it is.
            question: What is asked.
            state_version: Everything else that the list depends on; where both are equal it would be made the same.
            degraded: What does not work at the moment.
            make: Makes it.
        """
        reply = self._recall(question, state_version)
        if reply is None:
            CACHE.labels("miss").inc()
            reply = make()
            self._remember(question, state_version, reply)
        else:
            CACHE.labels("hit").inc()
        return self._response(request, key, reply, degraded)

    def recalled(self, request: Request, key: ApiKey, *, question: Hashable, state_version: Hashable, degraded: list[str]) -> Response | None:
        """Answer a list if it is remembered."""
        reply = self._recall(question, state_version)
        if reply is None:
            return None
        CACHE.labels("hit").inc()
        return self._response(request, key, reply, degraded)

    def _response(self, request: Request, key: ApiKey, reply: CachedResponse, degraded: list[str]) -> Response:
        metrics.answered(request, requested=reply.requested, strategy=reply.strategy, degraded=degraded, items=reply.items)
        note_list(request, reply.item_ids)
        answer_id = request_id(request)
        self.store.put(answer_id, key.key_id, reply.body, reply.language)
        return Response(with_id(answer_id, reply.body), media_type="application/json", headers=language_headers(reply.language))

    def _recall(self, question: Hashable, state_version: Hashable) -> CachedResponse | None:
        with self._lock:
            entry = self._remembered.get(question)
        return None if entry is None or entry[0] != state_version else entry[1]

    def _remember(self, question: Hashable, state_version: Hashable, reply: CachedResponse) -> None:
        entry = state_version, reply
        if _entry_bytes(entry) > self._most // 10:
            return
        with self._lock:
            self._remembered[question] = entry


def _entry_bytes(entry: tuple[Hashable, CachedResponse]) -> int:
    return len(entry[1].body) + _ENTRY_BYTES


def with_id(answer_id: str, body: bytes) -> bytes:
    """Put the request id into a rendered body, as its first member."""
    return b'{"request_id":' + orjson.dumps(answer_id) + b"," + body[1:]
