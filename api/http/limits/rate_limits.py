"""How often a key may call: counted by `limits`, in this worker or in a Redis that all workers share."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

import limits
import structlog
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from api.keys.key_store import ApiKey
from kg.errors import ConfigError

_REDIS_TIMEOUT_S = 0.25
_RETRY_S = 5.0
_SCHEMES = ("redis://", "rediss://", "redis+unix://")
log = structlog.get_logger("api")


@dataclass(frozen=True, slots=True)
class RateLimitStatus:
    """Where a key stands after a request was counted.

    Attributes:
        allowed: Whether the request may go on.
        limit: Requests per window.
        window_s: Length of the window.
        remaining: Requests left in it.
        reset_s: Seconds until the whole limit is there again.
    """

    allowed: bool
    limit: int
    window_s: int
    remaining: int
    reset_s: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the RateLimit headers, and Retry-After of a refusal.

        Source: IETF draft-ietf-httpapi-ratelimit-headers-09.
        """
        fields = [
            (b"ratelimit-policy", f'"key";q={self.limit};w={self.window_s}'.encode()),
            (b"ratelimit", f'"key";r={self.remaining};t={self.reset_s}'.encode()),
        ]
        return fields if self.allowed else [*fields, (b"retry-after", str(max(1, self.reset_s)).encode())]


class RateLimits:
    """Counts the requests of every key, in a window that slides.

    Args:
        rate: Rate of keys without their own; empty limits none of them.
        storage: URL of a Redis; empty counts in this process.
        workers: Processes among which the limit is divided when each counts for itself.
    """

    def __init__(self, rate: str, *, storage: str = "", workers: int = 1) -> None:
        if storage and not storage.startswith(_SCHEMES):
            raise ConfigError("[serve] rate_limit_storage is not the URL of a Redis", hint=f"write one of {', '.join(_SCHEMES)}…")
        self._rate, self._workers = rate, workers
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        # Imported by name and only here: shops that count in the workers need no Redis client.
        self._storage: Any = _redis_storage(storage) if storage else None
        self._shared: Any = import_module("limits.aio.strategies").SlidingWindowCounterRateLimiter(self._storage) if storage else None
        self._own_until = 0.0

    @property
    def degraded(self) -> bool:
        """Whether the shared storage did not answer lately, so that each worker counts for itself."""
        return time.monotonic() < self._own_until

    async def count(self, key: ApiKey) -> RateLimitStatus | None:
        """Count one request of a key; None where nothing limits it."""
        rate = key.rate or self._rate
        if not rate:
            return None
        if self._shared is not None and not self.degraded:
            try:
                return await self._count_shared(parsed(rate), key.key_id)
            except self._storage.base_exceptions as error:
                # A storage that is down must not stop the shop: each worker counts its part until it is tried again.
                self._own_until = time.monotonic() + _RETRY_S
                log.error("rate limit storage does not answer", error=type(error).__name__)
        return self._count_own(divided(rate, self._workers), key.key_id)

    async def close(self) -> None:
        """Close the connections to the storage."""
        if self._storage is not None:
            await self._storage.bridge.storage.aclose()

    async def _count_shared(self, item: limits.RateLimitItem, key_id: str) -> RateLimitStatus:
        allowed = await self._shared.hit(item, key_id)
        stats = await self._shared.get_window_stats(item, key_id)
        return _status(allowed, item, stats.remaining, stats.reset_time)

    def _count_own(self, item: limits.RateLimitItem, key_id: str) -> RateLimitStatus:
        allowed = self._own.hit(item, key_id)
        stats = self._own.get_window_stats(item, key_id)
        return _status(allowed, item, stats.remaining, stats.reset_time)


@lru_cache(maxsize=1024)
def parsed(rate: str) -> limits.RateLimitItem:
    """Return a rate as `limits` counts it."""
    return limits.parse(rate)


@lru_cache(maxsize=1024)
def divided(rate: str, workers: int) -> limits.RateLimitItem:
    """Return the part of a rate that one of several workers counts."""
    item = limits.parse(rate)
    return type(item)(max(1, math.ceil(item.amount / workers)), item.multiples)


def _status(allowed: bool, item: limits.RateLimitItem, remaining: int, reset_time: float) -> RateLimitStatus:
    return RateLimitStatus(allowed, item.amount, item.get_expiry(), max(0, remaining), max(0, math.ceil(reset_time - time.time())))


def _redis_storage(url: str) -> Any:
    storage = import_module("limits.aio.storage").RedisStorage
    return storage(f"async+{url}", implementation="redispy", socket_timeout=_REDIS_TIMEOUT_S, socket_connect_timeout=_REDIS_TIMEOUT_S)
