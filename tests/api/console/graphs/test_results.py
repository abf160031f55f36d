from __future__ import annotations

from typing import Any

from api.console.graphs.results import MOST_ROWS, result_of


def answer(columns: list[str], rows: list[list[Any]]) -> dict[str, Any]:
    return {"columns": columns, "rows": rows, "truncated": False, "warnings": []}


def test_nodes_and_paths_are_drawn_once() -> None:
    item = {"labels": ["Item"], "properties": {"item_id": "1", "title": "Tea"}}
    brand = {"labels": ["Brand"], "properties": {"value": "Leafy"}}
    path = {"nodes": [item, brand], "relationships": [{"type": "HAS_BRAND", "properties": {}}]}
    drawing = result_of(answer(["i", "all"], [[item, [path, path]]])).drawing
    assert drawing is not None
    assert drawing.nodes == {
        "Item:1": {"id": "Item:1", "label": "Item", "key": "1", "title": "Tea"},
        "Brand:Leafy": {"id": "Brand:Leafy", "label": "Brand", "key": "Leafy", "title": "Leafy"},
    }
    assert list(drawing.edges) == [("Item:1", "HAS_BRAND", "Brand:Leafy")]


def test_texts_and_numbers_become_a_chart_and_single_rows_do_not() -> None:
    rows: list[list[Any]] = [["Leafy", 3, True], ["Meadow", None, False], ["Boilwell", 1.5, True]]
    assert result_of(answer(["brand", "items", "known"], rows)).chart == ("bars", "brand", ["Leafy", "Boilwell"], "items", [3, 1.5])
    assert result_of(answer(["month", "n"], [["a", 1], ["b", 2]]), "line month n").chart == ("line", "month", ["a", "b"], "n", [1, 2])
    assert result_of(answer(["brand", "items"], [["Leafy", 3]])).chart is None
    assert result_of(answer(["known"], [[True], [False]])).chart is None
    assert result_of(answer(["a"], [])).drawing is None


def test_long_answers_are_shown_in_part() -> None:
    result = result_of(answer(["n"], [[n] for n in range(MOST_ROWS + 7)]))
    assert (len(result.rows), result.n_rows) == (MOST_ROWS, MOST_ROWS + 7)
