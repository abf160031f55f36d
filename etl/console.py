"""What an operator sees: stage names, bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import rich.console

if TYPE_CHECKING:
    from rich.progress import Progress

    from etl.stage_records import StageRecord

_EVERY_S = 5.0


class Console:
    """Prints progress on stderr, so that stdout holds only results."""

    def __init__(self) -> None:
        self.err = rich.console.Console(stderr=True, highlight=False, soft_wrap=True)
        self.out = rich.console.Console(highlight=False, soft_wrap=True)
        self._progress: Progress | None = None
        self._task: Any = None
        self._stage = ""
        self._said = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Show a stage while it runs."""
        self._stage, self._said = name, time.monotonic()
        self.err.print(f"[bold]• {name}[/]")
        if not self.err.is_terminal:
            yield
            return
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = (TextColumn("  {task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True) as self._progress:
            self._task = self._progress.add_task(name, total=None)
            try:
                yield
            finally:
                self._progress = None

    def progress(self, done: int, total: int) -> None:
        """Show how far the stage is."""
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total)
        elif time.monotonic() - self._said > _EVERY_S:
            self._said = time.monotonic()
            self.err.print(f"  {self._stage}: {done:,} of {total:,}")

    def training(self, event: Any) -> None:
        """Show a training event: step, number, loss and validation metric."""
        measured = "".join(f" {name} {value:.4f}" for name, value in (("loss", event.loss), ("ndcg@10", event.ndcg)) if value is not None)
        if self._progress is not None:
            self._progress.update(self._task, description=f"{event.step}{measured}", completed=event.number + 1, total=event.of)
        elif event.number + 1 == event.of or time.monotonic() - self._said > _EVERY_S:
            self._said = time.monotonic()
            self.err.print(f"  {event.step} {event.number + 1}/{event.of}{measured}")

    def note(self, text: str) -> None:
        """Say something once."""
        self.err.print(f"  {text}", markup=False)

    def skipped(self, stage: str) -> None:
        """Say that a stage was done before."""
        self.err.print(f"[bold]• {stage}[/] done before")

    def done(self, stage: str, record: StageRecord) -> None:
        """Say what a stage took."""
        counts = ", ".join(f"{name} {value:,}" for name, value in record.counts.items() if isinstance(value, int))
        self.err.print(f"  {stage}: {record.seconds:.1f} s, peak {record.peak_mib:,.0f} MiB{', ' + counts if counts else ''}")

    def stages(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Print the table of stage times and memory."""
        from rich.table import Table

        table = Table("stage", "seconds", "peak MiB", title="Stages")
        for name, record in records.items():
            again = " (reused)" if record.get("reused") else ""
            table.add_row(name + again, f"{record['seconds']:.1f}", f"{record['peak_mib']:,.0f}")
        total = sum(float(record["seconds"]) for record in records.values())
        table.add_row("all", f"{total:.1f}", f"{max((float(r['peak_mib']) for r in records.values()), default=0):,.0f}", style="bold")
        self.out.print(table)
