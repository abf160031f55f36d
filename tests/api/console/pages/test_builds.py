"""Builds are those of `reckon builds`; another one answers only after it was asked for twice."""

from __future__ import annotations

import re
import shutil
import time

import pytest
from starlette.testclient import TestClient

from kg.files.json_file import write_json
from kg.workspace import Workspace
from tests.console_visits import send, words
from tests.small_shop import BUILD_ID

EARLIER = "20250101T000000-000001"


@pytest.fixture(scope="module", autouse=True)
def earlier_build(served: object) -> None:
    workspace: Workspace = served.workspace  # type: ignore[attr-defined]
    shutil.copytree(workspace.build(BUILD_ID), workspace.build(EARLIER))
    plot = '<svg><path style="fill: none; stroke: #ff0000"/></svg>'
    report = f"<!doctype html><html><head><style>h1{{color:red}}</style></head><body><h1>Report</h1>{plot}</body></html>"
    (workspace.build(BUILD_ID) / "report.html").write_text(report, encoding="utf-8")


def test_builds_are_listed_and_shown(admin: TestClient) -> None:
    page = words(admin.get("/console/builds"))
    assert page.index(BUILD_ID) < page.index(EARLIER)
    assert f"{BUILD_ID} answers" in page
    assert BUILD_ID in words(admin.get(f"/console/builds/{BUILD_ID}"))
    for unknown in ("20200101T000000-000001", "..", "x", "-w"):
        assert admin.get(f"/console/builds/{unknown}").status_code == 404 or unknown == ".."
    assert admin.get("/console/builds/diff?first=x&second=y").status_code == 404
    assert admin.get(f"/console/builds/diff?first={BUILD_ID}&second={BUILD_ID}").status_code == 422


def test_a_report_is_shown_in_a_sandbox(admin: TestClient) -> None:
    report = admin.get(f"/console/builds/{BUILD_ID}/report")
    policy = report.headers["content-security-policy"]
    assert '<path fill="none" stroke="#ff0000"/>' in report.text
    assert "sandbox" in policy
    assert "unsafe" not in policy
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/=]{44}'", policy)
    assert admin.get(f"/console/builds/{EARLIER}/report").status_code == 404


def test_nothing_is_published_without_a_second_yes(admin: TestClient, workspace: Workspace) -> None:
    confirm = f"/console/builds/confirm?action=publish&build={EARLIER}"
    assert EARLIER in words(admin.get(confirm))
    assert send(admin, "/console/builds/publish", confirm, build=EARLIER).status_code == 422
    assert send(admin, "/console/builds/publish", confirm, build="20200101T000000-000001", sure="yes").status_code == 404
    assert admin.get("/console/builds/confirm?action=prune&build=x").status_code == 404
    assert workspace.current_id() == BUILD_ID


def test_a_change_that_fails_says_why_and_the_build_goes_on(admin: TestClient, workspace: Workspace) -> None:
    # No build was published before this one: the command refuses, in a process of its own.
    confirm = f"/console/builds/confirm?action=rollback&build={EARLIER}"
    assert send(admin, "/console/builds/rollback", confirm, sure="yes").status_code == 303
    for _ in range(600):
        said = words(admin.get("/console/builds/change"))
        if "is at work" not in said:
            break
        time.sleep(0.1)
    assert "rollback, begun by ann" in said
    assert "failed" in said
    assert "no build was published before" in said
    assert workspace.current_id() == BUILD_ID


def test_one_change_runs_at_a_time_and_one_that_was_lost_stops_nobody(admin: TestClient, workspace: Workspace) -> None:
    confirm = f"/console/builds/confirm?action=rollback&build={EARLIER}"
    record = workspace.console / "last-change.json"
    running = {"command": "publish x", "by": "bob", "status": "running", "started_s": time.time()}
    write_json(record, running)
    refused = send(admin, "/console/builds/rollback", confirm, sure="yes")
    assert (refused.status_code, "another change of builds is running" in words(refused)) == (409, True)
    write_json(record, {**running, "started_s": time.time() - 86_400})
    assert "did not report back" in words(admin.get("/console/builds/change"))
