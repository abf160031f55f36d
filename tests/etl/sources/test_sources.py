"""The importers: one contract over all formats, and the files that must be refused."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.settings import SourceConfig
from etl.sources import raw, registry, rejects
from etl.sources.importer import Imported, import_sources
from etl.sources.text import blocks
from kg.errors import ConfigError, InputError

FORMATS = ["csv", "tsv", "jsonl", "parquet"]
ITEMS = {"sku": ["a", "b", "c"], "name": ["Green tea", 'Mug "Tall", 12 oz', "Düse ✓"], "kind": ["Tea|Green", "Mug", ""], "cost": ["3.99", "12", ""]}
EVENTS = {"who": ["u", "u", "v"], "what": ["a", "b", "a"], "when": ["2024-05-01T10:00:00Z", "1714557600", "2024-05-01"]}


def as_bytes(columns: dict[str, list[str]], file_format: str) -> bytes:
    """Return a table written in a format."""
    frame = pl.DataFrame(columns)
    if file_format == "parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    if file_format == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in frame.iter_rows(named=True)).encode()
    text = io.StringIO()
    writer = csv.writer(text, delimiter={"csv": ",", "tsv": "\t"}[file_format], lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(frame.iter_rows())
    return text.getvalue().encode()


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Imported]:
    """Return a function that imports files: name → (bytes, rest of its [[source]] table)."""

    def written(**named: tuple[bytes, dict[str, object]]) -> Imported:
        sources = []
        for table, (data, source) in named.items():
            path = str(source.pop("path", f"{table}.csv"))
            (tmp_path / path).write_bytes(gzip.compress(data) if path.endswith(".gz") and not source.pop("raw", False) else data)
            sources.append(SourceConfig.model_validate({"table": table, "path": path, **source}))
        return import_sources(tmp_path, sources)

    return written


@pytest.fixture
def items() -> tuple[bytes, dict[str, object]]:
    """Return the items as CSV with their mapping."""
    return as_bytes(ITEMS, "csv"), {
        "columns": {"item_id": "sku", "title": "name", "categories": "kind", "price": "cost"},
        "split": {"categories": "|"},
    }


ITEM_COLUMNS = {"item_id": "sku", "title": "name"}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_gives_the_same_catalogue(load: Callable[..., Imported], file_format: str, suffix: str) -> None:
    imported = load(
        items=(
            as_bytes(ITEMS, file_format),
            {
                "path": f"items.{file_format}{suffix}",
                "columns": {"item_id": "sku", "title": "name", "categories": "kind", "price": "cost", "colour": ["sku", "cost"]},
                "split": {"categories": "|"},
            },
        ),
        interactions=(
            as_bytes(EVENTS, file_format),
            {"path": f"events.{file_format}{suffix}", "columns": {"user_id": "who", "item_id": "what", "time": "when"}, "kind": "view"},
        ),
    )
    catalog = imported.catalog
    assert catalog.items["title"].to_list() == ITEMS["name"]
    assert catalog.items["categories"].to_list() == [["Tea", "Green"], ["Mug"], []]
    assert catalog.items["price_cents"].to_list() == [399, 1200, None]
    assert catalog.items["colour"].to_list() == [["a", "3.99"], ["b", "12"], ["c"]]
    assert catalog.interactions["time"].to_list() == [1714557600.0, 1714557600.0, 1714521600.0]
    assert catalog.interactions["kind"].to_list() == ["view"] * 3
    assert imported.n_rejected == 0


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=12).map(str.strip)


@given(
    rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=8), file_format=st.sampled_from(["csv", "jsonl", "parquet"]), size=st.integers(1, 40)
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_was_written_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[str, str]], file_format: str, size: int) -> None:
    """Whatever the cells hold, and wherever the blocks are cut."""
    monkeypatch.setattr(blocks.blocks, "__defaults__", (size,))
    table = {"sku": [f"i{n}" for n in range(len(rows))], "name": [title for title, _ in rows], "more": [text for _, text in rows]}
    path = tmp_path / f"items.{file_format}"
    path.write_bytes(as_bytes(table, file_format))
    read = pl.concat([chunk.frame for chunk in registry.chunks(path, ["sku", "name", "more"])])
    assert read.select("sku", "name", "more").to_dict(as_series=False) == table
    assert read[raw.LINE].is_sorted()


def test_line_numbers_survive_quoted_line_breaks_and_blank_lines(load: Callable[..., Imported]) -> None:
    data = b'sku,name,cost\r\n\r\na,"two\r\nlines",1\r\nb,"x ""y""",no\r\n\r\nc,plain,maybe\r\n'
    imported = load(items=(data, {"columns": {**ITEM_COLUMNS, "price": "cost"}}))
    told = pl.concat(imported.rejects).select("line", "column", "value").rows()
    assert told == [(5, "price", "no"), (7, "price", "maybe")]
    assert imported.catalog.items["title"].to_list() == ["two\nlines"]


def test_malformed_records_are_rejected_one_by_one(load: Callable[..., Imported]) -> None:
    data = b'sku,name\na,A\nb\nc,C,3\nd,"D\ne,E\nf,F" x\n\xff\xfe,G\nh,H\n'
    imported = load(items=(data, {"columns": dict(ITEM_COLUMNS)}))
    told = {row["line"]: row["why"] for row in pl.concat(imported.rejects).iter_rows(named=True)}
    assert imported.catalog.items["item_id"].to_list() == ["a", "e", "f", "h"]
    assert set(told) == {3, 4, 5, 8}
    assert told[3] == "has 1 cells where the header has 2"
    assert "UTF-8" in told[8]
    counts = imported.counts["items.csv"]
    assert counts.rows == counts.good + counts.empty + counts.rejected == 8


def test_a_quote_that_never_closes_costs_one_line(load: Callable[..., Imported]) -> None:
    data = b'sku,name\na,"A\nb,B\nc,C\n'
    imported = load(items=(data, {"columns": dict(ITEM_COLUMNS)}))
    assert imported.catalog.items["item_id"].to_list() == ["b", "c"]
    assert pl.concat(imported.rejects)["why"].to_list() == ["has a quote that is never closed"]


def test_tsv_without_quoting_keeps_its_quotes(load: Callable[..., Imported]) -> None:
    data = b'sku\tname\na\t5" screen\nb\t"Best" tea\n'
    imported = load(items=(data, {"path": "items.tsv", "columns": dict(ITEM_COLUMNS)}))
    assert imported.catalog.items["title"].to_list() == ['5" screen', '"Best" tea']


def test_jsonl_values_keep_their_text(load: Callable[..., Imported]) -> None:
    lines = [{"sku": 7, "name": "A", "tags": ["x", "y"]}, {"sku": 8.0, "name": "B", "tags": "z"}, {"sku": "9", "tags": None}]
    data = "\n".join([*map(json.dumps, lines), "[1]", "{oops"]).encode()
    imported = load(items=(data, {"path": "i.jsonl", "columns": {**ITEM_COLUMNS, "tag": "tags"}}))
    assert imported.catalog.items["item_id"].to_list() == ["7", "8", "9"]
    assert imported.catalog.items["tag"].to_list() == [["x", "y"], ["z"], []]
    assert pl.concat(imported.rejects)["line"].to_list() == [4, 5]


def test_parquet_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [1.0, 2.0, None], "tags": [["a b", "c"], [], None], "on": [True, False, None], "at": [0, 86_400_000, None]})
    frame.with_columns(pl.col("at").cast(pl.Datetime("ms", "UTC"))).write_parquet(tmp_path / "i.parquet")
    items = SourceConfig(table="items", path="i.parquet", columns={"item_id": "id", "tag": "tags", "available": "on"})
    events = SourceConfig(table="interactions", path="i.parquet", columns={"user_id": "on", "item_id": "id", "time": "at"}, kind="view")
    imported = import_sources(tmp_path, [events, items])
    assert imported.catalog.items.select("item_id", "tag", "available").rows() == [("1", ["a b", "c"], True), ("2", [], False)]
    assert imported.catalog.interactions["time"].to_list() == [0.0, 86400.0]
    assert imported.n_rejected == 2


def test_ids_are_trimmed_and_repeated_or_empty_ones_rejected(load: Callable[..., Imported]) -> None:
    data = b"sku,name,cost\n a ,A,1\n,B,2\nc,C,oops\nc,C,3\na,again,4\n"
    imported = load(items=(data, {"columns": {**ITEM_COLUMNS, "price": "cost"}}))
    assert imported.catalog.items.select("item_id", "title").rows() == [("a", "A"), ("c", "C")]
    told = pl.concat(imported.rejects).select("line", "column", "why").rows()
    assert told == [(3, "item_id", "is empty"), (4, "price", "is not a number"), (6, "item_id", "is repeated; the first row stays")]


def test_items_without_a_title_are_kept_and_counted_where_others_have_one(load: Callable[..., Imported]) -> None:
    some = load(items=(b"sku,name\na,Tea\nb,\nc,NULL\n", {"columns": ITEM_COLUMNS}))
    assert some.catalog.items["title"].to_list() == ["Tea", None, None]
    assert "2 of 3 items have no title: they are kept, and not recommended" in some.details["items.csv"].notes
    none = load(items=(b"sku,name\na,\nb,\n", {"columns": ITEM_COLUMNS}))
    assert not any("no title" in note for note in none.details["items.csv"].notes)


def test_unknown_items_are_rejected_or_added(load: Callable[..., Imported], items: tuple[bytes, dict[str, object]]) -> None:
    events = b"who,what\nu,a\nu,zz\n"
    source = {"path": "e.csv", "columns": {"user_id": "who", "item_id": "what"}, "kind": "view"}
    imported = load(items=(items[0], dict(items[1])), interactions=(events, dict(source)))
    assert pl.concat(imported.rejects)["value"].to_list() == ["zz"]
    added = load(items=items, interactions=(events, {**source, "unknown_items": "add"}))
    assert added.n_rejected == 0
    assert added.catalog.items["item_id"].to_list() == ["a", "b", "c", "zz"]


def test_triples(load: Callable[..., Imported], items: tuple[bytes, dict[str, object]]) -> None:
    data = b"h,r,t\nitem:a,has_colour,colour:sea: green\n"
    data += b"item:zz,has_colour,colour:red\nitem:b,has_colour,colour:\nitem:b,Has Colour,colour:x\nb,likes,item:a\n"
    imported = load(items=items, triples=(data, {"columns": {"head": "h", "relation": "r", "tail": "t"}}))
    assert imported.catalog.triples.rows() == [("item", "a", "has_colour", "colour", "sea: green")]
    assert pl.concat(imported.rejects).select("line", "column").rows() == [(3, "head"), (5, "relation"), (6, "head")]
    counts = imported.counts["triples.csv"]
    assert (counts.rows, counts.good, counts.empty, counts.rejected) == (5, 1, 1, 3)


def test_prices_and_times_that_cannot_be(load: Callable[..., Imported], items: tuple[bytes, dict[str, object]]) -> None:
    data = b"who,what,when,n\nu,a,2024-13-01,1\nu,a,nan,1\nu,a,2024-05-01 10:00,inf\nu,a,12,2\nu,a,2024-05-01,2\n"
    columns = {"user_id": "who", "item_id": "what", "time": "when", "quantity": "n"}
    imported = load(items=items, interactions=(data, {"columns": columns, "kind": "purchase"}))
    assert imported.catalog.interactions.select("time", "quantity").rows() == [(None, 1.0), (1714521600.0, 2.0)]
    assert pl.concat(imported.rejects).select("line", "column").rows() == [(2, "time"), (4, "quantity"), (5, "time")]


PARQUET = as_bytes(ITEMS, "parquet")
CSV = as_bytes(ITEMS, "csv")
BAD_FILES = {
    "empty.csv": (b"", "is empty"),
    "header.csv": (b"sku,name\n", "holds no rows"),
    "parquet.csv": (PARQUET, "is a Parquet file"),
    "gzip.csv": (gzip.compress(CSV), "is a gzip file"),
    "plain.csv.gz": (CSV, "is not a gzip file"),
    "cut.csv.gz": (gzip.compress(CSV * 100)[:-20], "damaged gzip"),
    "cut.parquet.gz": (gzip.compress(PARQUET)[:-20], "damaged gzip"),
    "csv.parquet": (CSV, "is not a Parquet file"),
    "cut.parquet": (PARQUET[:-30], "is cut off"),
    "broken.parquet": (PARQUET[:40] + bytes(40) + PARQUET[80:], "cannot be read as Parquet"),
    "utf16.csv": (CSV.decode().encode("utf-16"), "is written in UTF-16"),
    "binary.csv": (bytes(100), "is not a text file"),
    "zip.csv": (b"PK\x03\x04" + bytes(100), "is a ZIP archive"),
    "delimiter.csv": (b"sku;name\na;A\n", "separates its cells by semicolons"),
    "twice.csv": (b"sku,name,sku\na,A,b\n", "names the column 'sku' twice"),
    "typo.csv": (b"sku,Nmae\na,A\n", "has no column 'name'"),
    "typo.jsonl": (b'{"sku": 1, "nmae": 2}\n', "has no column 'name'"),
    "scalar.jsonl": (b"1\n2\n", "holds no JSON object"),
    "items.xlsx": (b"", "the suffix does not say"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    data, message = BAD_FILES[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        import_sources(tmp_path, [SourceConfig(table="items", path=name, columns=dict(ITEM_COLUMNS))])
    assert message in caught.value.message
    assert name in caught.value.message
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_missing_file_or_package_is_named(tmp_path: Path) -> None:
    for path, message in [("no.csv", "does not exist"), ("package:no_such_package/x.csv", "is not installed"), (".", "is a folder")]:
        with pytest.raises(InputError, match=message):
            import_sources(tmp_path, [SourceConfig(table="items", path=path, columns=dict(ITEM_COLUMNS))])


def test_a_misspelt_column_gets_a_suggestion(load: Callable[..., Imported]) -> None:
    with pytest.raises(InputError) as caught:
        load(items=(b"SKU,title\na,A\n", {"columns": {"item_id": "sku", "title": "titel"}}))
    assert caught.value.hint == "did you mean 'SKU'?"


def test_a_source_without_one_good_row_is_an_error(load: Callable[..., Imported], items: tuple[bytes, dict[str, object]]) -> None:
    with pytest.raises(InputError, match=r"none of its 2 rows can be used; line 2: item_id 'x' is not an item"):
        load(items=items, interactions=(b"who,what\nu,x\nu,y\n", {"columns": {"user_id": "who", "item_id": "what"}, "kind": "view"}))


def test_a_line_beyond_all_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(blocks.blocks, "__defaults__", (256,))
    (tmp_path / "i.csv").write_bytes(b"sku,name\na,A\nb," + b"x" * 5000 + b"\n")
    with pytest.raises(InputError, match=r"more than .* after line 2"):
        import_sources(tmp_path, [SourceConfig(table="items", path="i.csv", columns=dict(ITEM_COLUMNS))])


def test_rejects_are_json_lines(tmp_path: Path, load: Callable[..., Imported]) -> None:
    imported = load(items=(b"sku,name\na,A\n,B\n", {"columns": dict(ITEM_COLUMNS)}))
    assert rejects.write(tmp_path / "rejects.jsonl", imported.rejects) == 1
    row = json.loads((tmp_path / "rejects.jsonl").read_text())
    assert row == {"file": "items.csv", "line": 3, "column": "item_id", "value": None, "why": "is empty"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"table": "items", "path": "i.csv", "columns": {"title": "t"}}, "needs a column for item_id"),
        ({"table": "interactions", "path": "i.csv", "columns": {"user_id": "u", "item_id": "i", "tiem": "t"}, "kind": "view"}, "did you mean 'time'"),
        ({"table": "interactions", "path": "i.csv", "columns": {"user_id": "u", "item_id": "i"}}, "kind"),
        ({"table": "items", "path": "i.csv", "columns": {"item_id": "i"}, "split": {"tags": "|"}}, "split names 'tags'"),
    ],
)
def test_a_wrong_declaration_is_refused(source: dict[str, dict[str, str] | str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SourceConfig.model_validate(source)


def test_a_misspelt_key_of_a_source_gets_a_suggestion(tmp_path: Path) -> None:
    from kg.config import load_config

    (tmp_path / "reckon.toml").write_text('[[source]]\ntable = "items"\npth = "i.csv"\ncolumns = { item_id = "i" }\n')
    with pytest.raises(ConfigError):
        load_config(tmp_path, {})
