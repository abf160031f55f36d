"""What the ledger adds to the shop's files when a build imports: items, events and declarations, up to a mark that the build keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.sources import rejects
from etl.sources.importer import Counts
from kg.catalog.item_changes import ItemChange, by_item, changed, items_frame, overlaid
from kg.config import Config
from kg.files.json_file import read_json
from kg.ledger.settings import LedgerConfig
from kg.tables import INTERACTION_COLUMNS, Catalog
from kg.workspace import Workspace

if TYPE_CHECKING:
    from kg.ledger.database import Database
    from kg.ledger.event_store import EventStore

SOURCE = "ledger"
_LIST = pl.List(pl.String())


@dataclass(frozen=True, slots=True)
class LedgerPosition:
    """How much of the ledger a build has taken in.

    Attributes:
        events_seq: The last event.
        users_revision: The last declaration of a user.
        catalogue_seq: The last change of an item.
    """

    events_seq: int = 0
    users_revision: int = 0
    catalogue_seq: int = 0


@dataclass(frozen=True)
class TakenIn:
    """The tables with the ledger's rows.

    Attributes:
        catalog: The tables.
        counts: What became of the events; `empty` are searches, which are about no item.
        users: How many users' declarations were taken in.
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


def item_changes(workspace: Workspace, config: Config, upto: LedgerPosition) -> list[ItemChange]:
    """Return the changes of items up to a mark, in order.

    Raises:
        LedgerUnavailableError: The ledger does not answer.
    """
    database = _database(workspace, config) if upto.catalogue_seq else None
    if database is None:
        return []
    from kg.ledger.item_store import ItemStore

    with closing(database):
        return ItemStore(database).between(0, upto.catalogue_seq)


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
        upto = max((n for n, change in enumerate(of_item, start=1) if change.operation != "delete"), default=0)
        fields = changed(None, of_item[:upto])
        if fields is not None:
            rows.append((item_id, fields))
    return items_frame(rows) if rows else None


def with_changes(catalog: Catalog, changes: Sequence[ItemChange]) -> Catalog:
    """Return a catalogue after changes of items; what the files say of deleted ones is left out."""
    if not changes:
        return catalog
    items = overlaid(catalog.items, changes)
    known = items["item_id"].implode()
    triples = catalog.triples
    for end in ("head", "tail"):
        triples = triples.filter((pl.col(f"{end}_type") != "item") | pl.col(end).is_in(known))
    return replace(catalog, items=items, interactions=catalog.interactions.filter(pl.col("item_id").is_in(known)), triples=triples)


def take_in(catalog: Catalog, workspace: Workspace, config: Config, upto: LedgerPosition) -> TakenIn | None:
    """Add the ledger's events and declarations to what the files gave, or return None where it has none.

    Args:
        catalog: What the files gave, after the changes of items.
        workspace: Where the ledger is, unless configured elsewhere.
        config: The configuration.
        upto: Events after this mark wait for the next build.

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
    events = _rank_items(events, catalog.interactions)
    known = pl.col("item_id").is_in(catalog.items["item_id"].implode())
    about = events.filter(pl.col("item_id").is_not_null())
    good, unknown = about.filter(known), about.filter(~known)
    refused = rejects.rejected(
        SOURCE,
        unknown.select(line="seq", column=pl.lit("item_id"), value="item_id", why=pl.lit("is not an item of the catalogue")),
    )
    counts = Counts(rows=events.height, good=good.height, empty=events.height - about.height, rejected=unknown.height)
    taken = good.select(*INTERACTION_COLUMNS).cast(dict(INTERACTION_COLUMNS))  # type: ignore[arg-type]  # polars asks for a wider type of mapping
    interactions = pl.concat([catalog.interactions, taken])
    users = _with_declared(catalog.users, declared)
    return TakenIn(replace(catalog, interactions=interactions, users=users), counts, len(declared), refused)


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


def _rank_items(events: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    """Return events with times of the files' kind: where these are order numbers, the ledger's events follow in the order of their arrival."""
    from gnn.events.timing import timing_of

    last = files["time"].drop_nulls().max()
    if not isinstance(last, float) or timing_of(files["time"]) == "clock":
        return events
    return events.with_columns(time=last + pl.col("seq").cast(pl.Float64))


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
