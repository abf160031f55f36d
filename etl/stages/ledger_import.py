"""What the ledger adds to the shop's files when a build imports: items, events and declarations, up to a mark that the build keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.sources import rejects
from etl.sources.importer import Counts
from kg.catalog.changes import Change, apply_changes, deletions_of, without_events
from kg.catalog.item_changes import by_item, changed, items_frame
from kg.catalog.records import ItemChange
from kg.config import Config
from kg.errors import InputError
from kg.files.journal import Journal
from kg.files.json_file import read_json
from kg.ledger.settings import LedgerConfig
from kg.tables import INTERACTION_COLUMNS, Catalog
from kg.workspace import Workspace

if TYPE_CHECKING:
    from kg.ledger.database import Database
    from kg.ledger.event_store import EventStore

SOURCE = "ledger"
IMPORT, FORGET = "import", "forget"
"""Records of the log of imported files of changes: which numbers of the ledger came from one; and that the shop's files contain all before."""
ORDER_BASE = "order_base"
"""In the record of the import stage: the last order number of the files, where their times are such."""
_LIST = pl.List(pl.String())


@dataclass(frozen=True, slots=True)
class LedgerPosition:
    """How much of the ledger a build contains.

    Attributes:
        events_seq: The last event.
        users_revision: The last declaration of a user.
        catalogue_seq: The last change of an item.
    """

    events_seq: int = 0
    users_revision: int = 0
    catalogue_seq: int = 0


@dataclass(frozen=True)
class WithLedger:
    """The tables with the ledger's rows.

    Attributes:
        catalog: The tables.
        counts: What became of the events; `empty` are searches, which are about no item.
        users: How many users' declarations were added.
        rejects: Events about items that the catalogue lacks. They are listed, and fail nothing: the shop's files are what has to be right.
    """

    catalog: Catalog
    counts: Counts
    users: int
    rejects: pl.DataFrame


def mark(workspace: Workspace, config: Config) -> LedgerPosition:
    """Return where the ledger stands now; zeros where there is none.

    Raises:
        LedgerUnavailableError: It does not answer: a build without its events would forget what was acknowledged.
    """
    database = _database(workspace, config)
    if database is None:
        return LedgerPosition()
    from kg.ledger.event_store import EventStore
    from kg.ledger.item_store import ItemStore
    from kg.ledger.user_store import UserStore

    with closing(database):
        return LedgerPosition(EventStore(database).last_seq(), UserStore(database).revision(), ItemStore(database).last_seq())


def mark_of(build: Path) -> LedgerPosition | None:
    """Return the mark of a build whose import is done, else None."""
    record = read_json(build / "stages.json").get("import")
    return None if record is None else LedgerPosition(**record.get("counts", {}).get(SOURCE, {}))


def record(of: LedgerPosition) -> dict[str, Any]:
    """Return a mark as a stage's counts keep it."""
    return asdict(of)


def risk_decisions(workspace: Workspace, config: Config) -> dict[str, str]:
    """Return what persons decided of accounts; nothing where there is no ledger.

    Raises:
        LedgerUnavailableError: The ledger does not answer.
    """
    database = _database(workspace, config)
    if database is None:
        return {}
    from kg.ledger.risk import DecisionStore

    with closing(database):
        return dict(sorted(DecisionStore(database).holding().items()))


@dataclass(frozen=True)
class Forgotten:
    """What of the ledger the shop's files contain by now: (first, last) numbers.

    Attributes:
        catalogue: Of item changes.
        events: Of events.
    """

    catalogue: Sequence[tuple[int, int]] = ()
    events: Sequence[tuple[int, int]] = ()


def imports_of(workspace: Workspace) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the imported files of changes that were forgotten since, and the others.

    Raises:
        InputError: The log holds changes themselves, as the first release wrote it.
    """
    records = Journal(workspace.changes).records()
    for record in records:
        if record.get("op") not in (IMPORT, FORGET):
            path = workspace.changes
            raise InputError(
                f"{path}, line {record['n']}: op {record.get('op')!r} is a change of the first release; the ledger holds changes now",
                hint=f"mv {path} {path}.old; reckon import --changes {path}.old",
            )
    last = max((record["n"] for record in records if record["op"] == FORGET), default=0)
    imports = [record for record in records if record["op"] == IMPORT]
    return [record for record in imports if record["n"] < last], [record for record in imports if record["n"] > last]


def forgotten(workspace: Workspace) -> Forgotten:
    """Return what of the ledger the shop's files contain by now."""
    gone, _ = imports_of(workspace)
    ranges = {name: [(first, last) for record in gone for first, last in record[name]] for name in ("catalogue", "events")}
    return Forgotten(ranges["catalogue"], ranges["events"])


def item_changes(workspace: Workspace, config: Config, upto: LedgerPosition) -> list[ItemChange]:
    """Return the changes of items up to a mark, in order, without those that the shop's files contain by now.

    Raises:
        LedgerUnavailableError: The ledger does not answer.
    """
    database = _database(workspace, config) if upto.catalogue_seq else None
    if database is None:
        return []
    from kg.ledger.item_store import ItemStore

    with closing(database):
        changes = ItemStore(database).between(0, upto.catalogue_seq)
    ranges = forgotten(workspace).catalogue
    return [change for change in changes if not _within(change.seq, ranges)]


def changes_between(
    workspace: Workspace, config: Config, above: LedgerPosition, upto: LedgerPosition, item_ids: Collection[str], order_base: float | None
) -> list[Change]:
    """Return the changes of items and events between two marks, as a rebuild applies them: items first, then events in their order.

    Args:
        workspace: Where the ledger is, unless configured elsewhere.
        config: The configuration.
        above: The mark of the state that they are applied to.
        upto: The later mark.
        item_ids: Items of that state. Events about an item that comes only now have waited for it.
        order_base: The last order number of the files; None where times are clock times.

    Raises:
        LedgerUnavailableError: The ledger does not answer.
    """
    database = _database(workspace, config)
    if database is None:
        return []
    from kg.ledger.event_store import EventStore
    from kg.ledger.item_store import ItemStore

    with closing(database):
        items, events = ItemStore(database), EventStore(database)
        changes = items.between(above.catalogue_seq, upto.catalogue_seq)
        new = {change.item_id for change in changes if change.operation in ("put", "upsert")} - set(item_ids)
        early = [event for part in events.scan(above.events_seq) for event in part if event.item_id in new] if new else []
        late = [event for part in events.scan(upto.events_seq, after=above.events_seq) for event in part if event.item_id is not None]
        deletions = [change for change in items.of_items(new, 0) if change.seq <= above.catalogue_seq]
    ranges = forgotten(workspace).events
    stored = [event for event in [*early, *late] if not _within(event.seq, ranges)]
    if order_base is not None:
        stored = [replace(event, time=order_base + event.seq) for event in stored]
    keyed: list[tuple[tuple[int, int, int], Change]] = [((event.seq, 0, 0), event) for event in stored]
    deleting = [change for change in (*deletions, *changes) if change.operation == "delete_events"]
    keyed += [((change.fields["events_seq"], 1, change.seq), change) for change in deleting]
    of_items = [change for change in changes if change.operation != "delete_events"]
    return [*of_items, *(change for _, change in sorted(keyed, key=lambda pair: pair[0]))]


def order_base(times: pl.Series) -> float | None:
    """Return the last order number of the files' times; None where they are clock times, or there are none."""
    from gnn.events.timing import timing_of

    last = times.drop_nulls().max()
    return last if isinstance(last, float) and timing_of(times) != "clock" else None


def order_base_of(build: Path) -> float | None:
    """Return the last order number of the files that a build was imported from; None where their times are clock times."""
    last = read_json(build / "stages.json").get("import", {}).get("counts", {}).get(ORDER_BASE)
    return None if last is None else float(last)


def forget_graph(workspace: Workspace, config: Config) -> None:
    """Note that the graph database has not got the changed items as they are now: a build's own were written over them.

    Raises:
        LedgerUnavailableError: The ledger does not answer.
    """
    database = _database(workspace, config)
    if database is None:
        return
    from kg.ledger.item_store import ItemStore

    with closing(database):
        ItemStore(database).forget_graph()


def explained_items(changes: Sequence[ItemChange]) -> pl.DataFrame | None:
    """Return the items that changes brought, those deleted since among them: events of the files may name each of them."""
    rows = []
    for item_id, of_item in by_item(changes).items():
        upto = max((n for n, change in enumerate(of_item, start=1) if change.operation not in ("delete", "delete_events")), default=0)
        fields = changed(None, of_item[:upto])
        if fields is not None:
            rows.append((item_id, fields))
    return items_frame(rows) if rows else None


def with_changes(catalog: Catalog, changes: Sequence[ItemChange]) -> Catalog:
    """Return a catalogue after changes of items; what the files say of deleted ones is left out."""
    return apply_changes(catalog, changes)


def with_ledger(catalog: Catalog, workspace: Workspace, config: Config, upto: LedgerPosition, changes: Sequence[ItemChange]) -> WithLedger | None:
    """Add the ledger's events and declarations to what the files gave, or return None where it has none.

    Args:
        catalog: What the files gave, after the changes of items.
        workspace: Where the ledger is, unless configured elsewhere.
        config: The configuration.
        upto: Events after this mark wait for the next build.
        changes: Those changes of items; deletions of events are among them.

    Raises:
        LedgerUnavailableError: The ledger does not answer.
    """
    database = _database(workspace, config)
    if database is None or upto == LedgerPosition():
        return None
    from kg.ledger.event_store import EventStore
    from kg.ledger.user_store import UserStore

    with closing(database):
        events = _events(EventStore(database), upto.events_seq)
        declared = dict(UserStore(database).all_declared())
    ranges = forgotten(workspace).events
    events = events.filter(~pl.any_horizontal(pl.lit(False), *(pl.col("seq").is_between(first, last) for first, last in ranges)))
    events = without_events(_ordered(events, order_base(catalog.interactions["time"])), deletions_of(changes))
    known = pl.col("item_id").is_in(catalog.items["item_id"].implode())
    about = events.filter(pl.col("item_id").is_not_null())
    good, unknown = about.filter(known), about.filter(~known)
    refused = rejects.rejected(
        SOURCE,
        unknown.select(line="seq", column=pl.lit("item_id"), value="item_id", why=pl.lit("is not an item of the catalogue")),
    )
    counts = Counts(rows=events.height, good=good.height, empty=events.height - about.height, rejected=unknown.height)
    added = good.select(*INTERACTION_COLUMNS).cast(dict(INTERACTION_COLUMNS))  # type: ignore[arg-type]  # polars asks for a wider type of mapping
    interactions = pl.concat([catalog.interactions, added])
    users = _with_declared(catalog.users, declared)
    return WithLedger(replace(catalog, interactions=interactions, users=users), counts, len(declared), refused)


def _database(workspace: Workspace, config: Config) -> Database | None:
    section = config.section(LedgerConfig)
    if not section.url.get_secret_value() and not workspace.ledger.exists():
        return None
    from kg.ledger.database import Database

    return Database.open(workspace.ledger, section)


def _events(store: EventStore, upto: int) -> pl.DataFrame:
    schema = {"seq": pl.Int64(), **INTERACTION_COLUMNS}
    rows = ("seq", *INTERACTION_COLUMNS)
    parts = [pl.DataFrame(part, schema=rows, orient="row", infer_schema_length=None) for part in store.interactions(upto)]
    return pl.concat([pl.DataFrame(schema=schema), *(part.cast(schema) for part in parts)])  # type: ignore[arg-type]  # as above


def _ordered(events: pl.DataFrame, base: float | None) -> pl.DataFrame:
    """Return events with times of the files' kind: where these are order numbers, the ledger's events follow in the order of their arrival."""
    return events if base is None else events.with_columns(time=base + pl.col("seq").cast(pl.Float64))


def _within(number: int, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(first <= number <= last for first, last in ranges)


def _with_declared(users: pl.DataFrame, declared: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """Return the users with what they declared; a declared attribute replaces that of the files."""
    if not declared:
        return users
    ids = pl.Series(list(declared), dtype=pl.String)
    named = pl.col("user_id").is_in(ids.implode())
    before = {row["user_id"]: row for row in users.filter(named).iter_rows(named=True)}
    rows = [{**before.get(user_id, {}), "user_id": user_id, **attributes} for user_id, attributes in declared.items()]
    columns = dict.fromkeys([*users.columns, *(name for attributes in declared.values() for name in attributes)])
    frame = pl.DataFrame(rows, schema={name: pl.String() if name == "user_id" else _LIST for name in columns})
    joined = pl.concat([users.filter(~named), frame], how="diagonal")
    return joined.with_columns(pl.col(name).fill_null(pl.lit([], dtype=_LIST)) for name in joined.columns if name != "user_id")
