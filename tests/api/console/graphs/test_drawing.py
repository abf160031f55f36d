from __future__ import annotations

from typing import Any

from api.console.graphs.drawing import Drawing


def path(share: float, middle: dict[str, Any], edges: list[tuple[str, bool]]) -> dict[str, Any]:
    first, last = {"label": "User", "key": {"user_id": "u"}}, {"label": "Item", "key": {"item_id": "4"}, "title": "White tea"}
    history = {"label": "Item", "key": {"item_id": "1"}, "title": "Green tea"}
    return {"share": share, "nodes": [first, history, middle, last], "edges": [{"type": name, "reverse": reverse} for name, reverse in edges]}


def test_edges_keep_their_direction_and_add_up_their_shares() -> None:
    drawing = Drawing()
    brand = {"label": "Brand", "key": {"value": "Leafy"}, "title": "Leafy"}
    shoppers = {"label": "User", "count": 2}
    drawing.add_paths(
        [
            path(0.25, brand, [("PURCHASED", False), ("HAS_BRAND", False), ("HAS_BRAND", True)]),
            path(0.5, shoppers, [("PURCHASED", False), ("PURCHASED", True), ("PURCHASED", False)]),
        ]
    )
    shares = {key: edge["share"] for key, edge in drawing.edges.items()}
    both = "User:~PURCHASED~1"
    assert shares == {
        ("User:u", "PURCHASED", "Item:1"): 0.75,
        ("Item:1", "HAS_BRAND", "Brand:Leafy"): 0.25,
        ("Item:4", "HAS_BRAND", "Brand:Leafy"): 0.25,
        (both, "PURCHASED", "Item:1"): 0.5,
        (both, "PURCHASED", "Item:4"): 0.5,
    }
    assert drawing.nodes[both]["count"] == 2
    assert [drawing.nodes[name]["role"] for name in ("User:u", "Item:4")] == ["user", "item"]
    assert drawing.rows()[0]["share"] == 0.75
