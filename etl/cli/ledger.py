"""`reckon ledger`: what the ledger holds, and all of it as a file."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import InputError, NotFoundError
from kg.timestamps import utc_text
from kg.workspace import Workspace

if TYPE_CHECKING:
    from kg.ledger.database import Database

ledger_app = typer.Typer(help="The event ledger.", no_args_is_help=True)
Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]


@ledger_app.command()
def status(workspace: Folder = Path()) -> None:
    """Say where the ledger is, what it holds, and how much of it the published build knows."""
    from gnn.artifact.artifact import read_manifest
    from kg.ledger.event_store import EventStore
    from kg.ledger.user_store import UserStore

    opened, database = _opened(workspace)
    with closing(database):
        store, people = EventStore(database), UserStore(database)
        kinds, last, last_s = store.kinds(), store.last_seq(), store.last_received_s()
        current = opened.current_id()
        known = 0 if current is None else int(read_manifest(opened.build(current) / "artifact").get("events_seq", 0))
        rows = {
            "ledger": database.shown_url,
            "size": f"{database.size_bytes() / 2**20:,.1f} MiB",
            "events": f"{sum(kinds.values()):,}" + (f" ({', '.join(f'{n:,} {kind}' for kind, n in kinds.items())})" if kinds else ""),
            "last event": f"{last:,}" + ("" if last_s is None else f", {utc_text(last_s)}"),
            "since the build": f"{max(0, last - known):,}"
            + (f" (build {current} knows events up to {known:,})" if current else " (nothing is published)"),
            "declarations": f"{people.revision():,}",
            "edited interests": f"{len(people.edits_after(0)):,}",
        }
    for name, value in rows.items():
        typer.echo(f"{name:<17} {value}")


@ledger_app.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write: JSON lines.")],
    workspace: Folder = Path(),
    after: Annotated[int, typer.Option(min=0, help="Only events with a higher seq.")] = 0,
) -> None:
    """Write all events as JSON lines, in order; the file appears whole or not at all. Events go on arriving meanwhile."""
    import orjson

    from kg.ledger.event_store import EventStore

    _, database = _opened(workspace)
    if out.is_dir():
        raise InputError(f"{out} is a folder", hint="name a file, such as events.jsonl")
    temporary = out.with_name(f"{out.name}.{os.getpid()}.tmp")
    n_events = 0
    with closing(database):
        store = EventStore(database)
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                for part in store.scan(store.last_seq(), after=after):
                    file.writelines(orjson.dumps(stored.as_dict()) + b"\n" for stored in part)
                    n_events += len(part)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(out)
        finally:
            temporary.unlink(missing_ok=True)
    typer.echo(f"{n_events:,} events in {out}")


def _opened(folder: Path) -> tuple[Workspace, Database]:
    from kg.config import load_config
    from kg.ledger.database import Database
    from kg.ledger.settings import LedgerConfig

    workspace = Workspace.open(folder)
    section = load_config(workspace.root, os.environ).section(LedgerConfig)
    if not section.url.get_secret_value() and not workspace.ledger.exists():
        raise NotFoundError("there is no ledger yet", hint="it begins with the first event; or set [ledger] url")
    return workspace, Database.open(workspace.ledger, section)
