"""Cells as shops write them: each decides for itself, what says nothing is nothing, and what is doubtful is refused with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.clean.config import CleanConfig
from etl.export.formats.tables import write_tables
from etl.settings import SourceConfig
from etl.sources.importer import Imported, import_sources
from etl.stages import importing
from etl.stages.graph_build import changes_digest
from kg.errors import InputError
from kg.tables import GraphTables
from kg.workspace import Workspace

NOW = 1_709_647_506.0
ITEMS = {"table": "items", "path": "i.csv", "columns": {"item_id": "id", "title": "title"}}
EVENTS = {"table": "interactions", "path": "e.csv", "columns": {"user_id": "u", "item_id": "i", "time": "t"}, "kind": "purchase"}
ITEMS_CSV = "id,title\na,Pen\nb,Ink\nc,Pad\n"
XML = '<?xml version="1.0"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>{}</channel></rss>'


def load(folder: Path, files: dict[str, str | bytes], *sources: dict[str, Any], clean: CleanConfig | None = None, language: str = "en") -> Imported:
    """Import files: name → text."""
    for name, data in files.items():
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return import_sources(folder, [SourceConfig.model_validate(source) for source in sources], now=NOW, clean=clean, language=language)


def load_events(folder: Path, text: str | bytes, *, clean: CleanConfig | None = None, path: str = "e.csv", **source: Any) -> Imported:
    """Import events of a small shop."""
    return load(folder, {"i.csv": ITEMS_CSV, path: text}, ITEMS, {**EVENTS, "path": path, **source}, clean=clean)


def feed(folder: Path, *products: str, **source: Any) -> Imported:
    """Import a product feed, one text of elements each."""
    items = "".join(f"<item><g:id>{n}</g:id><g:title>T</g:title>{product}</item>" for n, product in enumerate(products, start=1))
    return load(folder, {"f.xml": XML.format(items)}, {"table": "items", "path": "f.xml", **source})


def rejects(imported: Imported) -> list[tuple[Any, ...]]:
    """Return (line, column, why) of what was refused."""
    return pl.concat(imported.rejects).select("line", "column", "why").rows() if imported.rejects else []


def lines(rows: list[dict[str, Any]]) -> str:
    """Return JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_repeated_element_changes_nothing_for_other_products(tmp_path: Path) -> None:
    one = "<g:product_type>Desk &gt; Pens</g:product_type><g:color>Blue/Black</g:color>"
    two = "<g:product_type>New</g:product_type><g:product_type>Desk &gt; Ink</g:product_type><g:color>Red</g:color><g:color>Blue/Green</g:color>"
    items = feed(tmp_path, one, two).items
    assert items["categories"].to_list() == [["Desk", "Pens"], ["New", "Desk", "Ink"]]
    assert items["color"].to_list() == [["Blue", "Black"], ["Red", "Blue", "Green"]]


def test_lists_and_texts_are_split_each_by_itself(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "c": "a|b"},
        {"id": 2, "c": ["x|y", "z"]},
        {"id": 3, "c": '["p", "q|r"]'},
        {"id": 4, "c": []},
        {"id": 5, "c": "[]"},
    ]
    source = {"table": "items", "path": "i.jsonl", "columns": {"item_id": "id", "categories": "c"}, "split": {"categories": "|"}}
    items = load(tmp_path, {"i.jsonl": lines(rows)}, source).items
    assert items["categories"].to_list() == [["a", "b"], ["x", "y", "z"], ["p", "q", "r"], [], []]


def test_a_placeholder_is_one_also_where_its_own_mark_splits_values(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "c": "N/A"},
        {"id": 2, "c": ["#N/A", "ink/felt"]},
        {"id": 3, "c": " n/d "},
        {"id": 4, "c": "(not set)/wool"},
    ]
    source = {"table": "items", "path": "i.jsonl", "columns": {"item_id": "id", "material": "c"}, "split": {"material": "/"}}
    items = load(tmp_path, {"i.jsonl": lines(rows)}, source).items
    assert items["material"].to_list() == [[], ["ink", "felt"], [], ["wool"]]


def test_the_category_that_a_shop_system_sets_by_itself_is_none(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": 1, "c": "Root Catalog|Default Category|Pens"}, {"id": 2, "c": "Default"}]
    source = {"table": "items", "path": "i.jsonl", "columns": {"item_id": "id", "categories": "c"}, "split": {"categories": "|"}}
    assert load(tmp_path, {"i.jsonl": lines(rows)}, source).items["categories"].to_list() == [["Pens"], []]


def test_prices_are_read_by_the_whole_file_and_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.sources.text.blocks.blocks.__defaults__", (24,))
    text = "id,p\n1,2.450 EUR\n2,7 EUR\n3,8 EUR\n4,9 EUR\n" + '5,"2.450,00 EUR"\n'
    imported = load(tmp_path, {"i.csv": text}, {"table": "items", "path": "i.csv", "columns": {"item_id": "id", "price": "p"}})
    assert imported.items["price_cents"].to_list() == [245000, 700, 800, 900, 245000]
    assert any("decimal mark" in note for note in imported.details["i.csv"].notes)


def test_numbers_of_json_have_a_point(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "p": 2.450},
        {"id": 2, "p": "2.451"},
        {"id": 3, "p": [7.5]},
        {"id": 4, "p": [7, 8]},
        {"id": 5, "p": "N/A"},
    ]
    imported = load(tmp_path, {"i.jsonl": lines(rows)}, {"table": "items", "path": "i.jsonl", "columns": {"item_id": "id", "price": "p"}})
    assert imported.items["price_cents"].to_list() == [245, 245, 750, None]
    assert rejects(imported) == [(4, "price", "holds more than one number; write one")]


@pytest.mark.parametrize(
    ("sale", "dates", "cents"),
    [
        ("7.50 USD", "", 750),
        ("0 USD", "", 1000),
        ("12 USD", "", 1000),
        ("7.50 USD", "2024-03-01T00:00Z/2024-03-31T00:00Z", 750),
        ("7.50 USD", "2024-02-01T00:00Z/2024-02-28T00:00Z", 1000),
        ("7.50 USD", "2024-04-01T00:00+0100/2024-04-28T00:00+0100", 1000),
        ("7.50 USD", "next week", 1000),
    ],
)
def test_a_sale_price_counts_while_it_holds(tmp_path: Path, sale: str, dates: str, cents: int) -> None:
    product = f"<g:price>10.00 USD</g:price><g:sale_price>{sale}</g:sale_price><g:sale_price_effective_date>{dates}</g:sale_price_effective_date>"
    assert feed(tmp_path, product).items["price_cents"].to_list() == [cents]


def test_google_numbers_are_categories_only_by_name(tmp_path: Path) -> None:
    product = "<g:product_type>Pens</g:product_type><g:google_product_category>977</g:google_product_category>"
    imported = feed(tmp_path, product)
    assert imported.items["categories"].to_list() == [["Pens"]]
    assert any("taxonomy" in note for note in imported.details["f.xml"].notes)
    (tmp_path / "t.txt").write_text("# Google_Product_Taxonomy_Version\n922 - Office\n977 - Office > Pens & Ink\n")
    assert feed(tmp_path, product, taxonomy="t.txt").items["categories"].to_list() == [["Pens", "Office", "Pens & Ink"]]
    (tmp_path / "t.txt").write_text("Office > Pens\n")
    with pytest.raises(InputError, match="taxonomy-with-ids"):
        feed(tmp_path, product, taxonomy="t.txt")


def test_placeholders_are_nothing_in_every_column(tmp_path: Path) -> None:
    text = "id,title,brand,size,cat,p,s\n1,N/A,null,Default Title,0,NULL,\u200b\n2,Pen,Nib,M,Pens,7.5,yes\nNULL,Ink,Nib,S,Ink,7,yes\n"
    columns = {"item_id": "id", "title": "title", "brand": "brand", "size": "size", "categories": "cat", "price": "p", "available": "s"}
    imported = load(tmp_path, {"i.csv": text}, {"table": "items", "path": "i.csv", "columns": columns})
    assert imported.items.row(0) == ("1", None, None, None, [], None, None, [])
    assert imported.items.row(1) == ("2", "Pen", None, "Nib", ["Pens"], 750, True, ["M"])
    assert rejects(imported) == [(4, "item_id", "is a placeholder, not an id")]


@pytest.mark.parametrize("written", ["NULL", "nan", "None", "N/A", "undefined", "(not set)", "\u200b", " - ", ""])
def test_a_placeholder_is_no_user(tmp_path: Path, written: str) -> None:
    imported = load_events(tmp_path, f"u,i,t\n{written},a,2024-01-02\nana,b,2024-01-02\n")
    assert imported.catalog.interactions["user_id"].to_list() == ["ana"]
    assert imported.details["e.csv"].flags == {"no_user": 1}


def test_a_guest_with_the_events_of_many_is_a_shared_user(tmp_path: Path) -> None:
    rows = [f"guest,{'abc'[n % 3]},2024-01-02T10:{n // 60:02}:{n % 60:02}" for n in range(80)] + [f"u{n},a,2024-01-02T11:00:00" for n in range(9)]
    imported = load_events(tmp_path, "u,i,t\n" + "\n".join([*rows, "0,b,2024-01-02T11:00:00"]) + "\n")
    assert imported.details["e.csv"].flags == {"shared_user": 80}
    assert set(imported.catalog.interactions["user_id"]) == {*(f"u{n}" for n in range(9)), "0"}
    kept = load_events(tmp_path, "u,i,t\n" + "\n".join(rows) + "\n", clean=CleanConfig(shared_user_events=0))
    assert kept.catalog.interactions.height == 89


def test_ids_are_composed_and_bounded_in_every_table(tmp_path: Path) -> None:
    items = "id,title\nCafe\u0301,Tea\n" + "x" * 513 + ",Long\nb\x07,Bell\n"
    imported = load(tmp_path, {"i.csv": items, "e.csv": "u,i,t\nZoe\u0301,Caf\u00e9,2024-01-02\n"}, ITEMS, EVENTS)
    assert imported.items["item_id"].to_list() == ["Caf\u00e9"]
    assert imported.catalog.interactions.select("user_id", "item_id").rows() == [("Zo\u00e9", "Caf\u00e9")]
    assert [(line, column) for line, column, _ in rejects(imported)] == [(3, "item_id"), (4, "item_id")]
    assert "control character U+0007" in str(rejects(imported)[1][2])


def test_a_text_in_several_languages_is_one_text(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "t": {"de": "Stift", "en": "Pen"}, "d": ["Soft.", "Writes well."]},
        {"id": 2, "t": '{"fr": "Encre"}', "d": '["Not dry.", "Black."]'},
        {"id": 3, "t": [{"language_tag": "en_GB", "value": "Pad"}], "d": "['One', 'Two']"},
        {"id": 4, "t": {"size": "L"}, "d": "[sale] cheap"},
    ]
    source = {"table": "items", "path": "i.jsonl", "columns": {"item_id": "id", "title": "t", "description": "d"}}
    imported = load(tmp_path, {"i.jsonl": lines(rows)}, source, language="de")
    assert imported.items["title"].to_list() == ["Stift", "Encre", "Pad"]
    assert imported.items["description"].to_list() == ["Soft.\nWrites well.", "Not dry.\nBlack.", "One\nTwo"]
    assert rejects(imported)[0][:2] == (4, "title")


@pytest.mark.parametrize("text", ["u,i\rana,a\rbo,b\r", "u,i\rana,a\rbo,b", 'u,i\rana,"a"\rbo,b\r\n', "u,i\r\nana,a\r\nbo,b\r\n"])
def test_line_ends_of_all_times_are_read(tmp_path: Path, text: str) -> None:
    imported = load_events(tmp_path, text, columns={"user_id": "u", "item_id": "i"})
    assert imported.catalog.interactions.select("user_id", "item_id").rows() == [("ana", "a"), ("bo", "b")]


def test_a_nul_byte_costs_its_row(tmp_path: Path) -> None:
    data = b"u,i,t\n" + b"ana,a,2024-01-02\n" * 3 + b'bo,"b\0",2024-01-03\ncy,\0c,2024-01-04\ndi,c,2024-01-05\n'
    imported = load_events(tmp_path, data, clean=CleanConfig(duplicates=False))
    assert imported.catalog.interactions["user_id"].to_list() == ["ana"] * 3 + ["di"]
    assert [(line, "NUL" in str(why)) for line, _, why in rejects(imported)] == [(5, True), (6, True)]


@pytest.mark.parametrize(
    ("row", "more"),
    [
        ('ana,"[""a"", ""b"", ""c""]"', {}),
        ("ana,\"['a', 'b', 'c']\"", {}),
        ("ana,[a b c]", {}),
        ("ana,\"('a', 'b', 'c')\"", {}),
        ("ana,a b c", {"split": {"item_id": " "}}),
        ("ana,a|b|c", {"split": {"item_id": "|"}}),
    ],
)
def test_a_history_in_one_cell_is_one_event_each(tmp_path: Path, row: str, more: dict[str, Any]) -> None:
    imported = load_events(tmp_path, f"u,i\n{row}\n", columns={"user_id": "u", "item_id": "i"}, **more)
    assert imported.catalog.interactions.select("item_id", "time").rows() == [("a", 1.0), ("b", 2.0), ("c", 3.0)]
    counts = imported.counts["e.csv"]
    assert counts.rows == counts.good == 3


def test_histories_of_json_and_parquet(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"u": "ana", "i": ["a", "b"], "t": [AT, AT + 1]},
        {"u": "bo", "i": [], "t": []},
        {"u": "cy", "i": ["a", "b"], "t": [1]},
    ]
    for path, data in (("e.jsonl", lines(rows)), ("e.parquet", b"")):
        if not data:
            pl.DataFrame(rows, strict=False).write_parquet(tmp_path / path)
            data = (tmp_path / path).read_bytes()
        imported = load_events(tmp_path, data, path=path)
        assert imported.catalog.interactions.select("user_id", "item_id", "time").rows() == [("ana", "a", AT), ("ana", "b", AT + 1)]
        assert imported.details[path].empty == {"holds an empty list of items": 1}
        assert [why for _, _, why in rejects(imported)] == ["holds lists of different lengths"]


AT = 1_704_189_600.0


def test_a_cell_that_names_several_known_items_is_refused_with_advice(tmp_path: Path) -> None:
    imported = load_events(tmp_path, "u,i,t\nana,a b,2024-01-02\nbo,b,2024-01-02\ncy,nix,2024-01-02\n")
    whys = [str(why) for _, _, why in rejects(imported)]
    assert whys == ['holds 2 items of the catalogue; write `split = { item_id = " " }` in its [[source]]', "is not an item of the catalogue"]


def test_an_item_has_one_id(tmp_path: Path) -> None:
    source = {"table": "items", "path": "i.jsonl", "columns": {"item_id": "id"}}
    imported = load(tmp_path, {"i.jsonl": lines([{"id": ["1", "2"]}, {"id": ["3"]}, {"id": 4}])}, source)
    assert imported.items["item_id"].to_list() == ["3", "4"]
    assert rejects(imported) == [(1, "item_id", "holds a list of ids; write one a row")]


def test_an_empty_log_of_changes_says_what_no_log_says(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    before = changes_digest(workspace)
    workspace.changes.parent.mkdir(parents=True, exist_ok=True)
    workspace.changes.write_bytes(b"")
    assert changes_digest(workspace) == before
    workspace.changes.write_bytes(b'{"op": "delete_item", "item_id": "1"}\n')
    assert changes_digest(workspace) != before


def test_a_purchase_that_is_sent_again_is_one(tmp_path: Path) -> None:
    text = "u,i,t,o\nana,a,2024-01-02T10:00:00,7\nana,a,2024-01-02T10:00:04,7\nana,b,2024-01-02T10:00:04,7\nana,a,2024-01-02T10:09:00,8\n"
    columns = {"user_id": "u", "item_id": "i", "time": "t", "order": "o"}
    assert load_events(tmp_path, text, columns=columns).details["e.csv"].flags == {"duplicate": 1}
    columns = {"user_id": "u", "item_id": "i", "time": "t", "event_id": "o"}
    later = text + "bo,a,2024-01-05,7\n"
    assert load_events(tmp_path, later, columns=columns).details["e.csv"].flags == {"duplicate": 2}


def test_a_page_that_is_loaded_again_is_one_purchase_in_ga4(tmp_path: Path) -> None:
    def event(at: int, **item: Any) -> dict[str, Any]:
        items = [{"item_id": "a", "price": 2.5, "quantity": 1, **item}]
        return {
            **{"event_name": "purchase", "event_timestamp": at * 1_000_000, "user_pseudo_id": "p", "items": items},
            "ecommerce": {"transaction_id": "T7"},
        }

    text = lines([event(1_704_189_600), event(1_704_193_200), event(1_704_193_200, item_variant="red")])
    source = {"table": "interactions", "path": "e.jsonl", "format": "ga4"}
    imported = load(tmp_path, {"i.csv": ITEMS_CSV, "e.jsonl": text}, ITEMS, source)
    assert imported.details["e.jsonl"].flags == {"duplicate": 1}


@pytest.mark.parametrize(("path", "text"), [("e.csv", "u,i,t\n"), ("e.jsonl", ""), ("e.tsv", "u\ti\tt\n")])
def test_events_may_be_yet_to_come(tmp_path: Path, path: str, text: str) -> None:
    imported = load_events(tmp_path, text, path=path)
    assert imported.catalog.interactions.height == 0
    assert imported.counts[path].rows == 0


def test_a_link_in_the_workspace_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "rejects.jsonl").symlink_to(tmp_path / "precious")
    (tmp_path / "new").write_text("theirs")
    importing.replace_file(tmp_path / "new", tmp_path / "rejects.jsonl")
    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "rejects.jsonl").read_text() == "theirs"
    assert not (tmp_path / "rejects.jsonl").is_symlink()


def test_formulas_are_escaped_where_it_is_asked(tmp_path: Path) -> None:
    nodes = {"item": pl.DataFrame({"key": ["=1+1", "a", "-2", "@x", "b-c"]})}
    for escape, first in ((False, ["=1+1", "a", "-2", "@x", "b-c"]), (True, ["'=1+1", "a", "'-2", "'@x", "b-c"])):
        folder = tmp_path / str(escape)
        folder.mkdir()
        write_tables(GraphTables(nodes, {}), folder, escape_formulas=escape)
        assert pl.read_csv(folder / "nodes" / "item.csv")["key"].to_list() == first
