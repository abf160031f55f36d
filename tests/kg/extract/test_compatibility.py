"""Links to the item that a text names by its model number: only where exactly one item has it, and never an attribute."""

from __future__ import annotations

import polars as pl
import pytest

from kg import schema
from kg.extract.incremental import changed_facts
from kg.extract.pipeline import Extractor
from kg.graph.build import build_graph
from kg.graph.delta import Knowledge, delta, delta_of
from kg.tables import ITEM_COLUMNS, Catalog

PRINTER = ("printer", "Brother HL-L2350DW laser printer", None)


def shop(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    dicts = [{"item_id": item_id, "title": title, "description": text, "categories": ["Office"]} for item_id, title, text in rows]
    return pl.DataFrame(dicts, schema=dict(ITEM_COLUMNS))


def links(items: pl.DataFrame, language: str = "en") -> set[tuple[str, str]]:
    facts = Extractor(language).extract(items).filter(pl.col("relation") == schema.COMPATIBLE_WITH)
    return set(facts.select("item_id", "value").iter_rows())


@pytest.mark.parametrize(
    "text",
    [
        "Compatible with HL-L2350DW.",
        "Works with the black Brother HL-L2350DW and others.",
        "Fits HL-L2350DW, HL-L9999DW.",
        "For use with HL-L2350DW printers.",
        "A drum designed for the HL-L2350DW.",
    ],
)
def test_a_text_that_names_one_items_number_links_to_it(text: str) -> None:
    items = shop(PRINTER, ("toner", "Toner cartridge", text))
    assert links(items) == {("toner", "printer")}
    facts = Extractor().extract(items).filter((pl.col("item_id") == "toner") & (pl.col("extractor") == "rules"))
    assert ("has_color", "black") not in set(facts.select("relation", "value").iter_rows())
    found = facts.filter(pl.col("relation") == schema.COMPATIBLE_WITH).row(0, named=True)
    assert text[found["start"] : found["end"]] == found["surface"] == "HL-L2350DW"


@pytest.mark.parametrize(
    "text",
    [
        "Not compatible with HL-L2350DW.",
        "Doesn't work with HL-L2350DW.",
        "Works with all printers. Sold beside HL-L2350DW.",
        "Is it compatible with HL-L2350DW?",
        "Fits all models except HL-L2350DW.",
        "Compatible with HL-L2350DWX.",
        "Compatible with laser printers.",
        "Incompatible with HL-L2350DW.",
    ],
)
def test_what_is_denied_asked_or_another_number_links_nothing(text: str) -> None:
    assert links(shop(PRINTER, ("toner", "Toner cartridge", text))) == set()


def test_a_title_links_and_is_not_the_number_s_owner() -> None:
    items = shop(PRINTER, ("toner", "Toner TN-2410 for HL-L2350DW", None), ("drum", "Drum", "Works with TN-2410."))
    assert links(items) == {("toner", "printer"), ("drum", "toner")}


def test_a_number_of_two_items_links_to_neither() -> None:
    twice = ("twin", "Brother HL-L2350DW printer, refurbished", None)
    assert links(shop(PRINTER, twice, ("toner", "Toner", "Compatible with HL-L2350DW."))) == set()


def test_chinese_texts_link_too() -> None:
    assert links(shop(PRINTER, ("toner", "硒鼓", "兼容HL-L2350DW打印机。")), "zh") == {("toner", "printer")}
    assert links(shop(PRINTER, ("toner", "硒鼓", "不兼容HL-L2350DW打印机。")), "zh") == set()


def test_the_link_is_an_edge_between_items_and_a_path_of_the_score() -> None:
    items = shop(PRINTER, ("toner", "Toner", "Fits HL-L2350DW."))
    edges = build_graph(Catalog(items), Extractor().extract(items)).edges
    edge_type = ("item", "compatible_with", "item")
    assert edges[edge_type].select("source", "target").rows() == [("toner", "printer")]
    assert schema.family(edge_type) == "item_item"
    alone = items.filter(item_id="toner")
    assert edge_type not in build_graph(Catalog(alone), Extractor().extract(alone, catalog=items)).edges


@pytest.mark.parametrize("reverse", [False, True])
def test_an_item_that_comes_or_goes_changes_links_as_a_whole_rebuild_would(reverse: bool) -> None:
    without = shop(("toner", "Toner", "Fits HL-L2350DW."), ("other", "Desk lamp", None))
    states = [without, shop(PRINTER, ("toner", "Toner", "Fits HL-L2350DW."), ("other", "Desk lamp", None))]
    before, after = reversed(states) if reverse else states
    extractor = Extractor()
    old = extractor.extract(before)
    changed = changed_facts(extractor, old, before, after, ["printer"])
    new = changed.attributes.sort("item_id", "relation", "value")
    assert new.equals(extractor.extract(after))
    knowledge = [Knowledge(Catalog(items), facts) for items, facts in ((before, old), (after, new))]
    found = delta_of(knowledge[0], knowledge[1], {"printer", *changed.item_ids})
    whole = delta(knowledge[0].tables(), knowledge[1].tables())
    assert {k: v.rows() for k, v in found.edges.items()} == {k: v.rows() for k, v in whole.edges.items()}
    assert {k: v.rows() for k, v in found.gone_edges.items()} == {k: v.rows() for k, v in whole.gone_edges.items()}
