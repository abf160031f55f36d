"""What an operator sees: metrics, traces, TLS."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from kg.workspace import Workspace
from tests.small_shop import Asking, key_of, serving, small_app

LIST = "/v1/users/{}/recommendations?k=2"


def metric(text: str, name: str, **labels: str) -> float:
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items())


def test_metrics_tell_how_answers_came_about(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace)

    def now() -> str:
        return client.get("/metrics", headers=key).text

    route = "/v1/users/{user_id:path}/recommendations"
    before = now()
    client.get(LIST.format("u"), headers=key)
    client.get(LIST.format("nobody"), headers=key)
    client.get(LIST.format("u"))
    after = now()

    def gained(name: str, **labels: str) -> float:
        return metric(after, name, **labels) - metric(before, name, **labels)

    assert gained("reckon_requests_total", route=route, status="200") == 2
    assert gained("reckon_refused_total", why="key") == 1
    assert gained("reckon_request_seconds_count", route=route, strategy="personal") == 1
    assert gained("reckon_request_seconds_count", route=route, strategy="popular") == 1
    assert gained("reckon_fallbacks_total", asked="personal", strategy="popular") == 1
    # No graph database runs beside this test.
    assert gained("reckon_degraded_answers_total", what="graph") == 2
    assert gained("reckon_items_total", path="yes") == 2
    assert gained("reckon_items_total", path="no") == 2
    assert gained("reckon_explanation_remainder_count") == 4
    assert metric(after, "reckon_build_created_seconds") > 1e9
    assert metric(after, "reckon_artifact_load_seconds") > 0
    names = {family.name for family in text_string_to_metric_families(after)}
    assert names >= {"reckon_artifact_loads", "reckon_cache", "reckon_ledger_bytes", "reckon_event_lag_seconds", "reckon_requests_working"}


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            received.append(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_traces_reach_a_collector_and_tell_nothing_of_a_shopper(workspace: Workspace) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with collector() as (url, received):
        with TestClient(small_app(workspace, {"otlp_endpoint": url})) as client:
            headers = {**key_of(workspace), "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
            answer = client.get(LIST.format("customer-4711"), headers=headers)
        assert answer.status_code == 200
    spans = [
        span
        for body in received
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    [span] = [span for span in spans if span.name.startswith("GET /v1/users")]
    assert span.name == "GET /v1/users/{user_id:path}/recommendations"
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace, "b7ad6b7169203331")
    attributes = {attribute.key: attribute.value for attribute in span.attributes}
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["reckon.request_id"].string_value == answer.headers["x-request-id"]
    assert not any(b"4711" in body for body in received)


def test_nothing_of_opentelemetry_is_imported_unless_traces_are_wanted() -> None:
    # FastAPI itself imports the bare interface of OpenTelemetry where it is installed.
    text = "import sys, api.app; print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    assert subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_api_speaks_tls_itself_where_it_has_a_certificate(workspace: Workspace, tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run([*command, *names], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with")
    with serving(small_app(workspace), ssl_certfile=str(certificate), ssl_keyfile=str(key)) as url:
        address = url.replace("http:", "https:")
        trusting = ssl.create_default_context(cafile=str(certificate))
        assert httpx.get(f"{address}/health/live", verify=trusting).json() == {"status": "live"}
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/health/live")


def test_a_corrupt_build_is_refused_without_telling_strangers_where_it_lies(workspace: Workspace) -> None:
    (workspace.current / "artifact" / "manifest.json").write_text("{")
    with TestClient(small_app(workspace), raise_server_exceptions=False) as client:
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
        assert "was refused" in ready.json()["reasons"][0]
        answer = client.get(LIST.format("u"), headers=key_of(workspace))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert str(workspace.root) not in ready.text + answer.text
