"""Corrections by persons: kept for good, stronger than extraction, taken back one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import InputError, NotFoundError
from kg.graph.build import build_graph
from kg.graph.corrections import Fact, FactLog, history, relation_of
from kg.resolve.merges import LOG_COLUMNS, Resolution
from kg.tables import ATTRIBUTE_COLUMNS, ITEM_COLUMNS, TRIPLE_COLUMNS, Catalog

BRAND = ("item", "has_brand", "brand")
COLOR = ("item", "has_color", "color")


def catalog(triples: Sequence[tuple[str, str, str]] = ()) -> Catalog:
    items = pl.DataFrame([{"item_id": i, "title": i, "categories": []} for i in "abc"], schema=dict(ITEM_COLUMNS))
    rows = [{"head_type": "item", "head": h, "relation": r, "tail_type": r.removeprefix("has_"), "tail": t} for h, r, t in triples]
    return Catalog(items, triples=pl.DataFrame(rows, schema=dict(TRIPLE_COLUMNS)))


def attributes(*facts: tuple[str, str, str]) -> pl.DataFrame:
    rows = [{"item_id": i, "relation": r, "value": v, "confidence": 1.0, "field": "title", "surface": v, "extractor": "rules"} for i, r, v in facts]
    return pl.DataFrame(rows, schema=dict(ATTRIBUTE_COLUMNS))


def fact(n: int, op: Literal["set", "drop"], item_id: str, relation: str, value: str) -> Fact:
    return Fact(n, op, item_id, relation, value, "ann", "seen", "2026-01-01T00:00:00Z")


def pairs(frame: pl.DataFrame | None) -> set[tuple[str, str]]:
    return set() if frame is None else set(frame.select("source", "target").rows())


def test_a_set_wins_and_says_who() -> None:
    graph = build_graph(catalog(), attributes(("a", "has_brand", "HP"), ("b", "has_brand", "HP")), facts=[fact(1, "set", "a", "has_brand", "Dell")])
    assert pairs(graph.edges[BRAND]) == {("a", "Dell"), ("b", "HP")}
    row = graph.edges[BRAND].row(by_predicate=pl.col("source") == "a", named=True)
    assert (row["extractor"], row["field"], row["by"], row["note"], row["time"]) == ("person", "stated by", "ann", "seen", "2026-01-01T00:00:00Z")
    assert (row["start"], row["end"], row["surface"], row["confidence"]) == (0, 4, "Dell", 1.0)


def test_a_relation_of_many_values_keeps_the_others() -> None:
    graph = build_graph(catalog(), attributes(("a", "has_color", "red")), facts=[fact(1, "set", "a", "has_color", "blue")])
    assert pairs(graph.edges[COLOR]) == {("a", "red"), ("a", "blue")}


@pytest.mark.parametrize(("op", "relation"), [("set", "has_brand"), ("drop", "has_brand"), ("set", "has_color"), ("drop", "has_color")])
def test_a_correction_wins_over_a_doubtful_reading(op: Literal["set", "drop"], relation: str) -> None:
    read = attributes(("a", relation, "X"), ("b", relation, "X")).with_columns(confidence=pl.lit(0.5))
    graph = build_graph(catalog(), read, facts=[fact(1, op, "a", relation, "X")])
    kind = relation.removeprefix("has_")
    assert pairs(graph.edges[("item", f"perhaps_{relation}", kind)]) == {("b", "X")}
    assert pairs(graph.edges.get(("item", relation, kind))) == ({("a", "X")} if op == "set" else set())


def test_a_drop_wins_over_structured_fields_and_triples() -> None:
    facts = [fact(1, "drop", "a", "has_color", "red"), fact(2, "drop", "b", "has_color", "green")]
    graph = build_graph(catalog([("b", "has_color", "green")]), attributes(("a", "has_color", "red")), facts=facts)
    assert COLOR not in graph.edges
    assert "color" not in graph.nodes


def test_facts_follow_merged_values() -> None:
    log = pl.DataFrame([("has_brand", "hp inc", "HP", 1.0, "", "b")], schema=dict(LOG_COLUMNS), orient="row")
    facts = [fact(1, "drop", "a", "has_brand", "hp inc"), fact(2, "set", "b", "has_brand", "hp inc")]
    graph = build_graph(catalog(), attributes(("a", "has_brand", "hp inc"), ("c", "has_brand", "HP")), Resolution(merges=log), facts)
    assert pairs(graph.edges[BRAND]) == {("b", "HP"), ("c", "HP")}


def test_facts_about_items_that_are_gone_wait() -> None:
    graph = build_graph(catalog(), attributes(), facts=[fact(1, "set", "gone", "has_color", "red")])
    assert COLOR not in graph.edges


OPS = st.lists(
    st.tuples(st.sampled_from(["set", "drop"]), st.sampled_from("abc"), st.sampled_from(["has_brand", "has_color"]), st.sampled_from("xyz"))
)
READ = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["has_brand", "has_color"]), st.sampled_from("xyz")), unique=True)


@settings(max_examples=60, deadline=None)
@given(OPS, READ)
def test_corrections_come_to_what_they_say_one_after_another(ops: list[Any], read: list[Any]) -> None:
    graph = build_graph(catalog(), attributes(*read), facts=[fact(n, *op) for n, op in enumerate(ops, start=1)])
    expected = set(read)
    for op, item, relation, value in ops:
        if op == "set" and relation == "has_brand":
            expected = {f for f in expected if f[:2] != (item, relation)}
        expected = expected - {(item, relation, value)} | ({(item, relation, value)} if op == "set" else set())
    found = {(s, edge_type[1], t) for edge_type, frame in graph.edges.items() for s, t in pairs(frame)}
    assert found == expected


def test_the_log_keeps_everything_and_undoes(tmp_path: Path) -> None:
    log = FactLog(tmp_path / "facts.jsonl")
    assert log.history() == []
    log.state("set", "a", "has_color", "red", by="ann", note="the photo")
    log.state("drop", "a", "has_color", "blue", by="bo")
    log.undo(1, by="cy")
    again = FactLog(tmp_path / "facts.jsonl")
    assert [(f.n, f.op, f.value, f.undone_by) for f in again.history()] == [(1, "set", "red", "cy"), (2, "drop", "blue", "")]
    assert [f.n for f in again.active()] == [2]
    with pytest.raises(NotFoundError, match="undone by cy"):
        again.undo(1, by="cy")
    with pytest.raises(NotFoundError, match="no correction 3"):
        again.undo(3, by="cy")  # the third line is an undo


def test_a_line_that_a_crash_cut_off_was_never_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "facts.jsonl"
    log = FactLog(path)
    log.state("set", "a", "has_color", "red", by="ann")
    with path.open("ab") as file:
        file.write(b'{"op":"set","item_id":"b"')
    assert [f.n for f in log.history()] == [1]
    assert log.state("drop", "a", "has_color", "red", by="ann").n == 2
    assert [f.op for f in log.history()] == ["set", "drop"]


@pytest.mark.parametrize("line", ["[]", "nonsense", '{"op":"set","item_id":"b"}'])
def test_a_damaged_log_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "facts.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(InputError, match="line 1"):
        FactLog(path).history()


def test_what_is_refused(tmp_path: Path) -> None:
    log = FactLog(tmp_path / "facts.jsonl")
    for arguments in ({"item_id": " "}, {"value": ""}, {"by": ""}, {"note": "x" * 1001}):
        given = {"item_id": "a", "value": "red", "by": "ann"} | arguments
        with pytest.raises(InputError):
            log.state("set", given.pop("item_id"), "has_color", given.pop("value"), **given)
    assert history([]) == []


def test_names_of_relations() -> None:
    assert relation_of("color") == relation_of("HAS_COLOR") == relation_of("has_color") == "has_color"
    assert relation_of("categories") == "has_category"
    assert relation_of("produced_by") == relation_of("brand") == "has_brand"
    assert relation_of("made_in", ["made_in"]) == "made_in"
    for name in ("purchased", "also_bought", "same_as", "not a name"):
        with pytest.raises(InputError):
            relation_of(name)
