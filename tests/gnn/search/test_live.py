"""Items that changed since the build: found as they are now, deleted ones not at all."""

from __future__ import annotations

from gnn.live.overlay import LiveItem, Overlay
from gnn.recommend.recommender import Recommender
from gnn.recommend.snapshot import assemble
from gnn.search.engine import SearchEngine
from gnn.search.request import SearchQuery

BRAND = ("item", "has_brand", "brand")


def test_new_edited_and_deleted_items(engine: SearchEngine) -> None:
    built = engine.recommender.artifact
    items = [
        LiveItem("x1", "Zorbex gaming keyboard", {BRAND: ("CHERRY",)}, 4999.0),
        LiveItem("k2", "Logitech K120 trackball", {BRAND: ("Logitech",)}),
    ]
    overlay = Overlay.of(built, items, gone=["k3"])
    live = SearchEngine(engine.prepared, Recommender(assemble(built, overlay)))

    def ids(text: str) -> list[str]:
        return [hit.item_id for hit in live.search(SearchQuery(text, explain=True)).hits]

    assert ids("zorbex") == ["x1"]
    assert set(ids("keyboard")) == {"k1", "x1"}
    assert ids("trackball") == ["k2"]
    assert "k3" not in ids("logitech bluetooth keyboard")
    assert ids("cherry gaming keyboard")[0] == "x1"
    [hit] = live.search(SearchQuery("zorbex")).hits
    assert (hit.title, hit.price_cents) == ("Zorbex gaming keyboard", 4999)
