"""Queries that analysts keep for one another: `queries.jsonl` in the console's folder, an entry per change, nothing ever overwritten."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kg.errors import InputError, NotFoundError
from kg.files.journal import Journal, Record
from kg.store.read_only import MAX_TEXT
from kg.timestamps import utc_text

MAX_NAME, MAX_SAVED = 100, 500


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """One query.

    Attributes:
        name: What its author calls it; unique.
        text: The Cypher.
        by: Who saved it last.
        time: When, ISO 8601, UTC.
    """

    name: str
    text: str
    by: str
    time: str


class SavedQueries:
    """The saved queries of a workspace.

    Args:
        path: Their file.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)

    def all(self) -> list[SavedQuery]:
        """Return them by name."""
        return sorted(_current(self._journal.records()).values(), key=lambda query: query.name.casefold())

    def save(self, name: str, text: str, *, by: str) -> None:
        """Save a query, in place of an earlier one of this name.

        Raises:
            InputError: It has no name or no text, one of them is too long, or there are too many.
        """
        if not name or not text or len(name) > MAX_NAME or len(text) > MAX_TEXT:
            raise InputError("a saved query needs a name and a text", hint=f"at most {MAX_NAME} and {MAX_TEXT:,} characters")

        def make(records: list[Record]) -> list[Record]:
            current = _current(records)
            if name not in current and len(current) >= MAX_SAVED:
                raise InputError(f"there are {len(current)} saved queries", hint="delete one that nobody needs")
            return [{"op": "save", "name": name, "text": text, "by": by, "time": utc_text()}]

        self._journal.append(make)

    def delete(self, name: str, *, by: str) -> None:
        """Delete a query.

        Raises:
            NotFoundError: There is none of this name.
        """

        def make(records: list[Record]) -> list[Record]:
            if name not in _current(records):
                raise NotFoundError(f"no saved query is called {name[:MAX_NAME]!r}", hint="load the page again")
            return [{"op": "delete", "name": name, "by": by, "time": utc_text()}]

        self._journal.append(make)


def _current(records: list[Record]) -> dict[str, SavedQuery]:
    current: dict[str, SavedQuery] = {}
    for record in records:
        name = str(record.get("name", ""))
        if record.get("op") == "delete":
            current.pop(name, None)
        else:
            current[name] = SavedQuery(name, str(record.get("text", "")), str(record.get("by", "")), str(record.get("time", "")))
    return current
