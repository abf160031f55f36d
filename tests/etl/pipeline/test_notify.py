"""Who is notified how a rebuild ended: the webhook is a real server, which checks the signature."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from etl.pipeline.notify import SIGNATURE, TIMESTAMP, message, notify, signature
from etl.settings import RebuildConfig
from kg.errors import ConfigError, GateError

SECRET = "a secret of the shop"


class Hook(ThreadingHTTPServer):
    """Answers with the given codes, in order, and keeps what it got."""

    def __init__(self, codes: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.codes, self.got = codes, []  # type: list[int], list[tuple[dict[str, str], bytes]]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Hook)
        server.got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(server.codes.pop(0))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook([]) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settings(hook: Hook, **more: object) -> RebuildConfig:
    values = {"webhook": f"http://127.0.0.1:{hook.server_port}/hook", "webhook_secret": SecretStr(SECRET), **more}
    return RebuildConfig.model_validate(values)


def test_it_is_signed_and_tried_again(hook: Hook) -> None:
    hook.codes = [503, 500, 204]
    notes: list[str] = []
    pauses: list[float] = []
    assert notify(settings(hook), message("tea shop", "20260101T000000-abc123", 12.3), notes.append, pauses.append)
    assert (notes, pauses) == ([], [1.0, 2.0])
    assert len(hook.got) == 3
    headers, body = hook.got[-1]
    assert headers[SIGNATURE] == signature(SECRET, headers[TIMESTAMP], body)
    assert headers[SIGNATURE] != signature("another", headers[TIMESTAMP], body)
    payload = json.loads(body)
    assert (payload["event"], payload["shop"], payload["build_id"], payload["seconds"]) == ("success", "tea shop", "20260101T000000-abc123", 12.3)


def test_a_refusal_is_not_tried_again(hook: Hook) -> None:
    hook.codes = [401]
    notes: list[str] = []
    assert not notify(settings(hook), message("shop", "", 1.0), notes.append, lambda _: None)
    assert len(hook.got) == 1
    assert notes == [f"the webhook http://127.0.0.1:{hook.server_port}/hook was not reached: it answered 401"]


def test_nobody_there_is_noted_and_changes_nothing() -> None:
    notes: list[str] = []
    nobody = RebuildConfig(webhook="http://127.0.0.1:1/hook?token=hush", attempts=3)
    pauses: list[float] = []
    assert not notify(nobody, message("shop", "", 1.0), notes.append, pauses.append)
    assert pauses == [1.0, 2.0]
    assert "ConnectError" in notes[0]
    assert "hush" not in notes[0]


def test_what_is_told_of_a_failure() -> None:
    record = {"stage": "evaluate", "gates": {"latency": {"passed": False}}}
    gate = message("shop", "b", 1.0, GateError("the build is not good enough", hint="--accept latency"), record)
    assert (gate["event"], gate["stage"], gate["hint"]) == ("gate_failure", "evaluate", "--accept latency")
    assert gate["gates"] == {"latency": {"passed": False}}
    assert message("shop", "b", 1.0, ConfigError("wrong"))["event"] == "error"
    assert message("shop", "b", 1.0, ValueError("wrong"))["reason"] == "ValueError: wrong"


def test_a_command_gets_the_event_and_the_message(tmp_path: Path) -> None:
    script = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2] + sys.stdin.read())"
    out, notes = tmp_path / "out", []  # type: Path, list[str]
    assert notify(RebuildConfig(command=(sys.executable, "-c", script, str(out))), message("shop", "b", 1.0), notes.append)
    assert out.read_text().startswith('success{"accepted": {}, "build_id": "b"')
    assert not notify(RebuildConfig(command=(sys.executable, "-c", "raise SystemExit(3)")), message("shop", "b", 1.0), notes.append)
    assert not notify(RebuildConfig(command=(str(tmp_path / "none"),)), message("shop", "b", 1.0), notes.append)
    assert "ended with 3" in notes[0]
    assert "did not run" in notes[1]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"schedule": "every night"}, "not a cron expression"),
        ({"schedule": "0 3 * * * *"}, "not a cron expression"),
        ({"time_zone": "Mars/Olympus"}, "not a time zone"),
        ({"webhook": "ftp://x"}, "must begin with http"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(values: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        RebuildConfig.model_validate(values)
