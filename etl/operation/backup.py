"""`reckon backup` and `reckon restore`: everything that cannot be made again, consistent while the shop is served, and the published build.

A backup is a tar.gz: `manifest.json` with the checksum of every file, and `workspace/` as it lies on disk. The SQLite ledger is copied by SQLite
itself; a PostgreSQL ledger by pg_dump, which has to be installed. The graph database is not in it: it is loaded from the build.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from kg.config import Config
from kg.errors import ConflictError, InputError, LedgerUnavailableError, NotFoundError
from kg.files.atomic import whole_file
from kg.ledger.settings import LedgerConfig
from kg.workspace import Workspace

FORMAT = 1
_MANIFEST, _DUMP = "manifest.json", "ledger.pgdump"
_PLAIN = ("reckon.toml", "keys.json", "facts.jsonl", "resolve.jsonl", "extract.model", "review.jsonl", "changes.jsonl", "audit.jsonl", "tuned.json")
_SQLITE = ("ledger.db", "answers.db")
_SECRET_MODE = 0o600


@dataclass(frozen=True)
class Backup:
    """What a backup holds.

    Attributes:
        build_id: The published build in it; empty where none was published.
        files: Path in the workspace → checksum.
    """

    build_id: str
    files: dict[str, str]


def backup(workspace: Workspace, config: Config, target: Path) -> Backup:
    """Write a backup; the file takes its place when it is whole.

    Raises:
        LedgerUnavailableError: The ledger cannot be read, or pg_dump is missing.
    """
    settings, files = config.section(LedgerConfig), {}
    url = settings.url.get_secret_value()
    current = workspace.current_id()
    target.resolve().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.resolve().parent, prefix=".backup-") as folder, whole_file(target) as path:
        path.touch(mode=_SECRET_MODE)
        # Copied first: what others append to meanwhile must not differ from its checksum.
        plain = [name for name in _PLAIN if (workspace.root / name).is_file()]
        parts: list[tuple[str, Path]] = [(name, Path(shutil.copy2(workspace.root / name, Path(folder) / name))) for name in plain]
        parts += [(f"messages/{file.name}", file) for file in sorted(workspace.messages.glob("*")) if file.is_file()]
        for name in _SQLITE:
            if (workspace.root / name).is_file():
                parts.append((name, _copied(workspace.root / name, Path(folder) / name)))
        if url.startswith("postgresql"):
            parts.append((_DUMP, _dumped(url, Path(folder) / _DUMP)))
        if current is not None:
            build = workspace.build(current)
            parts += [(f"builds/{current}/{file.relative_to(build).as_posix()}", file) for file in sorted(build.rglob("*")) if file.is_file()]
        with tarfile.open(path, "w:gz", compresslevel=3) as archive:
            for name, file in parts:
                files[name] = _digest(file)
                archive.add(file, f"workspace/{name}", recursive=False)
            manifest = {"format": FORMAT, "reckon": version("reckon"), "time_s": round(time.time(), 3), "build_id": current, "files": files}
            body = json.dumps(manifest, indent=1, sort_keys=True).encode()
            entry = tarfile.TarInfo(_MANIFEST)
            entry.size, entry.mode = len(body), _SECRET_MODE
            archive.addfile(entry, io.BytesIO(body))
    return Backup(current or "", files)


def restore(source: Path, folder: Path) -> Backup:
    """Put a backup into an empty folder. What comes out is compared with its checksums before anything takes its place.

    Raises:
        InputError: The file is no backup, or damaged.
        ConflictError: The folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError(f"{folder} is not empty", hint="name a new folder; a backup never overwrites a workspace")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.resolve().parent, prefix=".restore-") as temporary:
        root = Path(temporary) / "workspace"
        manifest = _extracted(source, Path(temporary))
        wrong = sorted(name for name, digest in manifest["files"].items() if not (root / name).is_file() or _digest(root / name) != digest)
        if wrong:
            raise InputError(f"{source}: {wrong[0]} is missing or damaged, with {len(wrong) - 1} others", hint="use another backup")
        root.mkdir(exist_ok=True)
        build_id = manifest.get("build_id")
        if build_id:
            Workspace(root).build(build_id)
            (root / "builds" / "current").symlink_to(build_id)
            (root / "builds" / "published.json").write_text(json.dumps({"builds": [build_id]}))
        if folder.exists():
            folder.rmdir()
        shutil.move(root, folder)
    return Backup(build_id or "", manifest["files"])


def _copied(source: Path, target: Path) -> Path:
    """Copy a SQLite database as it is at one moment, while others write to it."""
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as before, closing(sqlite3.connect(target)) as after:
            before.backup(after)
    except sqlite3.Error as error:
        raise LedgerUnavailableError(f"{source} cannot be copied: {error}", hint="see that the file is a sound SQLite database") from error
    return target


def _dumped(url: str, target: Path) -> Path:
    """Dump a PostgreSQL ledger; its password goes through the environment, where no list of processes shows it."""
    program = shutil.which("pg_dump")
    if program is None:
        raise LedgerUnavailableError("pg_dump is not installed, and the ledger is in PostgreSQL", hint="install the PostgreSQL client tools")
    parts = urlsplit(url)
    who, _, where = parts.netloc.rpartition("@")
    user = who.partition(":")[0]
    address = parts._replace(scheme="postgresql", netloc=f"{user}@{where}" if user else where).geturl()
    # A ledger in a schema of its own is dumped alone: the others are not ours.
    schema = re.search(r"search_path=(\w+)", unquote(parts.query))
    command = [program, "--format=custom", f"--file={target}", f"--dbname={address}", *([f"--schema={schema[1]}"] if schema else [])]
    environment = {**os.environ, **({"PGPASSWORD": unquote(parts.password)} if parts.password else {})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - found on the operator's path
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise LedgerUnavailableError(f"pg_dump failed: {said}", hint="see that it is as new as the server")
    return target


def _extracted(source: Path, folder: Path) -> dict[str, Any]:
    """Extract a backup into a folder of ours, nothing of it outside, and return its manifest."""
    if not source.is_file():
        raise NotFoundError(f"{source} does not exist", hint="`reckon backup FILE` writes one")
    try:
        with tarfile.open(source, "r:gz") as archive:
            members = archive.getmembers()
            odd = [
                member.name for member in members if not member.isfile() or ".." in PurePosixPath(member.name).parts or member.name.startswith("/")
            ]
            if odd:
                raise InputError(f"{source}: holds {odd[0]!r}, which no backup of ours has", hint="use a file that `reckon backup` wrote")
            archive.extractall(folder, members=members, filter="data")
        manifest = json.loads((folder / _MANIFEST).read_text())
        if manifest["format"] != FORMAT or not isinstance(manifest["files"], dict):
            raise InputError(f"{source}: is of format {manifest['format']}", hint=f"this version reads format {FORMAT}")
    except (tarfile.TarError, OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{source} is no backup, or damaged: {error}", hint="use a file that `reckon backup` wrote") from None
    return dict(manifest)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
