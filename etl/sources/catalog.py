"""All sources of a shop → one validated `Catalog`, and what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from etl import rejects
from etl.settings import SourceConfig
from etl.sources import files
from etl.sources.columns import Columns
from kg import schema
from kg.errors import InputError
from kg.tables import INTERACTION_COLUMNS, ITEM_COLUMNS, TRIPLE_COLUMNS, USER_COLUMNS, Catalog, empty

Progress = Callable[[int, int], None]

TABLES: Mapping[str, Mapping[str, pl.DataType]] = {
    "items": ITEM_COLUMNS,
    "users": USER_COLUMNS,
    "interactions": INTERACTION_COLUMNS,
    "triples": TRIPLE_COLUMNS,
}
"""Table → its columns, in the order of import: interactions and triples may name only items that are known by then."""

_ITEM_FIELDS = {*ITEM_COLUMNS, "price"}
_NAME = r"^[a-z][a-z0-9_]{0,62}$"


@dataclass
class Counts:
    """What became of the rows of one source: rows = good + empty + rejected."""

    rows: int = 0
    good: int = 0
    empty: int = 0
    rejected: int = 0


@dataclass
class Imported:
    """What an import found.

    Attributes:
        catalog: The rows that can be used.
        rejects: The others, per source.
        counts: Source → what became of its rows; `empty` ones say nothing (a triple "brand:" without a name) and count as neither.
    """

    catalog: Catalog
    rejects: list[pl.DataFrame] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)

    @property
    def n_rejected(self) -> int:
        """Number of rows refused."""
        return sum(part.height for part in self.rejects)


def import_sources(
    root: Path, sources: Sequence[SourceConfig], progress: Progress | None = None, *, more_items: pl.DataFrame | None = None
) -> Imported:
    """Read, validate and join all sources.

    Args:
        root: Folder that relative paths start from.
        sources: What reckon.toml declares.
        progress: Called with the bytes of files read so far, and of all files.
        more_items: Items that the shop has told otherwise; they count where the files lack them.

    Raises:
        InputError: A file is missing, broken or empty, a column is missing, there are no items, or no row of a source can be used.
    """
    if not any(source.table == "items" for source in sources):
        raise InputError("reckon.toml declares no items", hint='add a [[source]] with table = "items"')
    ordered = sorted(sources, key=lambda source: [*TABLES].index(source.table))
    paths = [files.resolve(root, source.path) for source in ordered]
    sizes = [path.stat().st_size for path in paths]
    assembly = _Assembly()
    for n, (source, path) in enumerate(zip(ordered, paths, strict=True)):
        before, size = sum(sizes[:n]), sizes[n]
        if source.table != "items" and more_items is not None:
            assembly.add_items(more_items)
        for fraction in assembly.take(source, path):
            if progress:
                progress(before + int(fraction * size), sum(sizes))
    return assembly.imported()


class _Assembly:
    """The tables while they are being put together."""

    def __init__(self) -> None:
        self._parts: dict[str, list[pl.DataFrame]] = {table: [] for table in TABLES}
        self._rejects: list[pl.DataFrame] = []
        self._counts: dict[str, Counts] = {}
        self._known: dict[str, pl.Series] = {}

    def take(self, source: SourceConfig, path: Path) -> Iterator[float]:
        """Import one source, chunk by chunk; gives how much of its file has been read."""
        counts = Counts()
        first_refused: pl.DataFrame | None = None
        reasons: Counter[str] = Counter()
        for raw in files.chunks(path, source.wanted, file_format=source.format, delimiter=source.delimiter):
            good, refused = self._mapped(Columns(source, raw))
            told = pl.concat([raw.rejects, rejects.rejected(raw.name, refused)])
            kept = good if source.table != "triples" else good.filter((pl.col("head") != "") & (pl.col("tail") != ""))
            counts.rows += raw.n_rows
            counts.good += kept.height
            counts.empty += good.height - kept.height
            counts.rejected += told.height
            reasons.update({str(why): int(n) for why, n in told.group_by("why").len().iter_rows()})
            if told.height:
                self._rejects.append(told)
                first_refused = told.head(1) if first_refused is None else first_refused
            if kept.height:
                self._add(source.table, kept.drop("line"))
            yield raw.read_fraction
        if counts.good == 0 and first_refused is not None:
            raise _unusable(counts, reasons, first_refused.row(0, named=True))
        self._counts[_unique_name(source, self._counts)] = counts

    def add_items(self, more: pl.DataFrame) -> None:
        """Add the items that are not there yet."""
        new = more.filter(~pl.col("item_id").is_in(self._ids("items", "item_id").implode()))
        if new.height:
            self._add("items", new)

    def imported(self) -> Imported:
        """Return the finished tables."""
        tables = {table: _stacked(parts, TABLES[table]) for table, parts in self._parts.items()}
        return Imported(Catalog(**tables), self._rejects, self._counts)

    def _add(self, table: str, rows: pl.DataFrame) -> None:
        self._parts[table].append(rows)
        self._known.pop(table, None)

    def _mapped(self, columns: Columns) -> tuple[pl.DataFrame, pl.DataFrame]:
        match columns.source.table:
            case "items":
                self._map_items(columns)
            case "users":
                self._map_users(columns)
            case "interactions":
                self._map_interactions(columns)
            case "triples":
                self._map_triples(columns)
        return columns.accepted()

    def _map_items(self, columns: Columns) -> None:
        columns.text("item_id", required=True)
        for name in ("title", "description", "brand"):
            columns.text(name)
        columns.many("categories")
        columns.price()
        columns.boolean("available")
        _declared(columns, besides=_ITEM_FIELDS)
        self._refuse_repeated(columns, "item_id")

    def _map_users(self, columns: Columns) -> None:
        columns.text("user_id", required=True)
        _declared(columns, besides={"user_id"})
        self._refuse_repeated(columns, "user_id")

    def _map_interactions(self, columns: Columns) -> None:
        columns.text("user_id", required=True)
        columns.text("item_id", required=True)
        if columns.given("kind"):
            columns.text("kind", required=True)
            _refuse_names(columns, "kind", "is not a kind: a–z, 0–9 and _, starting with a letter")
        else:
            columns.add("kind", pl.lit(columns.source.kind))
        columns.time()
        columns.number("quantity", default=1.0)
        columns.number("rating")
        columns.price()
        if columns.source.unknown_items == "add":
            self._add_unknown(columns.frame.filter(~columns.refused())["item_id"])
        else:
            self._refuse_unknown(columns, "item_id", columns.frame["item_id"])

    def _map_triples(self, columns: Columns) -> None:
        for name in ("head", "relation", "tail"):
            columns.text(name, required=True)
        _refuse_names(columns, "relation", "is not a relation: a–z, 0–9 and _, starting with a letter")
        for name in ("head", "tail"):
            written = columns.frame[name]
            columns.refuse(~written.str.contains(r"^[a-z][a-z0-9_]{0,62}:").fill_null(True), name, written, 'is not written "type:id"')
            parts = columns.frame.select(pl.col(name).str.splitn(":", 2)).unnest(name)
            columns.add(f"{name}_type", parts["field_0"])
            columns.add(name, parts["field_1"].str.strip_chars())
            is_item = (pl.col(f"{name}_type") == "item") & (pl.col(name) != "")
            self._refuse_unknown(columns, name, columns.frame.select(pl.when(is_item).then(name)).to_series())

    def _ids(self, table: str, key: str) -> pl.Series:
        if table not in self._known:
            self._known[table] = pl.concat([pl.Series(key, [], dtype=pl.String), *(part[key] for part in self._parts[table])])
        return self._known[table]

    def _refuse_repeated(self, columns: Columns, key: str) -> None:
        """Refuse ids that came before. Called last: a row that was refused for another reason does not use up its id."""
        values = columns.frame.select(pl.when(~columns.refused()).then(key)).to_series()
        earlier = values.is_in(self._ids(columns.source.table, key).implode()).fill_null(False)
        columns.refuse(values.is_not_null() & (earlier | ~values.is_first_distinct()), key, values, "is repeated; the first row stays")

    def _refuse_unknown(self, columns: Columns, name: str, values: pl.Series) -> None:
        unknown = values.is_not_null() & ~values.is_in(self._ids("items", "item_id").implode()).fill_null(False)
        columns.refuse(unknown, name, values, "is not an item of the catalogue")

    def _add_unknown(self, item_ids: pl.Series) -> None:
        new = item_ids.drop_nulls().unique(maintain_order=True)
        new = new.filter(~new.is_in(self._ids("items", "item_id").implode()))
        if len(new):
            self._add("items", pl.DataFrame({"item_id": new, "title": new}))


def _declared(columns: Columns, *, besides: set[str]) -> None:
    """Add the attribute columns that the shop names itself."""
    for name in columns.source.columns:
        if name not in besides:
            schema.attribute_relation(name)
            columns.many(name)


def _refuse_names(columns: Columns, name: str, why: str) -> None:
    values = columns.frame[name]
    columns.refuse(~values.str.contains(_NAME).fill_null(True), name, values, why)


def _unusable(counts: Counts, reasons: Counter[str], first: Mapping[str, object]) -> InputError:
    why, n = reasons.most_common(1)[0]
    value = f" {first['value']!r}" if first["value"] else ""
    return InputError(
        f"{first['file']}: none of its {counts.rows:,} rows can be used; line {first['line']}: {first['column']}{value} {first['why']}",
        hint=f"correct `columns` in reckon.toml or the file; {n:,} rows: {why}",
    )


def _unique_name(source: SourceConfig, taken: Mapping[str, object]) -> str:
    for name in (source.path, f"{source.path} ({source.table})"):
        if name not in taken:
            return name
    return f"{source.path} ({source.table}, {len(taken) + 1})"


def _stacked(parts: list[pl.DataFrame], columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    declared = empty(columns)
    frame = pl.concat([declared, *parts], how="diagonal")
    extras = sorted(name for name in frame.columns if name not in declared.columns)
    lists = [name for name, dtype in frame.schema.items() if dtype == pl.List(pl.String)]
    return frame.select(*declared.columns, *extras).with_columns(pl.col(name).fill_null(pl.lit([], dtype=pl.List(pl.String))) for name in lists)
