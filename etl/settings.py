"""The `[[source]]` tables of reckon.toml."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import Field, model_validator

from kg.config import Section

Table = Literal["items", "interactions", "users", "triples"]
FileFormat = Literal["csv", "tsv", "jsonl", "parquet"]

REQUIRED = {
    "items": ("item_id",),
    "interactions": ("user_id", "item_id"),
    "users": ("user_id",),
    "triples": ("head", "relation", "tail"),
}
_CLOSED = {
    "interactions": {"user_id", "item_id", "kind", "time", "quantity", "rating", "price", "price_cents"},
    "triples": {"head", "relation", "tail"},
}


class SourceConfig(Section):
    """One file of the shop."""

    table: Table = Field(description="What its rows are: items, interactions, users or triples.")
    path: str = Field(min_length=1, description="File relative to reckon.toml, or package:NAME/inner/path for data of an installed package.")
    columns: dict[str, str | list[str]] = Field(
        description="Our column → the file's column, or several columns: joined with a space, or kept as many values. '=text' stands for itself."
    )
    split: dict[str, str] = Field(default_factory=dict, description="Our column → the separator of many values in one cell.")
    kind: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$", description="Kind of all interactions of the file, where no column says it.")
    format: FileFormat | None = Field(default=None, description="Format of the file, where its suffix does not say it.")
    delimiter: str = Field(default="", max_length=1, description="What separates the cells of a CSV file that does not use commas.")
    unknown_items: Literal["reject", "add"] = Field(
        default="reject", description="An interaction whose item the catalogue lacks: reject the row, or add an item that has only its id."
    )

    @model_validator(mode="after")
    def _complete(self) -> SourceConfig:
        missing = [name for name in REQUIRED[self.table] if name not in self.columns]
        if missing:
            raise ValueError(f"table {self.table!r} needs a column for {', '.join(missing)}")
        unknown = sorted(set(self.columns) - _CLOSED.get(self.table, set(self.columns)))
        if unknown:
            known = sorted(_CLOSED[self.table])
            close = difflib.get_close_matches(unknown[0], known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}"
            raise ValueError(f"table {self.table!r} has no column {unknown[0]!r}; {hint}")
        if self.table == "interactions" and not self.kind and "kind" not in self.columns:
            raise ValueError('interactions need `kind = "purchase"` or a kind column')
        stray = sorted(set(self.split) - set(self.columns))
        if stray:
            raise ValueError(f"split names {stray[0]!r}, which columns does not")
        if any(not separator for separator in self.split.values()):
            raise ValueError("split has an empty separator")
        if any(not names for names in self.columns.values()):
            raise ValueError("columns maps a name to nothing")
        return self

    @property
    def wanted(self) -> list[str]:
        """The file's columns that are read, in order."""
        parts = [part for names in self.columns.values() for part in ([names] if isinstance(names, str) else names)]
        return list(dict.fromkeys(part for part in parts if not part.startswith("=")))
