"""When rebuilds run: by a clock of the test's own, so that a year takes no time."""

from __future__ import annotations

import itertools
import threading
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from etl.operation.schedule import Schedule, next_time
from etl.settings import RebuildConfig
from kg.files.json_file import read_json, write_json
from kg.workspace import Workspace

DAY = 86_400.0
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


class Clock:
    """Stands still until somebody waits."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Stop(threading.Event):
    """Ends a schedule after so many rebuilds; waiting moves the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.now += timeout or 0.0
        return self.is_set()


def schedule(tmp_path: Path, clock: Clock, seconds: float, runs: int, **settings: object) -> tuple[Schedule, list[tuple[float, float]]]:
    """Return a schedule whose rebuilds take `seconds`, and when each began and ended."""
    (tmp_path / "reckon.toml").touch()
    found: list[tuple[float, float]] = []
    stop = Stop(clock)

    def run(root: Path, stopped: threading.Event) -> int:
        began = clock.now
        clock.now += seconds
        found.append((began, clock.now))
        if len(found) == runs:
            stop.set()
        return 14 if len(found) == 1 else 0

    config = RebuildConfig.model_validate({"schedule": "0 3 * * *", "time_zone": "Europe/Berlin", **settings})
    return Schedule(Workspace(tmp_path), config, lambda text: None, run, clock, stop), found


def test_it_runs_every_night_whatever_became_of_the_last(tmp_path: Path) -> None:
    clock = Clock(at("2026-11-28T10:00"))
    nightly, found = schedule(tmp_path, clock, 600, 3)
    nightly.forever()
    assert [began for began, _ in found] == pytest.approx([at(f"2026-11-{day}T03:00") for day in (29, 30)] + [at("2026-12-01T03:00")], abs=1)
    assert read_json(tmp_path / "schedule.json")["exit_code"] == 0


def test_runs_never_overlap(tmp_path: Path) -> None:
    """Each takes ninety minutes and is due every hour: what became due meanwhile begins once, right after."""
    clock = Clock(at("2026-11-28T10:30"))
    hourly, found = schedule(tmp_path, clock, 5400, 3, schedule="0 * * * *")
    hourly.forever()
    assert all(later >= ended for (_, ended), (later, _) in itertools.pairwise(found))
    assert found[1][0] - found[0][1] < 1


@pytest.mark.parametrize(("missed", "expected"), [("run", "2026-11-28T10:00"), ("skip", "2026-11-29T03:00")])
def test_a_missed_run(tmp_path: Path, missed: str, expected: str) -> None:
    write_json(tmp_path / "schedule.json", {"began_s": at("2026-11-25T03:00")})
    nightly, _ = schedule(tmp_path, Clock(at("2026-11-28T10:00")), 600, 1, missed=missed)
    assert nightly.due() <= at(expected) if missed == "run" else nightly.due() == at(expected)
    nightly.forever()
    assert nightly.due() > at("2026-11-28T10:00")


def test_a_clock_that_was_moved_back_keeps_no_run_away(tmp_path: Path) -> None:
    write_json(tmp_path / "schedule.json", {"began_s": at("2030-01-01T03:00")})
    nightly, _ = schedule(tmp_path, Clock(at("2026-11-28T10:00")), 600, 1)
    assert nightly.due() == at("2026-11-29T03:00")


def test_jitter_only_delays(tmp_path: Path) -> None:
    clock = Clock(at("2026-11-28T10:00"))
    nightly, found = schedule(tmp_path, clock, 60, 5, jitter_s=1800)
    nightly.forever()
    late = [(began - at("2026-11-29T03:00")) % DAY for began, _ in found]
    assert all(0 <= each <= 1801 for each in late)
    assert len({round(each) for each in late}) > 1


def test_the_hour_that_is_skipped_or_doubled() -> None:
    settings = RebuildConfig(schedule="30 2 * * *", time_zone="Europe/Berlin")
    spring = [datetime.fromtimestamp(next_time(settings, at(f"2026-03-{day}T12:00")), BERLIN).date().isoformat() for day in (27, 28, 29)]
    assert spring[0] == "2026-03-28"
    assert spring[2] == "2026-03-30"
    first = next_time(settings, at("2026-10-24T12:00"))
    assert next_time(settings, first) - first > 12 * 3600
