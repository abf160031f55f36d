"""Where a shop's files live on disk: one folder, one `reckon.toml`, its builds and what is current."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from kg.errors import ConfigError, NotFoundError

_BUILD_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")


@dataclass(frozen=True)
class Workspace:
    """A workspace folder.

        reckon.toml       what the shop declares
        graph/            the embedded database, where it is used
        builds/<id>/      what each stage wrote; `builds/current` points at the published one
        rejects.jsonl     rows the last import refused
        reports/          what import and checks found
        keys.json         hashed API keys
        facts.jsonl       corrections by persons
        resolve.jsonl     values and items that persons keep apart
        extract.model     extractor trained on the shop's own fields and answers
        review.jsonl      answers to what the extractor was not certain of
        messages/         the shop's own words for reasons, one file per language, where it has some
        changes.jsonl     which changes of the ledger came from files of changes
        audit.jsonl       writes and admin actions, one JSON object a line
        console/          what the console keeps: the secret that its sessions are signed with, saved queries, the last change of builds
        canary.db         what is measured of a build that is tried out on a share of the users
        ledger.db         events, where no other database is configured; beside it its log and `ledger.db.turn`, whose lock says who may write

    Args:
        root: The folder.
    """

    root: Path

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Return the workspace at `root`.

        Raises:
            ConfigError: There is no reckon.toml.
        """
        workspace = cls(root.resolve())
        if not workspace.config_file.is_file():
            raise ConfigError(f"{workspace.config_file} does not exist", hint=f"run `reckon init {root}` or name the workspace with -w")
        return workspace

    @property
    def config_file(self) -> Path:
        """The shop's declarations."""
        return self.root / "reckon.toml"

    @property
    def messages(self) -> Path:
        """Folder of the shop's own message catalogues."""
        return self.root / "messages"

    @property
    def graph(self) -> Path:
        """Folder of the embedded graph database."""
        return self.root / "graph"

    @property
    def builds(self) -> Path:
        """Folder of all builds."""
        return self.root / "builds"

    @property
    def current(self) -> Path:
        """Symbolic link to the published build."""
        return self.builds / "current"

    @property
    def rejects(self) -> Path:
        """Rows that the last import refused, one JSON object a line."""
        return self.root / "rejects.jsonl"

    @property
    def reports(self) -> Path:
        """Folder of import and check reports."""
        return self.root / "reports"

    @property
    def keys(self) -> Path:
        """Hashed API keys."""
        return self.root / "keys.json"

    @property
    def facts(self) -> Path:
        """Corrections by persons, one JSON object a line."""
        return self.root / "facts.jsonl"

    @property
    def resolve(self) -> Path:
        """Values and items that persons keep apart, one JSON object a line."""
        return self.root / "resolve.jsonl"

    @property
    def extract_model(self) -> Path:
        """Extractor trained on the shop's own fields and answers."""
        return self.root / "extract.model"

    @property
    def review(self) -> Path:
        """Answers to what the extractor was not certain of, one JSON object a line."""
        return self.root / "review.jsonl"

    @property
    def changes(self) -> Path:
        """Which numbers of the ledger came from files of changes, one JSON object a line."""
        return self.root / "changes.jsonl"

    @property
    def audit(self) -> Path:
        """Writes and admin actions."""
        return self.root / "audit.jsonl"

    @property
    def console(self) -> Path:
        """Folder of what the console keeps."""
        return self.root / "console"

    @property
    def ledger(self) -> Path:
        """The event ledger, where the configuration names no other database."""
        return self.root / "ledger.db"

    @property
    def answers(self) -> Path:
        """Lists that were given, for replay."""
        return self.root / "answers.db"

    @property
    def canary(self) -> Path:
        """What is measured of a build that is tried out on a share of the users."""
        return self.root / "canary.db"

    @property
    def lock(self) -> Path:
        """Held by whoever changes builds."""
        return self.root / ".lock"

    @property
    def published(self) -> Path:
        """The builds that were published, in order."""
        return self.builds / "published.json"

    def build(self, build_id: str) -> Path:
        """Return the folder of one build, whether it exists or not.

        Raises:
            NotFoundError: `build_id` is not of the form of a build id.
        """
        if not _BUILD_ID.fullmatch(build_id):
            raise NotFoundError(f"{build_id!r} is not a build id", hint="`reckon builds` lists them")
        return self.builds / build_id

    def build_ids(self) -> list[str]:
        """Return the ids of all builds, oldest first."""
        if not self.builds.is_dir():
            return []
        return sorted(path.name for path in self.builds.iterdir() if path.is_dir() and _BUILD_ID.fullmatch(path.name))

    def current_id(self) -> str | None:
        """Return the id of the published build, or None before the first publication."""
        try:
            return self.current.readlink().name
        except FileNotFoundError:
            return None

    def published_id(self) -> str:
        """Return the id of the published build.

        Raises:
            NotFoundError: Nothing is published.
        """
        current = self.current_id()
        if current is None:
            raise NotFoundError("no build has been published", hint="run `reckon rebuild`")
        return current

    def published_ids(self) -> list[str]:
        """Return the ids of the builds that were published, in order; what is no build id is left out."""
        try:
            record = json.loads(self.published.read_text())
            return [name for name in record["builds"] if isinstance(name, str) and _BUILD_ID.fullmatch(name)]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return []
