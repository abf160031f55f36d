"""`reckon schedule`: rebuilds at the times of a cron expression, one after the other, in the foreground under any supervisor.

When the last run began is kept in `schedule.json`, so that a run whose time passed while nothing ran is known.
"""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from croniter import croniter

from etl.settings import RebuildConfig
from kg import processes
from kg.files.json_file import read_json, write_json
from kg.workspace import Workspace

Run = Callable[[Path, threading.Event], int]
_LOOK_S = 30.0
_STOP_S = 15.0


def next_time(settings: RebuildConfig, after_s: float) -> float:
    """Return the next time of the schedule after a time, seconds since 1970.

    An hour that comes twice when clocks are set back counts once, unless the schedule names no hour.

    >>> at = next_time(RebuildConfig(schedule="30 3 * * *", time_zone="Europe/Berlin"), 1764288000)
    >>> datetime.fromtimestamp(at, ZoneInfo("Europe/Berlin")).isoformat()
    '2025-11-28T03:30:00+01:00'
    """
    start = datetime.fromtimestamp(after_s, ZoneInfo(settings.time_zone))
    times = croniter(settings.schedule, start)
    state: datetime = times.get_next(datetime)
    if "*" not in settings.schedule.split()[1] and state.replace(tzinfo=None) <= start.replace(tzinfo=None):
        state = times.get_next(datetime)
    return state.timestamp()


@dataclass
class Schedule:
    """The rebuilds of one workspace.

    Attributes:
        workspace: Whose.
        settings: When.
        say: Prints what happens.
        run: Runs one rebuild and returns its exit code.
        clock: Seconds since 1970.
        stopped: Set when it shall end.
    """

    workspace: Workspace
    settings: RebuildConfig
    say: Callable[[str], None]
    run: Run = field(default_factory=lambda: rebuild_in_a_process)
    clock: Callable[[], float] = time.time
    stopped: threading.Event = field(default_factory=threading.Event)

    def due(self) -> float:
        """Return when the next run begins, before jitter."""
        now = self.clock()
        last = read_json(self._file).get("began_s")
        # A clock that was moved back must not keep runs away until it is there again.
        if not isinstance(last, int | float) or last > now:
            return next_time(self.settings, now)
        following = next_time(self.settings, float(last))
        return following if self.settings.missed == "run" or following > now else next_time(self.settings, now)

    def forever(self) -> None:
        """Run until stopped; runs never overlap, and one that fails is followed by the next at its time."""
        while not self.stopped.is_set():
            due = self.due()
            begin = due + random.uniform(0, self.settings.jitter_s)  # noqa: S311 - spreads load, protects nothing
            self._note(next_s=due)
            self.say(f"next rebuild {_said(begin, self.settings.time_zone)}")
            while not self.stopped.is_set() and self.clock() < begin:
                # Looked at again and again, because the clock may be set.
                self.stopped.wait(min(_LOOK_S, max(begin - self.clock(), 0)))
            if not self.stopped.is_set():
                self.once()

    def once(self) -> int:
        """Run one rebuild now, and return its exit code."""
        began = self.clock()
        self._note(began_s=began, running=True)
        code = self.run(self.workspace.root, self.stopped)
        self._note(running=False, exit_code=code, ended_s=self.clock())
        self.say(f"rebuild ended with {code} after {self.clock() - began:.0f} s")
        return code

    @property
    def _file(self) -> Path:
        return self.workspace.root / "schedule.json"

    def _note(self, **values: object) -> None:
        write_json(self._file, {**read_json(self._file), **values})


def rebuild_in_a_process(root: Path, stopped: threading.Event) -> int:
    """Run `reckon rebuild` in a process of its own, which ends when this one does."""
    process = subprocess.Popen([*processes.reckon("rebuild"), "-w", str(root)], stdin=subprocess.DEVNULL)  # noqa: S603 - our own command
    while process.poll() is None:
        if stopped.wait(0.2):
            processes.stop(process, timeout_s=_STOP_S)
    return int(process.returncode)


def _said(at_s: float, zone: str) -> str:
    return datetime.fromtimestamp(at_s, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %Z")
