"""The rebuild, on one page: import → extract → build → train → evaluate → publish → report.

Each stage writes its part of `builds/<build_id>/` by write-then-rename and then notes its fingerprint; a run that is killed goes on from there.
Single commands work on the same draft. A draft whose inputs changed is dropped; a new one takes over what the published build did in the same way.
"""

from __future__ import annotations

import getpass
import os
import platform
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.console import Console
from etl.pipeline.builds import (
    OPTIONAL,
    OUTPUTS,
    STAGES,
    begin_run,
    checksums,
    draft_id,
    is_done,
    note_run,
    prune,
    published,
    remove_abandoned,
    stages,
)
from etl.pipeline.graph_database import PublishedGraph
from etl.pipeline.inputs import measured_as, parts_of, prints_of
from etl.pipeline.plan import Planned, plan, recorded
from etl.pipeline.runs import MemoryWatch, disk_errors, now
from etl.pipeline.stage_list import PUBLISHABLE
from etl.settings import BuildConfig
from etl.stage_records import StageRecord
from etl.stages import extraction, graph_build, ledger_import
from etl.stages.gates import accepted_gates, passed_gates
from gnn.config import EvaluateConfig
from kg.config import Config, ShopConfig
from kg.errors import BuildError, GraphUnavailableError, NotFoundError
from kg.files.atomic import write_text
from kg.files.json_file import write_json
from kg.workspace import Workspace

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from gnn.config import ModelConfig
    from kg.store import GraphDatabase

_BEFORE, _AFTER = STAGES[: STAGES.index(PUBLISHABLE) + 1], STAGES[STAGES.index(PUBLISHABLE) + 1 :]
"""The stages before a publication, and those after it."""


@dataclass
class Job:
    """One workspace being built.

    Attributes:
        workspace: Where.
        config: How.
        console: What the operator sees.
        mark: How much of the ledger the build takes in; set when a run begins.
        again: Stages that run whatever changed.
        accept: Gates that a person accepts for this build: who, why, when.
    """

    workspace: Workspace
    config: Config
    console: Console
    mark: ledger_import.LedgerPosition | None = None
    again: frozenset[str] = frozenset()
    accept: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def run(self, upto: str) -> str:
        """Run the stages up to `upto` as far as they are not done, and return the build id.

        Raises:
            ReckonError: What the stage raised; everything before it stays done.
        """
        # A draft is finished with the events that it began with, however many have come since; those wait for the next build.
        draft = None if upto == STAGES[0] else self._draft_mark()
        self.mark = draft or ledger_import.mark(self.workspace, self.config)
        parts = self.parts()
        prints = prints_of(parts)
        build = self._draft(prints)
        self.console.note(f"build {build.name}")
        begin_run(build, self._start())
        with MemoryWatch(self.workspace) as memory:
            for stage in STAGES[: STAGES.index(upto) + 1]:
                self._stage(build, stage, prints, memory, recorded(parts[stage]))
        if upto in STAGES[STAGES.index(PUBLISHABLE) :]:
            note_run(build, "finished")
        return build.name

    def complete(self, build_id: str) -> None:
        """Run the stages of a published build that come after its publication, as far as they are not done.

        Raises:
            ReckonError: What the stage raised; the build stays published, and the next run goes on from there.
        """
        build = self.workspace.build(build_id)
        self.mark = ledger_import.mark_of(build) or ledger_import.mark(self.workspace, self.config)
        parts = self.parts()
        prints = prints_of(parts)
        write_json(build / "stages.json", {name: noted for name, noted in stages(build).items() if name not in self.again})
        with MemoryWatch(self.workspace) as memory:
            for stage in _AFTER:
                self._stage(build, stage, prints, memory, recorded(parts[stage]))
        note_run(build, "finished")

    def unchanged(self, among: Sequence[str] = STAGES) -> str | None:
        """Return the published build if nothing that these stages of it depend on has changed since."""
        current = self.workspace.current_id()
        if current is None:
            return None
        self.mark = ledger_import.mark(self.workspace, self.config)
        build, prints = self.workspace.build(current), self.fingerprints()
        return current if all(is_done(build, stage, prints[stage]) for stage in among) else None

    @property
    def database(self) -> PublishedGraph:
        """The graph database of the workspace."""
        return PublishedGraph(self.workspace, self.config, self.console)

    def graph(self) -> AbstractContextManager[GraphDatabase]:
        """Give the graph database: the configured one, or the embedded one, started if it does not run."""
        return self.database.connected()

    def restore_graph(self, build_id: str) -> bool:
        """Write a build's graph to the database again if the database holds another one; say whether that was needed.

        Raises:
            NotFoundError: The build's tables are not there any more.
        """
        return self.database.restore(build_id)

    def model_config(self) -> ModelConfig:
        """Return the configuration of training: the workspace's own settings, then what `reckon tune` found, then the defaults."""
        from etl.pipeline.tuning_result import tuned
        from gnn.config import ModelConfig

        return tuned(self.workspace, self.config.section(ModelConfig))

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of every stage."""
        return prints_of(self.parts())

    def parts(self) -> dict[str, dict[str, Any]]:
        """Return what every stage depends on, by name."""
        return parts_of(self.workspace, self.config, self.model_config(), self.mark or ledger_import.mark(self.workspace, self.config))

    def plan(self) -> list[Planned]:
        """Return what `rebuild` would run, and why."""
        draft = draft_id(self.workspace)
        self.mark = self._draft_mark() or ledger_import.mark(self.workspace, self.config)
        parts = self.parts()
        build_id = draft if draft is not None and self.workspace.build(draft).is_dir() else self.workspace.current_id()
        return plan(self.workspace, build_id, prints_of(parts), parts, self.again)

    def draft(self) -> Path:
        """Return the folder of the draft build.

        Raises:
            NotFoundError: There is none.
        """
        build_id = draft_id(self.workspace)
        if build_id is None:
            raise NotFoundError("there is no build in progress", hint="run `reckon import`, or `reckon rebuild`")
        return self.workspace.build(build_id)

    def only(self, stage: str) -> str:
        """Run one stage of the build in progress again, on what the stages before it left, and return the build id.

        Raises:
            NotFoundError: No build is in progress.
            BuildError: A stage before it is not done, or not as the inputs and settings are now.
        """
        build = self.draft()
        self.again, self.mark = frozenset({stage}), self._draft_mark() or ledger_import.mark(self.workspace, self.config)
        prints = self.fingerprints()
        for before in STAGES[: STAGES.index(stage)]:
            if not is_done(build, before, prints[before]):
                raise BuildError(f"{stage} cannot run alone: {before} is not done, or not as it would be now", hint=f"reckon rebuild --from {before}")
        return self.run(stage)

    def _start(self) -> dict[str, Any]:
        """Return what is known of a run when it begins."""
        sections = {name: section.model_dump(mode="json") for name, section in sorted(self.config.sections.items())}
        by = {"user": getpass.getuser() if "USER" in os.environ else str(os.getuid()), "host": socket.gethostname(), "pid": os.getpid()}
        versions = {"reckon": version("reckon"), "python": platform.python_version()}
        started = {"started_s": round(time.time(), 3), "parent": self.workspace.current_id(), "by": by}
        return {**started, "settings": sections, "versions": versions, "accepted": dict(self.accept)}

    def _draft_mark(self) -> ledger_import.LedgerPosition | None:
        try:
            return ledger_import.mark_of(self.draft())
        except NotFoundError:
            return None

    def _draft(self, prints: dict[str, str]) -> Path:
        """Return the draft, or open a new one; a new one takes over the stages that the last build did with the same fingerprint."""
        try:
            draft = self.draft()
            if draft.is_dir() and stages(draft).get("import", {}).get("fingerprint", prints["import"]) == prints["import"]:
                write_json(draft / "stages.json", {name: noted for name, noted in stages(draft).items() if name not in self.again})
                return draft
            if draft.name not in published(self.workspace):
                shutil.rmtree(draft, ignore_errors=True)
        except NotFoundError:
            pass
        build = self.workspace.build(f"{now()}-{secrets.token_hex(3)}")
        build.mkdir(parents=True)
        self._take_over(build, prints)
        write_text(self.workspace.builds / "draft", build.name)
        remove_abandoned(self.workspace)
        return build

    def _take_over(self, build: Path, prints: dict[str, str]) -> None:
        current = self.workspace.current_id()
        if current is None:
            return
        source, taken = self.workspace.build(current), {}
        done = stages(source)
        for stage in STAGES[:2]:
            if stage in self.again or not is_done(source, stage, prints[stage]):
                break
            for name in (*OUTPUTS[stage], *OPTIONAL.get(stage, ())):
                if (source / name).exists():
                    _link(source / name, build / name)
            taken[stage] = {**done[stage], "reused": True, "seconds": 0.0}
        write_json(build / "stages.json", taken)

    def _stage(self, build: Path, stage: str, prints: dict[str, str], memory: MemoryWatch, parts: Mapping[str, Any]) -> None:
        if is_done(build, stage, prints[stage]):
            self.console.skipped(stage)
            return
        # Forgotten before the work begins: a stage that is killed half-way must not count as done when the settings go back to what they were.
        done = {name: value for name, value in stages(build).items() if name in STAGES[: STAGES.index(stage)]}
        write_json(build / "stages.json", done)
        memory.peak_mib()
        started = time.perf_counter()
        note_run(build, "running", stage)
        try:
            with disk_errors(self.workspace.root), self.console.stage(stage):
                counts = _RUN[stage](self, build)
        except KeyboardInterrupt as error:
            note_run(build, "stopped", stage, error)
            self.console.note(f"stopped in {stage}; the same command goes on from here")
            raise
        except Exception as error:
            with suppress(OSError):
                note_run(build, "failed", stage, error)
            raise
        record = StageRecord(round(time.perf_counter() - started, 2), round(memory.peak_mib(), 1), counts=counts)
        noted = {"fingerprint": prints[stage], **asdict(record), "parts": dict(parts), "sha256": checksums(build, stage)}
        write_json(build / "stages.json", {**done, stage: noted})
        self.console.done(stage, record)


def rebuild(job: Job, release: Callable[[Job, str], object] | None = None) -> tuple[str, bool]:
    """Run every stage that is not done, publish as soon as the gates allow it, and complete the report.

    Args:
        job: Whose.
        release: What is done with a build that passed its gates; it is published where unset.

    Returns:
        The build, and whether there was anything to do.

    Raises:
        ReckonError: What a stage raised; before the publication `current` stays as it was, after it the build stays published. The next run goes on
            from there.
    """
    same = None if job.again.difference(_AFTER) else job.unchanged(_BEFORE)
    if same is None:
        build_id = job.run(PUBLISHABLE)
        (release or publish)(job, build_id)
        job.console.note(f"build {build_id} answers; its report follows")
        job.complete(build_id)
        return build_id, True
    if job.again or job.unchanged() is None:
        # It was published, and the run ended before its report was complete, or somebody asks for that once more.
        job.complete(same)
        return same, True
    try:
        job.database.restore_published()
    except GraphUnavailableError as error:
        job.console.note(f"{error.message}; build {same} goes on answering")
    return same, False


def publish(job: Job, build_id: str) -> None:
    """Make a build current and the one that the graph database holds, and remove builds beyond `[build] keep`.

    Raises:
        NotFoundError: There is no such build.
        ArtifactError: Its artifact is missing or corrupt; `current` stays as it was.
    """
    with disk_errors(job.workspace.root):
        job.database.publish(build_id)
    removed = prune(job.workspace, job.config.section(BuildConfig).keep)
    if removed:
        job.console.note(f"removed old builds: {', '.join(removed)}")


def _link(source: Path, target: Path) -> None:
    """Share files between builds; what a stage wrote is never changed in place."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=os.link)
    else:
        os.link(source, target)


def _import(job: Job, build: Path) -> dict[str, Any]:
    from etl.stages.importing import import_build

    counts = import_build(job.workspace, job.config, job.console, job.mark or ledger_import.LedgerPosition(), build)
    current = job.workspace.current_id()
    before = {} if current is None else stages(job.workspace.build(current)).get("import", {}).get("counts", {})
    report, previous = (_rows(each) for each in (counts, before))
    return {**counts, "gates": passed_gates("import", report, previous, job.config.section(EvaluateConfig), accepted=accepted_gates(build))}


def _rows(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what gates read of an import; {} of one that is not known."""
    sources = counts.get("sources", {})
    return {"rows": {name: int(each.get("rows", 0)) for name, each in sources.items()}, "rejected": int(counts.get("rejected", 0))} if sources else {}


def _build(job: Job, build: Path) -> dict[str, Any]:
    tables, resolved = graph_build.tables_of(job.workspace, job.config, build)
    graph_build.write_hygiene(build, tables, max_degree=job.model_config().max_degree)
    gates = job.database.check_change(tables, build)
    counts = {"nodes": tables.n_nodes, "edges": tables.n_edges}
    write_json(build / "graph.json", {"build_id": build.name, **counts})
    return {**counts, **resolved, "gates": gates}


def _train(job: Job, build: Path) -> dict[str, Any]:
    from etl.stages.training import train_build
    from gnn.risk.config import RiskConfig

    evaluate, fingerprint = job.config.section(EvaluateConfig), job.fingerprints()["train"]
    return train_build(
        graph_build.graph_arrays(build),
        build,
        job.model_config(),
        evaluate,
        fingerprint,
        job.console.training,
        job.config.section(ShopConfig).ratings,
        decisions=ledger_import.risk_decisions(job.workspace, job.config),
        suspected=job.config.section(RiskConfig).leave_out == "suspected",
    )


def _report(job: Job, build: Path) -> dict[str, Any]:
    from etl.stages.evaluation import report_build

    return report_build(job.config, job.model_config(), build, job.console)


def _evaluate(job: Job, build: Path) -> dict[str, Any]:
    from etl.stages.evaluation import evaluate_build

    current = job.workspace.current_id()
    previous = job.workspace.build(current) if current else None
    return evaluate_build(job.config, job.model_config(), build, job.console, previous, measured_as(job.parts()))


_RUN: dict[str, Callable[[Job, Path], dict[str, Any]]] = {
    "import": _import,
    "extract": lambda job, build: extraction.extract_build(job.workspace, job.config, build, job.console),
    "build": _build,
    "train": _train,
    "evaluate": _evaluate,
    "report": _report,
}
