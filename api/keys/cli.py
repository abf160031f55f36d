"""The commands `reckon keys …`."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated

import typer

from api.keys.audit import AuditLog
from api.keys.key_store import KeyStore
from kg.errors import InputError
from kg.workspace import Workspace

_UNITS_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_ACTOR = "command line"
Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
keys = typer.Typer(help="API keys: shown once, stored as hashes.", no_args_is_help=True)


@keys.command("create")
def create_key(
    scope: Annotated[list[str], typer.Option(help="What it may do; repeat for several.")],
    workspace: Folder = Path(),
    expires: Annotated[str, typer.Option(help="For example 90d or 12h; never when left out.")] = "",
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    rate: Annotated[str, typer.Option(help="Requests it may make, such as 600/minute; the configured rate when left out.")] = "",
) -> None:
    """Make a key and print it: it cannot be shown again."""
    opened = Workspace.open(workspace)
    expires_s = _seconds(expires, "--expires")
    text = KeyStore(opened.keys).create(scope, expires_days=None if expires_s is None else expires_s / 86_400, name=name, rate=rate)
    AuditLog(opened.audit).write(_ACTOR, "keys create", key_id=text.split("_")[1], scopes=",".join(scope))
    typer.echo(text)


@keys.command("list")
def list_keys(workspace: Folder = Path()) -> None:
    """List the keys without their secrets."""
    for key in KeyStore(Workspace.open(workspace).keys).list():
        expires = "never" if key.expires_s is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(key.expires_s))
        typer.echo(f"{key.key_id}  {','.join(key.scopes):<30}  expires {expires}  {key.rate or 'configured rate'}  {key.name}")


@keys.command("rotate")
def rotate_key(
    key_id: str,
    workspace: Folder = Path(),
    grace: Annotated[str, typer.Option(help="How long the old key still works, such as 1h; not at all when left out.")] = "",
) -> None:
    """Replace a key by a new one with the same scopes, name, rate and lifetime, and print it: it cannot be shown again."""
    opened = Workspace.open(workspace)
    text = KeyStore(opened.keys).rotate(key_id, grace_s=_seconds(grace, "--grace") or 0.0)
    AuditLog(opened.audit).write(_ACTOR, "keys rotate", key_id=key_id, new_key_id=text.split("_")[1])
    typer.echo(text)


@keys.command("revoke")
def revoke_key(key_id: str, workspace: Folder = Path()) -> None:
    """Revoke a key; running servers refuse it from their next request on."""
    opened = Workspace.open(workspace)
    KeyStore(opened.keys).revoke(key_id)
    AuditLog(opened.audit).write(_ACTOR, "keys revoke", key_id=key_id)
    typer.echo(f"revoked {key_id}")


def _seconds(text: str, option: str) -> float | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)([dhms])", text)
    if match is None:
        raise InputError(f"{option} {text!r} is not a duration", hint="write 90d, 12h, 30m or 20s")
    return float(match[1]) * _UNITS_S[match[2]]
