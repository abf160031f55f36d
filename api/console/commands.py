"""The commands of the job door as the console runs them: in processes of their own, since the two doors do not import each other."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import orjson

from kg import processes
from kg.errors import ConflictError, InputError, UnavailableError
from kg.files.json_file import read_json, write_json
from kg.workspace import Workspace

_READ_TIMEOUT_S = 25.0
_KEPT_S = 3.0
_LONGEST_LOG = 20_000


class Commands:
    """Runs `reckon` commands over one workspace.

    Args:
        workspace: The workspace.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._read: dict[tuple[str, ...], tuple[float, Any]] = {}

    async def lines(self, *arguments: str) -> list[Any]:
        """Return the JSON lines that a command prints; an answer is kept for a few seconds.

        Raises:
            InputError: The command refused.
            UnavailableError: It took too long.
        """
        known = self._read.get(arguments)
        if known is not None and time.monotonic() - known[0] < _KEPT_S:
            return list(known[1])
        text = await self._output(arguments)
        answer = [orjson.loads(text)] if text.startswith("{\n") else [orjson.loads(line) for line in text.splitlines() if line.strip()]
        self._read = {name: kept for name, kept in self._read.items() if time.monotonic() - kept[0] < _KEPT_S} | {
            arguments: (time.monotonic(), answer)
        }
        return answer

    async def json(self, *arguments: str) -> Any:
        """Return the one JSON object that a command prints; see `lines`."""
        return (await self.lines(*arguments))[0]

    async def _output(self, arguments: tuple[str, ...]) -> str:
        command = processes.reckon(*arguments)
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            out, wrong = await asyncio.wait_for(process.communicate(), _READ_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise UnavailableError(
                f"`reckon {' '.join(arguments[:2])}` took longer than {_READ_TIMEOUT_S:g} s", hint="run it on the command line"
            ) from None
        if process.returncode:
            raise InputError(wrong.decode(errors="replace").strip().removeprefix("error: ")[:500] or "the command failed", hint="")
        return out.decode()

    def begin(self, by: str, *arguments: str) -> None:
        """Begin a command that changes builds; it goes on when the page is left, and one at a time runs.

        Args:
            by: Who asked for it.
            *arguments: The command.

        Raises:
            ConflictError: Another one runs.
        """
        if self.last().get("status") == "running":
            raise ConflictError("another change of builds is running", hint="wait until it has ended")
        self._workspace.console.mkdir(mode=0o700, exist_ok=True)
        write_json(self._record, {"command": " ".join(arguments), "by": by, "status": "running", "started_s": time.time()})
        # A thread, not a task: it goes on whatever becomes of the request that began it.
        threading.Thread(target=self._watch, args=(arguments,), name="builds", daemon=True).start()

    def last(self) -> dict[str, Any]:
        """Return the last change of builds that was begun here: `command`, `by`, `status` (running, done or failed), `output`."""
        record = read_json(self._record)
        longest_s = 3_600
        if record.get("status") == "running" and time.time() - record["started_s"] > longest_s:
            record["status"] = "lost"
        return record

    def _watch(self, arguments: tuple[str, ...]) -> None:
        command = processes.reckon(*arguments)
        # The command is ours, and no shell reads it.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # noqa: S603
        record = {**read_json(self._record), "status": "failed" if done.returncode else "done", "ended_s": time.time()}
        write_json(self._record, {**record, "output": done.stdout.decode(errors="replace")[-_LONGEST_LOG:]})
        self._read.clear()

    @property
    def _record(self) -> Path:
        return self._workspace.console / "last-change.json"

    @property
    def folder(self) -> tuple[str, str]:
        """The option that names the workspace."""
        return "-w", str(self._workspace.root)
