"""What Prometheus reads: requests, latency, how answers came about, and how well they are explained."""

from __future__ import annotations

import os
from collections.abc import Iterable

from fastapi import Request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_SECONDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
REQUESTS = Counter("reckon_requests_total", "Requests answered", ["route", "method", "status"])
LATENCY = Histogram("reckon_request_seconds", "Time from the headers in to the last byte out", ["route", "strategy"], buckets=_SECONDS)
ANSWERS = Counter("reckon_answers_total", "Lists answered, by what they were made from", ["strategy"])
FALLBACKS = Counter("reckon_fallbacks_total", "Lists made otherwise than they were asked for, because nothing was known", ["asked", "strategy"])
DEGRADED = Counter("reckon_degraded_answers_total", "Answers given while something did not work", ["what"])
ITEMS = Counter("reckon_items_total", "Items answered with reasons, by whether a graph path leads to them", ["path"])
REMAINDER = Histogram(
    "reckon_explanation_remainder", "Share of an item's score that no listed reason covers", buckets=(0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1)
)
REFUSED = Counter("reckon_refused_total", "Requests refused before they were worked on", ["why"])
WORKING = Gauge("reckon_requests_working", "Requests being worked on", multiprocess_mode="livesum")
WAITING = Gauge("reckon_requests_waiting", "Requests waiting for a place", multiprocess_mode="livesum")


def request(route: str, method: str, status: int, elapsed_s: float, strategy: str) -> None:
    """Count and time one request."""
    REQUESTS.labels(route, method, status).inc()
    LATENCY.labels(route, strategy).observe(elapsed_s)


def answered(request: Request, *, requested: str, strategy: str, degraded: Iterable[str], items: Iterable[tuple[bool, float]]) -> None:
    """Note how a list came about.

    Args:
        request: The request that it answers.
        requested: The strategy asked for.
        strategy: The one that answered.
        degraded: What did not work.
        items: Whether a graph path leads to each explained item, and its remainder.
    """
    request.scope["reckon.strategy"] = strategy
    ANSWERS.labels(strategy).inc()
    if requested != strategy:
        FALLBACKS.labels(requested, strategy).inc()
    for what in degraded:
        DEGRADED.labels(what).inc()
    for has_path, remainder in items:
        ITEMS.labels("yes" if has_path else "no").inc()
        REMAINDER.observe(remainder)


def totals(name: str, label: str) -> dict[str, float]:
    """Return what a counter has counted in all workers since they started, by one of its labels.

    Args:
        name: Of its samples ("reckon_answers_total").
        label: The label that is kept apart ("strategy").
    """
    counted: dict[str, float] = {}
    for metric in _registry().collect():
        for sample in metric.samples:
            if sample.name == name:
                counted[sample.labels.get(label, "")] = counted.get(sample.labels.get(label, ""), 0.0) + sample.value
    return counted


def exposition() -> bytes:
    """Return the metrics of all workers as text."""
    return generate_latest(_registry())


def _registry() -> CollectorRegistry:
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client ships this one untyped
    return registry
