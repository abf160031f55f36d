"""Changes between two rebuilds: appended to the ledger, from which live answers, the graph database and the next import have them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import polars as pl

from etl.pipeline.jobs import Job
from etl.sources import rejects
from etl.stages import graph_build, ledger_import
from etl.stages.extraction import forget_respelt, learned
from gnn.artifact.artifact import load_artifact
from gnn.config import ModelConfig
from kg.catalog.change_files import RefusedChangeError, read_changes
from kg.catalog.changes import Change
from kg.catalog.file_changes import ShopRules, accepted
from kg.catalog.item_changes import overlaid
from kg.catalog.records import Fields, ItemChange, Operation, StoredEvent
from kg.config import ExtractConfig, ShopConfig
from kg.errors import GraphUnavailableError, InputError, LockedError, NotFoundError
from kg.files.journal import Journal
from kg.graph.corrections import FactLog
from kg.ledger.database import Database
from kg.ledger.event_store import EventStore
from kg.ledger.item_store import ItemStore
from kg.ledger.settings import LedgerConfig
from kg.tables import Catalog
from kg.timestamps import utc_text
from kg.validation.ratings import RatingScale

_CONFLICT = "belongs to another event: its user, item or kind differs"


@dataclass(frozen=True)
class StoredChanges:
    """What became of a file of changes: rows = appended + known + rejected.

    Attributes:
        appended: Changes that are in the ledger now.
        known: Events whose `id` the ledger had already.
        rejected: Rows that cannot be used; they are in rejects.jsonl.
        unknown_items: Events among the others about items that the catalogue does not have; they count once it does.
        deletions: Deletions of events among them, which live answers follow with the next rebuild.
    """

    appended: int
    known: int
    rejected: int
    unknown_items: int = 0
    deletions: int = 0


def store_changes(job: Job, path: Path) -> StoredChanges:
    """Check a file of changes and append what can be used to the ledger, durably, as the same changes over REST are.

    Whoever follows the ledger (a running `reckon serve`) answers with them from then on.

    Raises:
        InputError: The file cannot be read, or none of its rows can be used.
        NotFoundError: There is no build whose catalogue the changes could be checked against.
        LedgerUnavailableError: The ledger does not answer.
    """
    ledger_import.imports_of(job.workspace)
    build, records = _newest(job), list(read_changes(path))
    mark, _ = graph_build.saved_mark(build)
    items = Catalog.read(graph_build.current_folder(build) / "catalog").items
    with closing(Database.open(job.workspace.ledger, job.config.section(LedgerConfig))) as database:
        since = ItemStore(database).between(mark.catalogue_seq, ItemStore(database).last_seq())
        known = set(overlaid(items, since)["item_id"])
        good, bad = accepted(records, known, _rules(job, build))
        if bad and not good:
            _write_rejects(job, path, bad)
            line, error = bad[0]
            raise InputError(f"{path}: none of its {len(bad):,} changes can be used; line {line}: {error}", hint="docs/graph.md describes the format")
        appended = _append(database, good)
    lines = {str(record["id"]): line for line, record in records if isinstance(record, Mapping) and record.get("id")}
    refused = [(lines.get(event_id, 0), RefusedChangeError("id", event_id, _CONFLICT)) for event_id in appended.conflicts]
    _write_rejects(job, path, [*bad, *refused])
    n_appended = len(good) - appended.known - len(refused)
    if n_appended:
        log = {"op": ledger_import.IMPORT, "n_changes": n_appended, "catalogue": appended.catalogue, "events": appended.events}
        Journal(job.workspace.changes).append(lambda _: [log])
    about_unknown, deletions = (
        _about_unknown(good, known),
        sum(isinstance(change, ItemChange) and change.operation == "delete_events" for change in good),
    )
    return StoredChanges(n_appended, appended.known, len(bad) + len(refused), about_unknown, deletions)


def _rules(job: Job, build: Path) -> ShopRules:
    """Return what the shop takes of events: that of `reckon serve`, whose ratings are those of the published build."""
    ratings = load_artifact(build / "artifact", verify=False).model.history.ratings
    return ShopRules(job.config.section(ModelConfig).kinds, None if ratings is None else RatingScale(*ratings.scale))


def _about_unknown(changes: Sequence[Change], item_ids: Collection[str]) -> int:
    known, n_unknown = set(item_ids), 0
    for change in changes:
        if isinstance(change, ItemChange):
            (known.discard if change.operation == "delete" else known.add)(change.item_id)
        else:
            n_unknown += change.item_id is not None and change.item_id not in known
    return n_unknown


@dataclass
class _Appended:
    """Numbers that the ledger gave to the changes of a file, and what it did not store."""

    catalogue: list[tuple[int, int]] = field(default_factory=list)
    events: list[tuple[int, int]] = field(default_factory=list)
    known: int = 0
    conflicts: list[str] = field(default_factory=list)


def _append(database: Database, changes: Sequence[Change]) -> _Appended:
    """Append changes in their order: neighbours of one kind in one transaction."""
    items, events, done = ItemStore(database), EventStore(database), _Appended()
    for are_items, run in groupby(changes, key=lambda change: isinstance(change, ItemChange)):
        part = list(run)
        if are_items:
            last = events.last_seq()
            seqs = items.append([_operation(change, last) for change in part if isinstance(change, ItemChange)])
            done.catalogue.append((seqs[0], seqs[-1]))
            continue
        sent = [_named(change) for change in part if isinstance(change, StoredEvent)]
        outcomes = events.append(sent)
        seqs = [outcome.seq for outcome in outcomes if outcome.status == "accepted"]
        done.events += [(seqs[0], seqs[-1])] if seqs else []
        done.known += sum(outcome.status == "duplicate" for outcome in outcomes)
        done.conflicts += [event.event_id for event, outcome in zip(sent, outcomes, strict=True) if outcome.status == "conflict"]
    return done


def _operation(change: ItemChange, last_event: int) -> tuple[str, Operation, Fields]:
    fields = {**change.fields, "events_seq": last_event} if change.operation == "delete_events" else change.fields
    return change.item_id, change.operation, fields


def _named(event: StoredEvent) -> StoredEvent:
    return event if event.event_id else replace(event, event_id=f"reckon-{secrets.token_hex(16)}")


def _write_rejects(job: Job, path: Path, bad: Sequence[tuple[int, RefusedChangeError]]) -> None:
    rows = [{"line": line, "column": error.column, "value": error.value, "why": error.why} for line, error in bad]
    schema = {"line": pl.Int64, "column": pl.String, "value": pl.String, "why": pl.String}
    rejects.write(job.workspace.rejects, [rejects.rejected(path.name, pl.DataFrame(rows, schema=schema))])


def catch_up(job: Job) -> dict[str, int] | None:
    """Bring the graph database up to the ledger and the logs: changes of items and events, corrections, what persons keep apart.

    Returns:
        What was written and removed; None where the database holds no build whose tables are there, so that only a rebuild can apply it.

    Raises:
        GraphUnavailableError: The database does not answer.
    """
    from kg.graph.update import advance

    if not job.workspace.build_ids():
        return None
    with job.graph() as store:
        published = job.workspace.current_id()
        if published is not None and store.build_id() != published:
            if not graph_build.has_saved(job.workspace.build(published)):
                return None
            job.database.put_back(store, published)
        build_id = published or store.build_id()
        build = None if build_id is None else job.workspace.build(build_id)
        if build is None or build_id is None or not (build / graph_build.RESOLUTION).is_dir():
            return None
        before, (mark, resolved_with) = graph_build.saved_state(build), graph_build.saved_mark(build)
        upto = ledger_import.mark(job.workspace, job.config)
        known = set(before.knowledge.catalog.items["item_id"])
        changes = ledger_import.changes_between(job.workspace, job.config, mark, upto, known, ledger_import.order_base_of(build))
        wanted = graph_build.inputs(job.workspace, job.config)
        if not changes and wanted == resolved_with:
            return {"nodes": 0, "edges": 0, "gone_nodes": 0, "gone_edges": 0}
        facts = FactLog(job.workspace.facts).active()
        after, delta = advance(before, changes, facts, graph_build.resolver(job.workspace, job.config), ChangedItemsReader(job), build_id=build_id)
        # The database first: if this is cut short, the next run finds the same change again and applies it again, which changes nothing twice.
        store.apply(delta, build_id)
        graph_build.save_state(build, before, after, upto, wanted)
        return delta.counts


class ChangedItemsReader:
    """Reads the facts of changed items; spaCy is loaded when there are any.

    Args:
        job: Whose configuration says how.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._language = job.config.section(ShopConfig).language
        self._extract = job.config.section(ExtractConfig)

    def __call__(self, facts: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, changed: Sequence[str]) -> tuple[pl.DataFrame, Sequence[str]]:
        """Return the facts after a change, and the items that were read again."""
        from kg.extract.incremental import changed_facts
        from kg.extract.pipeline import Extractor

        extractor = Extractor(self._language, text=self._extract.text, terms=self._extract.terms)
        extracted = changed_facts(extractor, facts, before, after, changed, text=self._extract.text)
        attributes, item_ids = forget_respelt(facts, extracted.attributes, extracted.item_ids)
        again = after.filter(pl.col("item_id").is_in(item_ids))
        read = learned(self._job.workspace, self._job.config, again, attributes)
        return attributes if read is None else pl.concat([attributes, read.certain]), item_ids


def apply_now(job: Job) -> None:
    """Bring the graph database up to date and say what happened; where that cannot be done now, the next rebuild does it."""
    from etl.pipeline.locks import locked

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
        f"graph: {written:,} nodes and edges written, {removed:,} removed, {time.perf_counter() - started:.1f} s; weights follow with a rebuild"
    )


def forget_changes(job: Job) -> int:
    """Forget the changes so far, because the shop's files contain them by now, and return how many there were; the next rebuild goes by the files.

    Raises:
        NotFoundError: There are none.
    """
    n_changes = sum(int(record["n_changes"]) for record in ledger_import.imports_of(job.workspace)[1])
    if not n_changes:
        raise NotFoundError("there are no changes beside the files", hint="reckon import --changes FILE")
    Journal(job.workspace.changes).append(lambda _: [{"op": ledger_import.FORGET, "time": utc_text()}])
    return n_changes


def _newest(job: Job) -> Path:
    current = job.workspace.current_id()
    if current is None or not (job.workspace.build(current) / "catalog").is_dir():
        raise NotFoundError("there is no published build to change", hint="run `reckon rebuild` first")
    return job.workspace.build(current)
