"""The `[[source]]` tables of reckon.toml."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from etl.sources.importers import IMPORTERS, Importer, Table, by_suffix
from kg.config import Section
from kg.errors import ReckonError

REQUIRED = {
    "items": ("item_id",),
    "interactions": ("user_id", "item_id"),
    "users": ("user_id",),
    "triples": ("head", "relation", "tail"),
}
_CLOSED = {
    "interactions": {"user_id", "item_id", "kind", "time", "quantity", "rating", "price", "price_cents", "order", "event_id"},
    "triples": {"head", "relation", "tail"},
}
_KEYS_OF: Mapping[str, tuple[Table, ...]] = {
    "kind": ("interactions",),
    "unknown_items": ("interactions",),
    "repeated": ("items", "users"),
    "attributes_json": ("items", "users"),
    "attributes_limit": ("items", "users"),
    "time_format": ("interactions",),
    "taxonomy": ("items",),
    "abbreviations": ("items",),
    "link": ("triples",),
    "link_columns": ("triples",),
    "entity_type": ("triples",),
}


class SourceConfig(Section):
    """One file of the shop."""

    table: Table = Field(description="What its rows are: items, interactions, users or triples.")
    path: str = Field(min_length=1, description="File relative to reckon.toml, or package:NAME/inner/path for data of an installed package.")
    columns: dict[str, str | list[str]] = Field(
        default_factory=dict,
        description="Our column → the file's column, or several columns: joined with a space, or kept as many values. '=text' stands for itself. "
        "Formats that define their columns need none; what is written here goes before what they say, and '' leaves a column out.",
    )
    split: dict[str, str] = Field(default_factory=dict, description="Our column → the separator of many values in one cell.")
    kind: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$", description="Kind of all interactions of the file, where no column says it.")
    format: str | None = Field(default=None, description="Format of the file, where its suffix does not say it; docs/import.md lists them.")
    delimiter: str = Field(default="", max_length=1, description="What separates the cells of a CSV file that does not use commas.")
    unknown_items: Literal["reject", "add"] = Field(
        default="reject",
        description="An interaction whose item the catalogue lacks: reject the row, or add an item that has only its id.",
    )
    repeated: Literal["", "reject", "first", "common"] = Field(
        default="",
        description="Items or users that repeat an id: reject (the default; ga4: first), or keep of each column the first value or the most common.",
    )
    decimal: Literal["", ".", ","] = Field(
        default="", description="The decimal mark of its numbers, where the values should not decide; what has the other mark is rejected."
    )
    time_format: Literal["", "seconds", "milliseconds", "microseconds", "nanoseconds", "order", "excel", "day_first", "month_first"] = Field(
        default="",
        description="What its times mean, where the values should not decide: the unit of Unix times, order numbers, days of a spreadsheet, "
        "or which comes first in 1/2/2024.",
    )
    taxonomy: str = Field(
        default="", description="Google's taxonomy-with-ids.txt, relative to reckon.toml: categories that are its numbers become names."
    )
    encoding: Literal["utf-8", "latin-1"] | None = Field(
        default=None, description="What a text file is written in, where it should not be found out."
    )
    max_line_mb: float = Field(default=0.0, ge=0, le=1024, description="A longer line (or XML record) is refused, MiB; 0 is 16.")
    attributes_json: str = Field(default="", description="The file's column that holds a JSON object of attributes of the item or user.")
    attributes_limit: int = Field(default=100, ge=1, le=2000, description="Of the keys of attributes_json the most common ones become attributes.")
    abbreviations: str = Field(
        default="",
        description="For items: a JSONL file of a register's abbreviations that titles in capitals are spelled out by, relative to reckon.toml, or "
        "package:NAME/inner/path.",
    )
    link: str = Field(default="", description="For triples: a file that says which entity is which item, relative to reckon.toml.")
    link_columns: dict[Literal["item_id", "entity_id"], str] = Field(
        default={"item_id": "item_id", "entity_id": "entity_id"}, description="The columns of that file."
    )
    entity_type: str = Field(
        default="", pattern=r"^([a-z][a-z0-9_]{0,62})?$", description="For triples: node type of nodes that are not written 'type:id'."
    )

    @field_validator("format")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        try:
            return name and IMPORTERS.get(name).name
        except ReckonError as error:
            raise ValueError(f"{error.message}; {error.hint}") from None

    @model_validator(mode="after")
    def _complete(self) -> SourceConfig:
        importer = self.importer
        known = importer.tables if importer else ()
        if known and self.table not in known:
            raise ValueError(f"the format {self.file_format!r} holds no {self.table}; it holds {', '.join(known)}")
        missing = [name for name in REQUIRED[self.table] if name not in self.columns]
        if missing and not known:
            raise ValueError(f"table {self.table!r} needs a column for {', '.join(missing)}")
        unknown = sorted(set(self.columns) - _CLOSED.get(self.table, set(self.columns)))
        if unknown:
            possible = sorted(_CLOSED[self.table])
            close = difflib.get_close_matches(unknown[0], possible, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(possible)}"
            raise ValueError(f"table {self.table!r} has no column {unknown[0]!r}; {hint}")
        if self.table == "interactions" and not known and not self.kind and "kind" not in self.columns:
            raise ValueError('interactions need `kind = "purchase"` or a kind column')
        stray = sorted(set(self.split) - set(self.columns))
        if stray:
            raise ValueError(f"split names {stray[0]!r}, which columns does not")
        if any(not separator for separator in self.split.values()):
            raise ValueError("split has an empty separator")
        if not known and any(not names for names in self.columns.values()):
            raise ValueError("columns maps a name to nothing")
        return self._in_place()

    def _in_place(self) -> SourceConfig:
        """Refuse keys that mean nothing for the table."""
        for key, tables in _KEYS_OF.items():
            if key in self.model_fields_set and self.table not in tables:
                raise ValueError(f"{key} belongs to {' and '.join(tables)}, not to {self.table}")
        return self

    @property
    def importer(self) -> Importer | None:
        """The importer of the format, as declared, or as the suffix says it; None where neither does."""
        return IMPORTERS.get(self.format) if self.format else by_suffix(self.path)

    @property
    def file_format(self) -> str | None:
        """The format's name, as declared, or as the suffix says it; None where neither does."""
        return self.importer.name if self.importer else None

    @property
    def wanted(self) -> list[str]:
        """The file's columns that are read, in order."""
        parts = [part for names in self.columns.values() for part in ([names] if isinstance(names, str) else names)]
        if self.attributes_json:
            parts.append(self.attributes_json)
        return list(dict.fromkeys(part for part in parts if not part.startswith("=")))
