"""Traces to an OTLP collector, where one is configured; nothing of OpenTelemetry is imported otherwise. Pure ASGI.

A span carries the route's pattern, the method, the status, the request id and the strategy: no path, query or body, which may hold a shopper's id.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


def provider(endpoint: str) -> TracerProvider:
    """Return what makes spans and sends them.

    Args:
        endpoint: Of the collector, without /v1/traces.

    Raises:
        ConfigError: OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ConfigError("[serve] otlp_endpoint needs OpenTelemetry", hint="pip install 'reckon[otlp]'") from None
    made = TracerProvider(resource=Resource.create({"service.name": "reckon", "service.version": version("reckon")}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)))
    return made


class Tracing:
    """Makes a span of each request, as a part of the caller's trace where it sends a traceparent.

    Args:
        app: What answers.
        spans: Of `provider`.
    """

    def __init__(self, app: ASGIApp, *, spans: TracerProvider) -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._app, self._tracer = app, spans.get_tracer("reckon")
        self._kind, self._context = SpanKind.SERVER, TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"] if name in (b"traceparent", b"tracestate")}
        with self._tracer.start_as_current_span(scope["method"], context=self._context.extract(sent), kind=self._kind) as span:
            await self._app(scope, receive, watched)
            route = getattr(scope.get("route"), "path", "unmatched")
            span.update_name(f"{scope['method']} {route}")
            span.set_attributes(
                {
                    "http.request.method": scope["method"],
                    "http.route": route,
                    "http.response.status_code": status,
                    "reckon.request_id": scope.get("reckon.request_id", ""),
                    "reckon.strategy": scope.get("reckon.strategy", ""),
                }
            )
