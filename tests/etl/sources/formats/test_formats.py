"""The formats that we know: one contract over all of them, what each means, and the files that must be refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.settings import SourceConfig
from etl.sources.importer import Imported, import_sources
from etl.sources.importers import IMPORTERS
from etl.sources.text import streams
from kg.errors import InputError

GMC_XML = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title><link>https://example.org</link>
<item><g:id>1</g:id><title>Green tea &amp; mint</title><g:description>Fresh.</g:description><g:brand>Leafy</g:brand><g:price>15.00 USD</g:price>
<g:availability>in_stock</g:availability><g:product_type>Drinks &gt; Tea</g:product_type>
<g:google_product_category>Food &gt; Tea</g:google_product_category>
<g:color>Green/White</g:color><g:gtin>4006381333931</g:gtin><g:shipping><g:price>4.00 USD</g:price></g:shipping>
<g:product_detail><g:section_name>General</g:section_name>
<g:attribute_name>Caffeine free</g:attribute_name><g:attribute_value>No</g:attribute_value></g:product_detail></item>
<item><g:id>2</g:id><g:title>Mug</g:title><title>other</title><g:brand>Potter</g:brand>
<g:price>12.50 USD</g:price><g:sale_price>9.99 USD</g:sale_price>
<g:availability>out of stock</g:availability></item>
</channel></rss>
"""
GMC_ATOM = """<?xml version="1.0" encoding="iso-8859-1"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>
<entry><id>tag:ignored</id><g:id>1</g:id><title>Th\xe9 vert</title><summary>Fresh.</summary><g:price>15 EUR</g:price></entry></feed>
"""
GMC_TEXT = (
    "id\ttitle\tdescription\tbrand\tprice\tsale price\tavailability\tproduct type\tgoogle product category\tcolor\tgtin\n"
    "1\tGreen tea & mint\tFresh.\tLeafy\t15.00 USD\t\tin_stock\tDrinks > Tea\tFood > Tea\tGreen/White\t4006381333931\n"
    "2\tMug\t\tPotter\t12.50 USD\t9.99 USD\tout of stock\t\t\t\t\n"
)


def event(name: str, **more: Any) -> dict[str, Any]:
    """Return a GA4 event about item 1."""
    items = [{"item_id": "1", "item_name": "Green tea", "item_brand": "Leafy", "item_category": "Drinks", "item_category2": "Tea", "price": 15.0}]
    return {"event_name": name, "event_timestamp": 1714557600000000, "user_pseudo_id": "p.1", "items": items, **more}


GA4 = [
    event("view_item"),
    event("add_to_cart", user_id="u", event_timestamp="1714557601000000"),
    event(
        "purchase", user_id="u", ecommerce={"transaction_id": "T1"}, items=[{"item_id": "1", "quantity": "2"}, {"item_id": "2", "item_name": "Mug"}]
    ),
    event("view_search_results"),
    event("view_search_results", items=[]),
    event("page_view", items=None),
    event("begin_checkout"),
]
GORSE_ITEMS: list[dict[str, Any]] = [
    {
        **{"ItemId": "1", "IsHidden": False, "Categories": ["Drinks", "Tea"], "Timestamp": "0001-01-01T00:00:00Z", "Comment": "Green tea"},
        "Labels": {"brand": "Leafy", "color": ["green"], "price_cents": 1500, "embedding": [0.1] * 32},
    },
    {"ItemId": "2", "IsHidden": True, "Categories": None, "Labels": ["new", "hot"], "Comment": "Mug"},
]
GORSE_USERS: list[dict[str, Any]] = [{"UserId": "u", "Labels": {"age": ["20-30"]}, "Comment": ""}, {"UserId": "v", "Labels": None}]
GORSE_FEEDBACK: list[dict[str, Any]] = [
    {"FeedbackType": "purchase", "UserId": "u", "ItemId": "1", "Timestamp": "2024-05-01T10:00:00Z", "Comment": ""},
    {"FeedbackType": "Add to cart", "UserId": "v", "ItemId": "2", "Timestamp": "0001-01-01T00:00:00Z"},
]
RECBOLE = {
    "s.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu\t1\t4\t1714557600\nv\t2\t3.5\t1714557601\n",
    "s.item": "item_id:token\ttitle:token_seq\tclass:token_seq\tyear:token\tsize:float\n"
    '1\tGreen "tea"\tDrinks Hot\N{NO-BREAK SPACE}tea\t1999\t3\n2\tMug\t\t\t\n',
    "s.user": "user_id:token\tage:token\nu\t20\nv\t\n",
    "s.kg": "head_id:token\trelation_id:token\ttail_id:token\nm.1\tfilm.film.actor\tm.9\nm.2\tgenre\tm.8\nm.9\tborn_in\tm.7\n",
    "s.link": "item_id:token\tentity_id:token\n1\tm.1\n2\tm.2\n",
}
ITEMS_CSV = "id,title\n1,Green tea\n2,Mug\n"


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def load(folder: Path, files: dict[str, str | bytes], *sources: dict[str, Any]) -> Imported:
    """Write files, gzipped where they are called so, and import sources."""
    for name, text in files.items():
        data = text.encode() if isinstance(text, str) else text
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") and isinstance(text, str) else data)
    return import_sources(folder, [SourceConfig.model_validate(source) for source in sources])


ITEMS = {"table": "items", "path": "items.csv", "columns": {"item_id": "id", "title": "title"}}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(("name", "text"), [("feed.xml", GMC_XML), ("feed.txt", GMC_TEXT)])
def test_a_product_feed_needs_no_mapping(tmp_path: Path, name: str, text: Any, suffix: str) -> None:
    imported = load(tmp_path, {name + suffix: text}, {"table": "items", "path": name + suffix, "format": "gmc"})
    items = imported.catalog.items
    assert items["item_id"].to_list() == ["1", "2"]
    assert items["title"].to_list() == ["Green tea & mint", "Mug"]
    assert items["price_cents"].to_list() == [1500, 999]
    assert items["available"].to_list() == [True, False]
    assert items["categories"].to_list() == [["Drinks", "Tea", "Food"], []]
    assert items["color"].to_list() == [["Green", "White"], []]
    assert items["gtin"].to_list() == [["4006381333931"], []]
    assert imported.n_rejected == 0
    if name == "feed.xml":
        assert items["caffeine_free"].to_list() == [["No"], []]


def test_an_atom_feed_in_another_encoding(tmp_path: Path) -> None:
    imported = load(tmp_path, {"feed.xml": GMC_ATOM.encode("latin-1")}, {"table": "items", "path": "feed.xml"})
    assert imported.catalog.items.select("item_id", "title", "description", "price_cents").rows() == [("1", "Thé vert", "Fresh.", 1500)]


def test_columns_of_a_known_format_can_be_changed(tmp_path: Path) -> None:
    columns = {"price": "price", "gtin": "", "shade": "color"}
    items = load(tmp_path, {"feed.xml": GMC_XML}, {"table": "items", "path": "feed.xml", "columns": columns}).catalog.items
    assert items["price_cents"].to_list() == [1500, 1250]
    assert items["shade"].to_list() == [["Green/White"], []]
    assert "gtin" not in items.columns


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_ga4_events_and_their_items(tmp_path: Path, suffix: str) -> None:
    path = f"events.jsonl{suffix}"
    imported = load(
        tmp_path, {path: lines(GA4)}, {"table": "items", "path": path, "format": "ga4"}, {"table": "interactions", "path": path, "format": "ga4"}
    )
    events = imported.catalog.interactions
    assert events.select("user_id", "item_id", "kind", "time", "quantity").rows() == [
        ("p.1", "1", "view", 1714557600.0, 1.0),
        ("u", "1", "cart", 1714557601.0, 1.0),
        ("u", "1", "purchase", 1714557600.0, 2.0),
        ("u", "2", "purchase", 1714557600.0, 1.0),
        ("p.1", "1", "search", 1714557600.0, 1.0),
    ]
    assert imported.catalog.items.select("item_id", "title", "brand", "categories").rows() == [
        ("1", "Green tea", "Leafy", ["Drinks", "Tea"]),
        ("2", "Mug", None, []),
    ]
    counts = imported.counts[f"{path} (interactions)"]
    assert (counts.rows, counts.good, counts.empty, counts.rejected) == (8, 5, 3, 0)
    counts = imported.counts[path]
    assert counts.rows == counts.good + counts.empty == 8


def test_ga4_counts_prices_by_piece(tmp_path: Path) -> None:
    items = [
        {"item_id": "1", "quantity": 3, "price": 19.99},
        {"item_id": "2", "quantity": "2", "price": "4.50", "item_revenue": 8.1},
        {"item_id": "3", "price": 7},
        {"item_id": "4", "quantity": 2},
    ]
    path = "events.jsonl"
    imported = load(
        tmp_path,
        {path: lines([event("purchase", user_id="u", items=items)])},
        {"table": "items", "path": path, "format": "ga4"},
        {"table": "interactions", "path": path, "format": "ga4"},
    )
    assert imported.catalog.interactions.sort("item_id").select("item_id", "quantity", "price_cents").rows() == [
        ("1", 3.0, 5997),
        ("2", 2.0, 810),
        ("3", 1.0, 700),
        ("4", 2.0, None),
    ]
    assert imported.catalog.items.sort("item_id")["price_cents"].to_list() == [1999, 450, 700, None]


def test_gorse_bulk_files(tmp_path: Path) -> None:
    imported = load(
        tmp_path,
        {"items.jsonl": lines(GORSE_ITEMS), "users.jsonl": lines(GORSE_USERS), "feedback.jsonl": lines(GORSE_FEEDBACK)},
        {"table": "items", "path": "items.jsonl", "format": "gorse"},
        {"table": "users", "path": "users.jsonl", "format": "gorse"},
        {"table": "interactions", "path": "feedback.jsonl", "format": "gorse"},
    )
    items = imported.catalog.items
    assert items.select("item_id", "title", "brand", "price_cents", "available").rows() == [
        ("1", "Green tea", "Leafy", 1500, True),
        ("2", "Mug", None, None, False),
    ]
    assert items["color"].to_list() == [["green"], []]
    assert items["label"].to_list() == [[], ["new", "hot"]]
    assert "embedding" not in items.columns
    assert imported.catalog.users["age"].to_list() == [["20-30"], []]
    assert imported.catalog.interactions.select("kind", "time").rows() == [("purchase", 1714557600.0), ("add_to_cart", None)]


def test_recbole_atomic_files(tmp_path: Path) -> None:
    imported = load(
        tmp_path,
        dict(RECBOLE),
        {"table": "items", "path": "s.item"},
        {"table": "interactions", "path": "s.inter"},
        {"table": "users", "path": "s.user"},
        {"table": "triples", "path": "s.kg", "link": "s.link"},
    )
    items = imported.catalog.items
    assert items["title"].to_list() == ['Green "tea"', "Mug"]
    assert items["categories"].to_list() == [["Drinks", "Hot tea"], []]
    assert items["year"].to_list() == [["1999"], []]
    assert imported.catalog.interactions.select("user_id", "kind", "rating", "time").rows() == [
        ("u", "rating", 4.0, 1714557600.0),
        ("v", "rating", 3.5, 1714557601.0),
    ]
    assert imported.catalog.triples.rows() == [
        ("item", "1", "film_film_actor", "entity", "m.9"),
        ("item", "2", "genre", "entity", "m.8"),
        ("entity", "m.9", "born_in", "entity", "m.7"),
    ]


def test_bare_triples_with_a_link_file_in_any_format(tmp_path: Path) -> None:
    imported = load(
        tmp_path,
        {"items.csv": ITEMS_CSV, "t.csv": "h,r,t\nE1,made_by,E7\nE1,made_by,maker:Acme\nE2,like,E1\n", "l.csv": "item,entity\n1,E1\n2,E2\n"},
        ITEMS,
        {
            **{"table": "triples", "path": "t.csv", "columns": {"head": "h", "relation": "r", "tail": "t"}, "entity_type": "thing"},
            **{"link": "l.csv", "link_columns": {"item_id": "item", "entity_id": "entity"}},
        },
    )
    assert imported.catalog.triples.rows() == [
        ("item", "1", "made_by", "thing", "E7"),
        ("item", "1", "made_by", "maker", "Acme"),
        ("item", "2", "like", "item", "1"),
    ]


def test_attributes_in_a_json_column(tmp_path: Path) -> None:
    cells = ['{"attr_t_colour": "Red", "attr_n_weight": 2.0, "attr_b_wireless": true}', '{"attr_t_colour": ["Red", "Blue"], "Brand": "x"}', "", "{no"]
    pl.DataFrame({"id": ["1", "2", "3", "4"], "more": cells}).write_parquet(tmp_path / "i.parquet")
    source = {"table": "items", "path": "i.parquet", "columns": {"item_id": "id"}, "attributes_json": "more"}
    imported = load(tmp_path, {}, source)
    items = imported.catalog.items
    assert items["colour"].to_list() == [["Red"], ["Red", "Blue"], []]
    assert items["weight"].to_list() == [["2"], [], []]
    assert items["wireless"].to_list() == [["yes"], [], []]
    assert items["brand_attribute"].to_list() == [[], ["x"], []]
    assert pl.concat(imported.rejects).select("line", "column", "why").rows() == [(4, "more", "is not a JSON object")]
    limited = load(tmp_path, {}, {**source, "attributes_limit": 1}).catalog.items
    assert "colour" in limited.columns
    assert "weight" not in limited.columns


def test_a_transaction_file_serves_as_the_catalogue(tmp_path: Path) -> None:
    text = "code,name,cost\na,,1\na,Tea,2\nb,Mug,3\na,Green tea,2\na,Green tea,2\n"
    source = {"table": "items", "path": "t.csv", "columns": {"item_id": "code", "title": "name", "price": "cost"}}
    first = load(tmp_path, {"t.csv": text}, {**source, "repeated": "first"})
    assert first.catalog.items.select("item_id", "title", "price_cents").rows() == [("a", "Tea", 100), ("b", "Mug", 300)]
    common = load(tmp_path, {"t.csv": text}, {**source, "repeated": "common"})
    assert common.catalog.items.select("item_id", "title", "price_cents").rows() == [("a", "Green tea", 200), ("b", "Mug", 300)]
    counts = first.counts["t.csv"]
    assert (counts.rows, counts.good, counts.empty, counts.rejected) == (5, 2, 3, 0)


@pytest.mark.parametrize(
    ("written", "cents"),
    [("15.00 USD", 1500), ("£2.55", 255), ("EUR 1.234,50", 123450), ("1,234.5", 123450), ("2.500 KWD", 250), ("1'000 CHF", 100000), ("3", 300)],
)
def test_amounts_of_money(tmp_path: Path, written: str, cents: int) -> None:
    imported = load(
        tmp_path, {"i.tsv": f"id\tcost\na\t{written}\n"}, {"table": "items", "path": "i.tsv", "columns": {"item_id": "id", "price": "cost"}}
    )
    assert imported.catalog.items["price_cents"].to_list() == [cents]


def test_latin1_is_found_out(tmp_path: Path) -> None:
    data = "id,title\n1,Tea\n2,Café crème\n".encode("latin-1")
    assert load(tmp_path, {"items.csv": data}, ITEMS).catalog.items["title"].to_list() == ["Tea", "Café crème"]
    assert load(tmp_path, {"items.csv": data}, {**ITEMS, "encoding": "latin-1"}).n_rejected == 0
    assert load(tmp_path, {"items.csv": data}, {**ITEMS, "encoding": "utf-8"}).n_rejected == 1


def test_mixed_encodings_cost_the_lines_that_are_not_utf8(tmp_path: Path) -> None:
    data = b"id,title\n1,Tea\n2,Caf\xe9\n" + "3,Crème\n".encode()
    imported = load(tmp_path, {"items.csv": data}, ITEMS)
    assert imported.catalog.items["item_id"].to_list() == ["1", "3"]
    assert pl.concat(imported.rejects)["line"].to_list() == [3]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert load(tmp_path, {"items.csv": ITEMS_CSV.encode("utf-8-sig")}, ITEMS).catalog.items["item_id"].to_list() == ["1", "2"]


def test_a_header_repeated_further_down_is_refused(tmp_path: Path) -> None:
    imported = load(tmp_path, {"items.csv": ITEMS_CSV + "id,title\n3,Pot\n"}, ITEMS)
    assert imported.catalog.items["item_id"].to_list() == ["1", "2", "3"]
    assert pl.concat(imported.rejects).select("line", "why").rows() == [(4, "repeats the header")]


SAMPLES: dict[str, tuple[dict[str, Any], str]] = {
    "items.csv": (ITEMS, ITEMS_CSV),
    "items.tsv": ({**ITEMS, "path": "items.tsv"}, ITEMS_CSV.replace(",", "\t")),
    "items.jsonl": ({**ITEMS, "path": "items.jsonl"}, lines([{"id": "1", "title": "Green tea"}])),
    "feed.xml": ({"table": "items", "path": "feed.xml"}, GMC_XML),
    "feed.txt": ({"table": "items", "path": "feed.txt", "format": "gmc"}, GMC_TEXT),
    "ga4.jsonl": ({"table": "items", "path": "ga4.jsonl", "format": "ga4"}, lines(GA4)),
    "gorse.jsonl": ({"table": "items", "path": "gorse.jsonl", "format": "gorse"}, lines(GORSE_ITEMS)),
    "s.item": ({"table": "items", "path": "s.item"}, RECBOLE["s.item"]),
}
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<rss xmlns:g="http://base.google.com/ns/1.0"><channel><item><g:id>&b;</g:id></item></channel></rss>'
)
OUTSIDE = BOMB.replace('[<!ENTITY a "aaaaaaaaaa">', '[<!ENTITY a SYSTEM "file:///etc/passwd">')


def refused(folder: Path, name: str, data: bytes, source: dict[str, Any]) -> str:
    """Return the one-line error of a file that must be refused."""
    (folder / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        import_sources(folder, [SourceConfig.model_validate({**source, "path": name})])
    assert name in caught.value.message
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    return caught.value.message


@pytest.mark.parametrize("name", SAMPLES)
def test_every_reader_refuses_the_same_bad_files(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, text = SAMPLES[name]
    source = {**source, "format": SourceConfig.model_validate(source).file_format}
    packed = gzip.compress(text.encode() * 50)
    assert "damaged gzip" in refused(tmp_path, f"cut-{name}.gz", packed[: len(packed) // 2], source)
    assert "is not a gzip file" in refused(tmp_path, f"plain-{name}.gz", text.encode(), source)
    assert "is a gzip file" in refused(tmp_path, f"packed-{name}", packed, source)
    assert "UTF-16" in refused(tmp_path, f"utf16-{name}", text.encode("utf-16"), source)
    assert "Excel" in refused(tmp_path, f"zip-{name}", b"PK\x03\x04" + bytes(100), source)
    long = text.replace("Fresh.", "x" * 200_000) if name.endswith(".xml") else text + "x" * 5000
    assert "has a" in refused(tmp_path, f"long-{name}", long.encode(), {**source, "max_line_mb": 4000 / 2**20})
    monkeypatch.setattr(streams, "_RATIO_FROM", 1 << 16)
    bomb = refused(tmp_path, f"bomb-{name}.gz", gzip.compress(text.encode() + b"\n" + b"x\n" * (1 << 20)), source)
    assert "bomb" in bomb or "well-formed" in bomb


def test_a_generated_line_of_a_gigabyte_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is never written: its gzip members repeat, and reading stops at the bound."""
    monkeypatch.setattr(streams, "MAX_RATIO", 10_000)
    member = gzip.compress(bytes([120]) * (1 << 20))
    message = refused(tmp_path, "i.csv.gz", gzip.compress(b"id,title\n") + member * 1024, ITEMS)
    assert "a line of more than 16 MiB after line 1" in message


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("bomb.xml", BOMB, "declares a document type or entities"),
        ("outside.xml", OUTSIDE, "declares a document type or entities"),
        ("cut.xml", GMC_XML[:-40], "not well-formed XML"),
        ("none.xml", "<rss><channel><title>x</title></channel></rss>", "holds no product"),
        ("typo.xml", GMC_XML.replace("g:id>", "g:code>"), "has no column 'id'"),
        ("typo.txt", GMC_TEXT.replace("id\t", "code\t", 1), "has no column 'id'"),
        ("comma.txt", GMC_TEXT.replace("\t", ","), "separates its cells by commas"),
        ("untyped.item", "item_id\ttitle\n1\tA\n", "has no type"),
        ("spaces.item", "item_id:token title:token\n1 A\n", "has no type"),
        ("noid.item", "product:token\ttitle:token\n1\tA\n", "has no column for item_id"),
        ("other.ga4.jsonl", lines(GORSE_ITEMS), "holds no GA4 event"),
        ("other.gorse.jsonl", lines(GA4), "holds none of Gorse's objects"),
    ],
)
def test_what_is_not_of_its_format_is_refused(tmp_path: Path, name: str, text: Any, says: str) -> None:
    formats = {"txt": "gmc", "xml": "gmc", "item": "recbole", "jsonl": name.split(".")[1]}
    assert says in refused(tmp_path, name, text.encode(), {"table": "items", "format": formats[name.rpartition(".")[2]]})


def test_bad_records_of_known_formats_cost_themselves_only(tmp_path: Path) -> None:
    bad = [{"no": "name"}, event("purchase", items=["x"]), event("purchase", event_timestamp="soon"), event("purchase", items=[{"item_name": "?"}])]
    imported = load(
        tmp_path,
        {"items.csv": ITEMS_CSV, "e.jsonl": lines([*bad, *GA4]) + "{oops\n", "feed.xml": GMC_XML.replace("<g:id>2", "<g:id>1")},
        ITEMS,
        {"table": "interactions", "path": "e.jsonl", "format": "ga4"},
    )
    assert sorted(pl.concat(imported.rejects)["line"].to_list()) == [1, 2, 3, 4, 12]
    counts = imported.counts["e.jsonl"]
    assert counts.rows == counts.good + counts.empty + counts.rejected
    repeated = load(tmp_path, {}, {"table": "items", "path": "feed.xml"})
    assert pl.concat(repeated.rejects).select("line", "why").rows() == [(9, "is repeated; the first row stays")]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"table": "users", "path": "f.xml"}, "the format 'gmc' holds no users"),
        ({"table": "items", "path": "i.csv", "columns": {"item_id": "i"}, "link": "l.csv"}, "link belongs to triples"),
        ({"table": "interactions", "path": "i.inter", "repeated": "first"}, "repeated belongs to items and users"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(source: dict[str, dict[str, str] | str] | dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SourceConfig.model_validate(source)


def test_every_known_format_is_in_the_corpus() -> None:
    assert {SourceConfig.model_validate(source).file_format for source, _ in SAMPLES.values()} >= {
        importer.name for importer in IMPORTERS if importer.tables
    }
