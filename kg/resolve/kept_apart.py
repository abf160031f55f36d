"""What persons said about resolution, kept for good: values and items that are not one, whatever the rules say.

The log is `resolve.jsonl` of the workspace, append-only. The last word about a value or a pair counts.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from kg.errors import InputError
from kg.files.journal import Journal
from kg.timestamps import utc_text

_UNDONE = {"relation": pl.String, "surface": pl.String}


class ResolveLog:
    """The log of a workspace.

    Args:
        path: `resolve.jsonl`.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)

    def keep_value_apart(self, relation: str, surface: str, *, by: str, note: str = "", apart: bool = True) -> None:
        """Say durably that a value is not another spelling of anything; `apart=False` takes that back."""
        self._append({"values": [relation, surface], "apart": apart, "by": by, "note": note})

    def keep_items_apart(self, item_id: str, other: str, *, by: str, note: str = "", apart: bool = True) -> None:
        """Say durably that two items are different; `apart=False` takes that back.

        Raises:
            InputError: They are the same item.
        """
        if item_id == other:
            raise InputError(f"{item_id!r} twice", hint="name two items")
        self._append({"items": sorted((item_id, other)), "apart": apart, "by": by, "note": note})

    def values(self) -> pl.DataFrame:
        """Return `relation` and `surface` of the values that are kept apart, sorted."""
        return pl.DataFrame(self._apart("values"), schema=_UNDONE, orient="row")

    def items(self) -> frozenset[tuple[str, str]]:
        """Return the pairs of items that are kept apart."""
        return frozenset(self._apart("items"))

    def _apart(self, what: str) -> list[tuple[str, str]]:
        last = {(str(a), str(b)): bool(record["apart"]) for record in self._journal.records() if what in record for a, b in [record[what]]}
        return sorted(pair for pair, apart in last.items() if apart)

    def _append(self, record: dict[str, object]) -> None:
        if not str(record["by"]).strip():
            raise InputError("by is empty", hint="say who decided: --by NAME")
        self._journal.append(lambda _: [{**record, "time": utc_text()}])
