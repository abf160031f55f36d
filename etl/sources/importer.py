"""All sources of a shop → one validated `Catalog`, and what was refused or flagged."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import polars as pl

from etl.clean.abbreviations import read_abbreviations
from etl.clean.config import CleanConfig
from etl.clean.lines import line_rules, service_lines
from etl.sources import registry, rejects
from etl.sources.chunks import Chunks
from etl.sources.config import SourceConfig
from etl.sources.events import EventFiles
from etl.sources.mapping.entities import KEYS, Entities
from etl.sources.mapping.known_formats import Prepared, prepared
from etl.sources.mapping.links import no_links, read_links
from etl.sources.mapping.rows import Mapping as SourceMapping
from etl.sources.raw import RawTable
from etl.sources.values.titles import readable_titles
from kg.errors import InputError
from kg.tables import INTERACTION_COLUMNS, ITEM_COLUMNS, TRIPLE_COLUMNS, USER_COLUMNS, Catalog, empty
from kg.validation.ratings import RatingScale

Progress = Callable[[int, int], None]
OnError = Callable[[str, SourceConfig, InputError], None]

TABLES: Mapping[str, Mapping[str, pl.DataType]] = {
    "items": ITEM_COLUMNS,
    "users": USER_COLUMNS,
    "interactions": INTERACTION_COLUMNS,
    "triples": TRIPLE_COLUMNS,
}
"""Table → its columns, in the order of import: interactions and triples may name only items that are known by then."""


@dataclass
class Counts:
    """What became of the rows of one source: rows = good + flagged + empty + rejected."""

    rows: int = 0
    good: int = 0
    flagged: int = 0
    empty: int = 0
    rejected: int = 0


@dataclass
class Details:
    """More about one source: what it is, and why rows were not good.

    Attributes:
        table: What its rows are.
        file_format: How it was read.
        encoding: What it is written in, where it is text.
        seconds: How long reading took.
        flags: Flag → rows.
        empty: Why → rows that say nothing.
        rejects: Why → rows that were refused.
        left_out: Attribute → rows, of JSON attributes beyond the limit.
        first_reject: The first row refused.
        notes: How its values were read, where that had to be decided.
    """

    table: str
    file_format: str
    encoding: str = ""
    seconds: float = 0.0
    flags: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, int] = field(default_factory=dict)
    first_reject: dict[str, object] | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class Imported:
    """What an import found.

    Attributes:
        items: The catalogue.
        users: Users of whom something is declared.
        triples: The ready-made graph.
        events: The events, on disk.
        rejects: Rows that cannot be used, per source.
        counts: Source → what became of its rows; `empty` ones say nothing (a triple "brand:" without a name, a row that repeats an item).
        details: Source → more about it.
    """

    items: pl.DataFrame
    users: pl.DataFrame
    triples: pl.DataFrame
    events: EventFiles
    rejects: list[pl.DataFrame] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)
    details: dict[str, Details] = field(default_factory=dict)

    @property
    def n_rejected(self) -> int:
        """Number of rows refused."""
        return sum(part.height for part in self.rejects)

    @property
    def n_flagged(self) -> int:
        """Number of rows flagged."""
        return sum(counts.flagged for counts in self.counts.values())

    @cached_property
    def catalog(self) -> Catalog:
        """The rows that can be used, in memory."""
        return Catalog(self.items, self.events.good().collect(), self.users, self.triples)

    def write(self, folder: Path) -> None:
        """Write the catalogue as `Catalog.write` does, without holding the events in memory."""
        Catalog(self.items, users=self.users, triples=self.triples).write(folder)
        self.events.good().sink_parquet(folder / "interactions.parquet", maintain_order=True)


def import_sources(
    root: Path,
    sources: Sequence[SourceConfig],
    progress: Progress | None = None,
    *,
    more_items: pl.DataFrame | None = None,
    clean: CleanConfig | None = None,
    ratings: RatingScale | None = None,
    folder: Path | None = None,
    now: float | None = None,
    on_error: OnError | None = None,
    language: str = "en",
) -> Imported:
    """Read, validate, join and clean all sources.

    Args:
        root: Folder that relative paths start from.
        sources: What reckon.toml declares.
        progress: Called with the bytes of files read so far, and of all files.
        more_items: Items that came over the API; they count where the files lack them.
        clean: The rules of cleaning; the defaults where absent.
        ratings: What a rating may be; where absent, the ratings show it.
        folder: Where events lie while they are read; a temporary folder, deleted with the result, where absent.
        now: Unix seconds that no event is later than; the clock where absent.
        on_error: Called for a source that cannot be used (what it is called, its declaration, the error); the others are imported all the same.
            Where absent, the error is raised.
        language: The shop's, ISO 639-1: of a text in several languages it is taken.

    Raises:
        InputError: A file is missing, broken or empty, a column is missing, there are no items, or no row of a source can be used.
    """
    if not any(source.table == "items" for source in sources):
        raise InputError("reckon.toml declares no items", hint='add a [[source]] with table = "items"')
    ordered = sorted(sources, key=lambda source: [*TABLES].index(source.table))
    assembly = _Assembly(root, clean or CleanConfig(), ratings, _events(folder), time.time() if now is None else now, language)
    sizes = [_size(root, source) for source in ordered]
    for n, (source, size) in enumerate(zip(ordered, sizes, strict=True)):
        if source.table != "items" and more_items is not None:
            assembly.add_items(more_items)
        try:
            for fraction in assembly.take(prepared(source, registry.resolve(root, source.path))):
                if progress:
                    progress(sum(sizes[:n]) + int(fraction * size), sum(sizes))
        except InputError as error:
            if on_error is None:
                raise
            on_error(assembly.broken(source), source, error)
    return assembly.imported(on_error)


def _events(folder: Path | None) -> EventFiles:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return EventFiles(folder)
    events = EventFiles(Path(tempfile.mkdtemp(prefix="reckon-import-")))
    weakref.finalize(events, shutil.rmtree, events.folder, ignore_errors=True)
    return events


def _size(root: Path, source: SourceConfig) -> int:
    try:
        return registry.resolve(root, source.path).stat().st_size
    except InputError:
        return 0


class _Assembly:
    """The tables while they are being put together."""

    def __init__(self, root: Path, clean: CleanConfig, ratings: RatingScale | None, events: EventFiles, now: float, language: str) -> None:
        self._root = root
        self._language = language
        self._clean = clean
        self._ratings = ratings
        self._events = events
        self._parts: dict[str, list[pl.DataFrame]] = {table: [] for table in TABLES}
        self._rejects: list[pl.DataFrame] = []
        self._counts: dict[str, Counts] = {}
        self._details: dict[str, Details] = {}
        self._sources: dict[str, SourceConfig] = {}
        self._names: list[str] = []
        self._known: dict[str, pl.Series] = {}
        self._service: list[pl.Series] = []
        self._mapping = SourceMapping(clean, line_rules(root, clean), now, self._ids, self._service_ids, ratings=ratings)

    def take(self, prepared: Prepared) -> Iterator[float]:
        """Import one source, chunk by chunk; gives how much of its file has been read."""
        source = prepared.source
        name = _unique_name(source, self._names)
        started = time.perf_counter()
        counts, details = Counts(), Details(source.table, prepared.file_format)
        self._begin(source)
        chunks = Chunks(prepared, self._language, self._root)
        for columns in chunks.columns():
            raw = columns.raw
            good, refused = self._mapping.map(columns)
            self._count(raw, pl.concat([raw.rejects, rejects.rejected(raw.name, refused)]), counts, details)
            details.encoding = raw.encoding
            counts.good += self._take_rows(name, source, good, details)
            yield raw.read_fraction
        if counts.good == 0 and details.first_reject is not None and not details.flags:
            raise _unusable(counts, details)
        if source.table in KEYS:
            counts.good = self._finish_entities(name, source, details)
        details.notes = [*chunks.reading.said(), *details.notes]
        details.seconds = round(time.perf_counter() - started, 2)
        counts.flagged, counts.empty = sum(details.flags.values()), sum(details.empty.values())
        self._counts[name], self._details[name], self._sources[name] = counts, details, source
        self._names.append(name)

    def broken(self, source: SourceConfig) -> str:
        """Note that a source could not be used: what names its items is not at fault. Returns what the source is called."""
        if source.table == "items":
            self._mapping.judge_items = False
        name = _unique_name(source, self._names)
        self._names.append(name)
        return name

    def add_items(self, more: pl.DataFrame) -> None:
        """Add the items that are not there yet."""
        new = more.filter(~pl.col("item_id").is_in(self._ids("items").implode()))
        if new.height:
            self._add("items", new)

    def imported(self, on_error: OnError | None = None) -> Imported:
        """Clean the events, and return the finished tables."""
        for name, flags in self._events.clean(self._clean, self._ratings).items():
            if name not in self._counts:
                continue
            counts, details = self._counts[name], self._details[name]
            details.flags = flags
            counts.flagged = sum(flags.values())
            counts.good -= counts.flagged
            if counts.good == 0 and counts.rows:
                error = _unusable(counts, details)
                if on_error is None:
                    raise error
                on_error(name, self._sources[name], error)
        tables = {table: _stacked(self._parts[table], TABLES[table]) for table in ("items", "users", "triples")}
        return Imported(**tables, events=self._events, rejects=self._rejects, counts=self._counts, details=self._details)

    def _begin(self, source: SourceConfig) -> None:
        if source.table in KEYS:
            limit = source.attributes_limit if source.attributes_json else 0
            self._mapping.entities = Entities(KEYS[source.table], source.repeated, limit)
        self._mapping.links = read_links(self._root, source) if source.link else no_links()

    def _count(self, raw: RawTable, rejected: pl.DataFrame, counts: Counts, details: Details) -> None:
        counts.rows += raw.n_rows
        counts.rejected += rejected.height
        details.empty.update(raw.empty)
        details.rejects.update({str(why): int(n) for why, n in rejected.group_by("why").len().sort("why").iter_rows()})
        if rejected.height:
            self._rejects.append(rejected)
            details.first_reject = details.first_reject or rejected.row(0, named=True)

    def _take_rows(self, name: str, source: SourceConfig, rows: pl.DataFrame, details: Details) -> int:
        """Take rows that could be read, and return how many are good so far."""
        match source.table:
            case "interactions":
                if source.unknown_items == "add":
                    rows = self._with_unknown(rows)
                if rows.height:
                    self._events.add(name, rows)
                return rows.height
            case "triples":
                kept = rows.filter((pl.col("head") != "") & (pl.col("tail") != ""))
                details.empty.update({"names a node that is empty": rows.height - kept.height} if rows.height > kept.height else {})
                self._add("triples", kept.drop("line", "flag"))
                return kept.height
        flagged = rows.filter(pl.col("flag").is_not_null())
        if flagged.height:
            self._service.append(flagged["item_id"].unique())
            self._flag_items(name, flagged, details)
        good = rows.filter(pl.col("flag").is_null()).drop("flag")
        new = good.filter(~pl.col(KEYS[source.table]).is_in(self._ids(source.table).implode()))
        if good.height > new.height:
            details.empty["repeats an id of another source"] += good.height - new.height
        self._mapping.entities.take(new)
        return new.height

    def _flag_items(self, name: str, rows: pl.DataFrame, details: Details) -> None:
        details.flags["service_line"] += rows.height
        self._events.add_flagged(name, rows.with_columns(flag=pl.lit("service_line")))

    def _finish_entities(self, name: str, source: SourceConfig, details: Details) -> int:
        """Add what the source's rows became, without the items that some row of theirs gave away as none; returns how many."""
        entities = self._mapping.entities
        n_taken = entities.n_rows
        rows = entities.finished()
        if n_taken > rows.height:
            details.empty["repeats an id of this source"] += n_taken - rows.height
        details.left_out = entities.attributes.left_out if entities.attributes else {}
        if source.table == "items" and self._service:
            service = rows["item_id"].is_in(self._service_ids().implode())
            if service.any():
                self._flag_items(name, rows.filter(service).with_columns(line=pl.lit(None, dtype=pl.Int64)), details)
                rows = rows.filter(~service)
        if source.table == "items":
            lexicon = read_abbreviations(registry.resolve(self._root, source.abbreviations)) if source.abbreviations else None
            rows = readable_titles(rows, lexicon)
            self._note_untitled(rows, details)
        self._add(source.table, rows)
        return rows.height

    @staticmethod
    def _note_untitled(rows: pl.DataFrame, details: Details) -> None:
        """Count the items that stay in the graph and are not recommended, as nobody could tell what they are."""
        untitled = rows["title"].null_count() if "title" in rows.columns else 0
        if 0 < untitled < rows.height:
            details.notes.append(f"{untitled:,} of {rows.height:,} items have no title: they are kept, and not recommended")

    def _with_unknown(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add the items that the catalogue lacks, and flag the rows of those that are none by their id."""
        new = rows.filter(pl.col("flag").is_null())["item_id"].unique(maintain_order=True)
        new = new.filter(~new.is_in(self._ids("items").implode()))
        if not len(new):
            return rows
        named = pl.DataFrame({"item_id": new, "title": new})
        service = service_lines(named.with_columns(title=pl.lit(None, dtype=pl.String)), self._mapping.lines)
        self._add("items", named.filter(~service))
        if not service.any():
            return rows
        none = pl.col("item_id").is_in(new.filter(service).implode()) & pl.col("flag").is_null()
        return rows.with_columns(flag=pl.when(none).then(pl.lit("service_line")).otherwise("flag"))

    def _add(self, table: str, rows: pl.DataFrame) -> None:
        if rows.height:
            self._parts[table].append(rows)
            self._known.pop(table, None)

    def _ids(self, table: str) -> pl.Series:
        if table not in self._known:
            key = KEYS[table]
            self._known[table] = pl.concat([pl.Series(key, [], dtype=pl.String), *(part[key] for part in self._parts[table])])
        return self._known[table]

    def _service_ids(self) -> pl.Series:
        return pl.concat([pl.Series("item_id", [], dtype=pl.String), *self._service])


def _unusable(counts: Counts, details: Details) -> InputError:
    first = details.first_reject
    if first is None:
        why = ", ".join(f"{n:,} {flag}" for flag, n in details.flags.most_common())
        return InputError(f"none of {counts.rows:,} rows of {details.table} can be used: {why}", hint="correct `columns` in reckon.toml, or [clean]")
    reason, n = details.rejects.most_common(1)[0]
    value = f" {first['value']!r}" if first["value"] else ""
    return InputError(
        f"{first['file']}: none of its {counts.rows:,} rows can be used; line {first['line']}: {first['column']}{value} {first['why']}",
        hint=f"correct `columns` in reckon.toml or the file; {n:,} rows: {reason}",
    )


def _unique_name(source: SourceConfig, taken: Sequence[str]) -> str:
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
