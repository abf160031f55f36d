"""F1, time and memory of extraction models on gold files: a tenth is carved by the text's hash, never trained on, and scored once.

    python tests/bench/bench_extract.py FILE.jsonl … [--minutes 10]

Without files a small planted set is used, so that `make bench` says whether anything became slower.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kg.extract.learned import commands
from kg.extract.learned.data.gold import NOTHING
from kg.extract.learned.data.scorer import Score, score_tags, score_values

PARTS = 10


def carve(lines: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return (train, test): equal texts are on one side."""
    sides: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for line in lines:
        text = (
            "".join(line["chars"]) if "chars" in line else " ".join(str(line.get(key) or "") for key in ("input", "input_title", "input_description"))
        )
        digest = hashlib.sha256(f"reckon{text.strip().lower()}".encode()).digest()
        sides[int.from_bytes(digest[:4], "big") % PARTS == 0].append(line)
    return sides


def asked(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line without its answers."""
    if "chars" in line:
        return {"chars": line["chars"]}
    return {**{key: value for key, value in line.items() if key != "target_scores"}, "attributes": list(line["target_scores"])}


def scored(test: Sequence[dict[str, Any]], answered: Sequence[dict[str, Any]]) -> Score:
    """Score predicted lines against gold ones."""
    if "chars" in test[0]:
        return score_tags([line["tags"] for line in test], [line["tags"] for line in answered])
    gold = [{name: [v for v in values if v != NOTHING] for name, values in line["target_scores"].items()} for line in test]
    return score_values(gold, [line["predictions"] for line in answered])


def measure(name: str, lines: Sequence[dict[str, Any]], minutes: float) -> None:
    """Train, predict, print."""
    train, test = carve(lines)
    with tempfile.TemporaryDirectory() as folder:
        paths = {part: Path(folder) / part for part in ("gold", "in", "out", "model")}
        for part, rows in (("gold", train), ("in", [asked(line) for line in test])):
            paths[part].write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        before = _cpu_s()
        trained = commands.train(paths["gold"], paths["model"], minutes=minutes)
        cpu_s, started = _cpu_s() - before, time.process_time()
        done = commands.run(paths["model"], paths["in"], paths["out"])
        run_cpu_s = time.process_time() - started
        score = scored(test, [json.loads(line) for line in paths["out"].read_text(encoding="utf-8").splitlines()])
        size = paths["model"].stat().st_size / 1e6
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    precision, recall = score.right / max(1, score.predicted), score.right / max(1, score.stated)
    print(f"{name}: {len(train):,} + {len(test):,} lines  F1 {score.f1:.4f} (P {precision:.4f}, R {recall:.4f}), out of fold {trained.f1:.4f}")
    print(f"  train {trained.seconds:.0f} s, {cpu_s:.0f} s of processor; peak {memory:,.0f} MiB; model {size:.1f} MB")
    print(f"  predict {done.lines / done.seconds:,.0f} lines/s, {len(test) / max(run_cpu_s, 1e-9):,.0f} per processor second", flush=True)


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _planted() -> list[dict[str, Any]]:
    from tests.kg.extract.learned.planted import attribute_lines

    return attribute_lines(400)


def main() -> None:
    """Measure every file that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    arguments = parser.parse_args()
    if not arguments.files:
        measure("planted", _planted(), arguments.minutes)
    for path in arguments.files:
        measure(path.name, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()], arguments.minutes)


if __name__ == "__main__":
    main()
