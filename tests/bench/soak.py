"""A soak: mixed traffic against a server of its own for half an hour; fails on an error, or where memory grows.

    python tests/bench/soak.py [--minutes 30] [--workers 2] [--callers 4] [--pause-ms 20] [--port 0] [--workspace FOLDER]

Without a workspace it serves the small shop of the tests. What a worker may keep (events since the build, remembered lists) is bounded low, so that
the bounds are reached within the first third; from then on the memory of every process must be flat.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from api.client import Client, ReckonError
from api.keys.key_store import KeyStore
from kg.workspace import Workspace
from tests.free_port import free_port
from tests.small_shop import built_small_shop

SETTINGS = {
    "RECKON__LEDGER__TAIL_EVENTS": "2000",
    "RECKON__LEDGER__TAIL_EVENTS_PER_USER": "100",
    "RECKON__SERVE__CACHE_MB": "2",
    "RECKON__SERVE__ANSWERS_MAX_MB": "16",
}
GROWTH = 1.02
"""Most that the memory of a process may grow from the second third to the last."""
TOLD_MIN = (1, 5, 10, 15, 20, 25, 30)
USERS = 500


class Traffic:
    """One caller's mix of calls.

    Args:
        client: How it calls.
        seed: Of its choices.
        item_ids: Items of the shop.
        ended: Says when to stop.
        pause_s: Time between calls.
    """

    def __init__(self, client: Client, seed: int, item_ids: list[str], ended: Callable[[], bool], pause_s: float) -> None:
        self._client, self._chance, self._items, self._ended, self._pause_s = client, random.Random(seed), item_ids, ended, pause_s
        self.seconds: dict[str, list[float]] = {}
        self.errors: Counter[str] = Counter()
        self._last = ""

    def run(self) -> None:
        """Call until the end."""
        calls = {name: getattr(self, f"_{name}") for name in ("list", "events", "explain", "around", "ad_hoc", "replay", "profile", "item", "rule")}
        weights = (40, 20, 8, 10, 5, 5, 5, 5, 2)
        while not self._ended():
            name = self._chance.choices(list(calls), weights)[0]
            started = time.perf_counter()
            try:
                calls[name]()
            except ReckonError as error:
                self.errors[f"{name}: {type(error).__name__}: {error.message}"] += 1
            self.seconds.setdefault(name, []).append(time.perf_counter() - started)
            time.sleep(self._pause_s)

    def _user(self) -> str:
        return f"soak {self._chance.randrange(USERS)}"

    def _one(self) -> str:
        return self._chance.choice(self._items)

    def _list(self) -> None:
        levels: tuple[Literal["none", "brief", "full"], ...] = ("none", "brief", "full")
        level = self._chance.choice(levels)
        self._last = self._client.recommendations(self._user(), k=10, explain=level, diversity=self._chance.choice((0.0, 0.3)))["request_id"]

    def _events(self) -> None:
        kinds = ("view", "click", "cart", "purchase", "impression")
        events = [
            {"user_id": self._user(), "item_id": self._one(), "kind": self._chance.choice(kinds)} for _ in range(self._chance.choice((1, 1, 10, 50)))
        ]
        taken = self._client.send_events(events)
        if taken["accepted"] != len(events):
            self.errors[f"events: {taken['rejected']} rejected, {taken['duplicates']} duplicates"] += 1

    def _explain(self) -> None:
        self._client.explanation("u", self._one())

    def _around(self) -> None:
        self._client.similar(self._one(), k=5)
        self._client.popular(k=5)

    def _ad_hoc(self) -> None:
        self._client.ad_hoc_recommendations([{"item_id": self._one(), "kind": "view"}], k=5)

    def _replay(self) -> None:
        if self._last:
            self._client.replay(self._last)

    def _profile(self) -> None:
        self._client.profile(self._user())

    def _item(self) -> None:
        item_id = f"soak item {self._chance.randrange(20)}"
        self._client.put_item(item_id, {"title": f"Tea no. {self._chance.randrange(100)} 100 g", "brand": "Leafy", "categories": ["Drinks", "Tea"]})

    def _rule(self) -> None:
        self._client.put_rule("soak", {"name": "Soak", "action": "boost", "items": [self._one()], "factor": 1.5})


class Memory:
    """The memory of a server's processes that they share with nobody, over time.

    Args:
        pid: Of the server.
    """

    def __init__(self, pid: int) -> None:
        self._pid, self._began = pid, time.monotonic()
        self.minutes: list[float] = []
        self.mib: dict[str, list[float]] = {}

    def look(self) -> str:
        """Measure, and return what was seen as a line."""
        server = psutil.Process(self._pid)
        found = {name_of(process, n): process.memory_full_info().uss / 2**20 for n, process in enumerate([server, *server.children(recursive=True)])}
        self.minutes.append((time.monotonic() - self._began) / 60)
        for name, mib in found.items():
            self.mib.setdefault(name, []).append(mib)
        return "  ".join(f"{name} {mib:.1f}" for name, mib in found.items())

    def report(self) -> bool:
        """Print memory by process and say whether all of it is flat."""
        minutes, flat = np.asarray(self.minutes), True
        told = [at for at in TOLD_MIN if at <= minutes[-1] + 0.5]
        print(f"\n{'MiB after minutes':<20}" + "".join(f"{at:>9}" for at in told) + "   2nd third → last, MiB/min since the 1st third")
        for name, seen in self.mib.items():
            if len(seen) != len(minutes):
                print(f"{name:<20} was not there all the time")
                flat = False
                continue
            mib = np.asarray(seen)
            before, after = (float(part.mean()) for part in np.array_split(mib, 3)[1:])
            late = minutes > minutes[-1] / 3
            slope = float(np.polyfit(minutes[late], mib[late], 1)[0])
            at = "".join(f"{mib[np.abs(minutes - when).argmin()]:>9.1f}" for when in told)
            print(f"{name:<20}{at}   {before:.1f} → {after:.1f} ({after / before - 1:+.1%}), {slope:+.3f}")
            flat &= after <= GROWTH * before
        return flat


def name_of(process: psutil.Process, number: int) -> str:
    """Return what a process is for."""
    line = " ".join(process.cmdline())
    for mark, name in ((" follow ", "follower"), ("resource_tracker", "tracker"), ("spawn_main", f"worker {number}")):
        if mark in line:
            return name
    return "supervisor" if number == 0 else f"process {number}"


def main() -> int:
    """Soak, print what was seen, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--pause-ms", type=float, default=20.0)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--workspace", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reckon-soak-") as folder:
        workspace = (
            Workspace.open(chosen.workspace)
            if chosen.workspace
            else built_small_shop(Path(folder) / "shop", {**os.environ, "RECKON__GRAPH__URI": ""})
        )
        return soak(workspace, chosen, Path(folder) / "serve.log")


def soak(workspace: Workspace, chosen: argparse.Namespace, log: Path) -> int:
    """Serve a workspace, call it, and judge."""
    from gnn.artifact.artifact import load_artifact

    item_ids = load_artifact(workspace.current / "artifact").item_ids[:1_000]
    key, port = KeyStore(workspace.keys).create(["admin"], name="soak"), chosen.port or free_port()
    environment = {**os.environ, **SETTINGS}
    if not chosen.workspace:
        # The soak is about the API: what the graph database holds in memory would be measured with it.
        environment["RECKON__GRAPH__URI"] = "bolt://127.0.0.1:1"
    command = [sys.executable, "-m", "etl", "serve", "-w", str(workspace.root), "--port", str(port), "--workers", str(chosen.workers)]
    with log.open("wb") as file:
        server = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        return judged(server, f"http://127.0.0.1:{port}", key, item_ids, chosen)
    finally:
        server.terminate()
        server.wait(60)


def judged(server: subprocess.Popen[bytes], url: str, key: str, item_ids: list[str], chosen: argparse.Namespace) -> int:
    """Call a server for as long as it is wished, and return the exit code."""
    with Client(url, key, retries=100, max_wait_s=1) as client:
        client.ready()
    # From here on nothing is repeated: every error counts.
    until = time.monotonic() + chosen.minutes * 60
    clients = [Client(url, key, retries=0, timeout_s=30) for _ in range(chosen.callers)]
    callers = [Traffic(client, seed, item_ids, lambda: time.monotonic() > until, chosen.pause_ms / 1000) for seed, client in enumerate(clients)]
    threads = [threading.Thread(target=caller.run) for caller in callers]
    for thread in threads:
        thread.start()
    memory = Memory(server.pid)
    while time.monotonic() < until and server.poll() is None:
        print(f"{memory.look()}  {sum(len(s) for c in callers for s in c.seconds.values()):>9,} calls", flush=True)
        time.sleep(min(10.0, max(0.1, until - time.monotonic())))
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    return report(callers, memory, server.poll())


def report(callers: list[Traffic], memory: Memory, ended: int | None) -> int:
    """Print what was seen, and return the exit code."""
    print(f"{'call':<10}{'calls':>10}{'p50 ms':>10}{'p99 ms':>10}")
    for name in callers[0].seconds:
        taken = np.concatenate([caller.seconds.get(name, []) for caller in callers]) * 1000
        print(f"{name:<10}{len(taken):>10,}{np.percentile(taken, 50):>10.1f}{np.percentile(taken, 99):>10.1f}")
    errors = sum((caller.errors for caller in callers), Counter())
    for told, count in errors.most_common():
        print(f"error {count} × {told}")
    flat = memory.report()
    n_calls = sum(len(taken) for caller in callers for taken in caller.seconds.values())
    print(f"{n_calls:,} calls, {sum(errors.values())} errors; memory is {'' if flat else 'not '}flat")
    if ended is not None:
        print(f"the server ended with {ended}")
    return int(bool(errors) or ended is not None or not flat)


if __name__ == "__main__":
    raise SystemExit(main())
