"""Which build is tried out on whom: a stable share, one canary at a time, over when another build is published."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from kg.canary import state
from kg.canary.state import Canary, share_of
from kg.errors import ConflictError, InputError, NotFoundError
from kg.workspace import Workspace
from tests.conftest import write_shop

OLD, NEW, OTHER = "20260101T000000-000001", "20260102T000000-000002", "20260103T000000-000003"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.open(write_shop(tmp_path / "shop"))
    workspace.builds.mkdir()
    point(workspace, OLD)
    return workspace


def point(workspace: Workspace, build_id: str) -> None:
    workspace.current.unlink(missing_ok=True)
    workspace.current.symlink_to(build_id)


def canary(build_id: str = NEW, share: float = 0.1, since_s: float = 1000.0) -> Canary:
    return Canary(build_id, OLD, share, since_s)


def test_a_share_of_the_users_is_of_it_and_as_many_are_compared() -> None:
    users = [f"user {n}" for n in range(20_000)]
    arms = Counter(canary().arm(user) for user in users)
    assert abs(arms["canary"] - 2000) < 150
    assert abs(arms["control"] - 2000) < 150
    # The same users every time, whenever it began, and others with another build.
    assert [canary(since_s=9).arm(user) for user in users] == [canary().arm(user) for user in users]
    both = sum(canary().arm(user) == canary(OTHER).arm(user) == "canary" for user in users)
    assert both < 300
    # A larger share keeps whom the smaller one had.
    assert all(canary(share=0.3).arm(user) == "canary" for user in users if canary().arm(user) == "canary")
    assert {canary(share=1.0).arm(user) for user in users} == {"canary"}


def test_shares_are_read_and_nonsense_is_refused() -> None:
    assert (share_of("10%"), share_of(" 0.5 "), share_of("100%")) == (0.1, 0.5, 1.0)
    for text in ("", "0", "0%", "101%", "1.5", "ten", "nan", "-1%", "inf", "%"):
        with pytest.raises(InputError, match="share of the users"):
            share_of(text)


def test_one_runs_at_a_time_and_ends_once(workspace: Workspace) -> None:
    assert state.latest(workspace) is None
    state.begin(workspace, canary())
    assert state.running(workspace) == canary()
    with pytest.raises(ConflictError, match="tried out already"):
        state.begin(workspace, canary(OTHER))
    assert state.end(workspace, canary().canary_id, "withdrawn", "errors")
    assert not state.end(workspace, canary().canary_id, "withdrawn", "errors again")
    ended = state.latest(workspace)
    assert ended is not None
    assert (ended.state, ended.reason) == ("withdrawn", "errors")
    assert state.running(workspace) is None
    # The same build may be tried out again; who ends the first one does not end this.
    state.begin(workspace, canary(since_s=2000.0))
    assert not state.end(workspace, canary().canary_id, "withdrawn", "late")
    assert state.running(workspace) is not None


def test_what_cannot_be_tried_out_says_so(workspace: Workspace) -> None:
    with pytest.raises(ConflictError, match="is the published one"):
        state.begin(workspace, canary(OLD))
    workspace.current.unlink()
    with pytest.raises(NotFoundError, match="no build is published"):
        state.begin(workspace, canary())


@pytest.mark.parametrize(("published", "what"), [(NEW, "promoted"), (OTHER, "withdrawn")])
@pytest.mark.parametrize("noted", [True, False], ids=["noted", "killed before it was noted"])
def test_a_publication_ends_it(workspace: Workspace, published: str, what: str, noted: bool) -> None:
    state.begin(workspace, canary())
    state.published(workspace, OLD)
    assert state.running(workspace) is not None
    point(workspace, published)
    if noted:
        state.published(workspace, published)
    ended = state.latest(workspace)
    assert ended is not None
    assert ended.state == what
    assert state.running(workspace) is None
    # A rollback to where it began does not bring it back once its end was noted.
    if noted:
        point(workspace, OLD)
        assert state.running(workspace) is None


def test_a_damaged_file_is_no_canary(workspace: Workspace) -> None:
    for text in ("", "{", "[]", '{"build_id": "x"}', '{"unknown": 1}'):
        (workspace.builds / "canary.json").write_text(text)
        assert state.latest(workspace) is None
