"""Changes between two rebuilds: appended to a log that the next import also applies, and brought into the graph database at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from etl.pipeline.jobs import Job
from etl.sources import rejects
from etl.stages import graph_build
from etl.stages.extraction import forget_respelt, learned
from kg.catalog.file_changes import Change, accepted, read_changes
from kg.config import ExtractConfig, ShopConfig
from kg.errors import GraphUnavailableError, InputError, LockedError, NotFoundError
from kg.files.journal import Journal, Record
from kg.graph.corrections import FactLog
from kg.tables import Catalog


@dataclass(frozen=True)
class Taken:
    """What became of a file of changes: rows = appended + known + rejected.

    Attributes:
        appended: Changes that are in the log now.
        known: Events whose `id` the log had already.
        rejected: Rows that cannot be used; they are in rejects.jsonl.
    """

    appended: int
    known: int
    rejected: int


def take_changes(job: Job, path: Path) -> Taken:
    """Check a file of changes and append what can be used to the log, durably; nothing is applied yet.

    Raises:
        InputError: The file cannot be read, or none of its rows can be used.
        NotFoundError: There is no build whose catalogue the changes could be checked against.
    """
    items = Catalog.read(graph_build.current_folder(_newest(job)) / "catalog").items["item_id"]
    base = set(items)
    for change in graph_build.logged_changes(job.workspace, graph_build.saved_mark(_newest(job))[0])[0]:
        (base.add if change.op == "upsert_item" else base.discard if change.op == "delete_item" else lambda _: None)(change.item_id)
    good, bad = accepted(read_changes(path), base)
    rows = [{"line": line, "column": error.column, "value": error.value, "why": error.why} for line, error in bad]
    schema = {"line": pl.Int64, "column": pl.String, "value": pl.String, "why": pl.String}
    rejects.write(job.workspace.rejects, [rejects.rejected(path.name, pl.DataFrame(rows, schema=schema))])
    if bad and not good:
        line, error = bad[0]
        raise InputError(f"{path}: none of its {len(bad):,} changes can be used; line {line}: {error}", hint="docs/graph.md describes the format")
    if not good:
        return Taken(0, 0, 0)
    added = Journal(job.workspace.changes).append(lambda before: _new(before, good))
    return Taken(len(added), len(good) - len(added), len(bad))


def catch_up(job: Job) -> dict[str, int] | None:
    """Bring the graph database up to what the logs say: changes, corrections, what persons keep apart.

    Returns:
        What was written and removed; None where the database holds no build whose tables are there, so that only a rebuild can apply it.

    Raises:
        GraphUnavailableError: The database does not answer.
    """
    from kg.graph.update import advance
    from kg.store import GraphStore

    if not job.workspace.build_ids():
        return None
    with job.graph() as connection, GraphStore(connection) as store:
        store.wait()
        published = job.workspace.current_id()
        if published is not None and not store.holds_only(published):
            if not graph_build.has_saved(job.workspace.build(published)):
                return None
            job.database.put_back(store, published)
        build_id = published or store.build_id()
        build = None if build_id is None else job.workspace.build(build_id)
        if build is None or build_id is None or not (build / graph_build.RESOLUTION).is_dir():
            return None
        before, (mark, resolved_with) = graph_build.saved_state(build), graph_build.saved_mark(build)
        changes, last = graph_build.logged_changes(job.workspace, mark)
        wanted = graph_build.inputs(job.workspace, job.config)
        if not changes and wanted == resolved_with:
            return {"nodes": 0, "edges": 0, "gone_nodes": 0, "gone_edges": 0}
        facts = FactLog(job.workspace.facts).active()
        after, delta = advance(before, changes, facts, graph_build.resolver(job.workspace, job.config), Reader(job), build_id=build_id)
        # The database first: if this is cut short, the next run finds the same change again and applies it again, which changes nothing twice.
        store.apply(delta, build_id)
        graph_build.save_state(build, before, after, last, wanted)
        return delta.counts


class Reader:
    """Reads the facts of changed items; spaCy is loaded when there are any.

    Args:
        job: Whose configuration says how.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._language = job.config.section(ShopConfig).language
        self._text = job.config.section(ExtractConfig).text

    def __call__(self, facts: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, changed: Sequence[str]) -> tuple[pl.DataFrame, Sequence[str]]:
        """Return the facts after a change, and the items that were read again."""
        from kg.extract.incremental import changed_facts
        from kg.extract.pipeline import Extractor

        found = changed_facts(Extractor(self._language, text=self._text), facts, before, after, changed, text=self._text)
        attributes, item_ids = forget_respelt(facts, found.attributes, found.item_ids)
        again = after.filter(pl.col("item_id").is_in(item_ids))
        read = learned(self._job.workspace, self._job.config, again, attributes)
        return attributes if read is None else pl.concat([attributes, read.certain]), item_ids


def apply_now(job: Job) -> None:
    """Bring the graph database up to date and say what happened; where that cannot be done now, the next rebuild does it."""
    from etl.pipeline.runs import locked

    started = time.perf_counter()
    try:
        with locked(job.workspace):
            counts = catch_up(job)
    except (GraphUnavailableError, LockedError) as error:
        job.console.note(f"{error.message}; the next rebuild applies it")
        return
    if counts is None:
        job.console.note("the graph database holds no build yet; the next rebuild applies it")
        return
    written, removed = counts["nodes"] + counts["edges"], counts["gone_nodes"] + counts["gone_edges"]
    job.console.note(
        f"graph: {written:,} nodes and edges written, {removed:,} removed, {time.perf_counter() - started:.1f} s; answers follow with a rebuild"
    )


def forget_changes(job: Job) -> int:
    """Forget the changes so far, because the shop's files contain them by now, and return how many there were; the next rebuild goes by the files.

    Raises:
        NotFoundError: There are none.
    """
    n_changes = len(graph_build.logged_changes(job.workspace)[0])
    if not n_changes:
        raise NotFoundError("there are no changes beside the files", hint="reckon import --changes FILE")
    Journal(job.workspace.changes).append(lambda _: [{"op": graph_build.FORGET, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}])
    return n_changes


def _newest(job: Job) -> Path:
    current = job.workspace.current_id()
    if current is None or not (job.workspace.build(current) / "catalog").is_dir():
        raise NotFoundError("there is no published build to change", hint="run `reckon rebuild` first")
    return job.workspace.build(current)


def _new(before: Sequence[Record], changes: Sequence[Change]) -> list[Record]:
    known = {str(record["id"]) for record in before if record.get("id")}
    fresh = []
    for change in changes:
        if change.event_id and change.event_id in known:
            continue
        known |= {change.event_id} if change.event_id else set()
        fresh.append(change.record())
    return fresh
