"""What a supervisor sees where no terminal is: one JSON object a line on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from etl.console import Console
from etl.stage_records import StageRecord

_EVERY_S = 5.0


class JsonConsole(Console):
    """Prints events instead of text: `event`, `time_s`, and what belongs to it."""

    def say(self, event: str, **values: object) -> None:
        """Print one event."""
        line = {"time_s": round(time.time(), 3), "event": event, **values}
        print(json.dumps(line, default=str, ensure_ascii=False), file=sys.stderr, flush=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Say that a stage begins."""
        self._stage, self._said = name, time.monotonic()
        self.say("stage", stage=name)
        yield

    def progress(self, done: int, total: int) -> None:
        """Say how far the stage is, every few seconds."""
        if time.monotonic() - self._said > _EVERY_S:
            self._said = time.monotonic()
            self.say("progress", stage=self._stage, done=done, total=total)

    def training(self, event: Any) -> None:
        """Say what training measured, every few seconds and at the end of a step."""
        if event.number + 1 == event.of or time.monotonic() - self._said > _EVERY_S:
            self._said = time.monotonic()
            self.say("training", step=event.step, number=event.number + 1, of=event.of, loss=event.loss, ndcg=event.ndcg)

    def note(self, text: str) -> None:
        """Say something once."""
        self.say("note", text=text)

    def skipped(self, stage: str) -> None:
        """Say that a stage was done before."""
        self.say("skipped", stage=stage)

    def done(self, stage: str, record: StageRecord) -> None:
        """Say what a stage took."""
        counts = {name: value for name, value in record.counts.items() if isinstance(value, int | float)}
        self.say("done", stage=stage, seconds=record.seconds, peak_mib=record.peak_mib, counts=counts)

    def stages(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Each stage has said so itself."""
