"""A small shop of electronics without a single event: things, and things for things."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.recommend.recommender import Recommender
from gnn.recommend.snapshot import assemble
from gnn.search.engine import Prepared, SearchEngine
from gnn.search.fields import catalogue_texts
from gnn.search.index import SearchIndex
from gnn.search.query.synonyms import Synonyms
from gnn.search.weights import Weights
from gnn.training.fit import fit
from kg.extract.pipeline import Extractor
from kg.graph.build import build_graph
from kg.tables import INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog

_LIST = pl.List(pl.String())
ROWS: tuple[tuple[str, str, str, str, int | None, str], ...] = (
    ("n1", "HP Pavilion dv7-1211ea notebook 17 inch Silver", "Intel Core 2 Duo, 4 GB memory", "HP", 89900, "0884420588030"),
    ("n2", "HP ProBook 4520s notebook 15.6 inch Black", "Business notebook", "HP", 64900, ""),
    ("n3", "Lenovo IdeaPad notebook 14 inch Blue", "Light notebook for students", "Lenovo", 49900, ""),
    ("s1", "Targus CN313 notebook case 14 inch Black", "Laptop Case", "Targus", 2995, ""),
    ("s2", "Kensington K64343 cable lock for notebook", "Laptop lock", "Kensington", 1995, ""),
    ("s3", "Targus CN515 notebook case 15.6 inch Red", "Laptop Case", "Targus", 3995, ""),
    ("s4", "Case Logic VNR-217 notebook case 17 inch Black", "Rolling laptop case", "Case Logic", 5995, ""),
    ("k1", "CHERRY Stream keyboard Black", "Keyboard with numpad", "CHERRY", 2499, ""),
    ("k2", "Logitech K120 keyboard White", "Quiet keyboard", "Logitech", 1499, ""),
    ("k3", "Logitech K380 keyboard Blue", "Bluetooth keyboard", "Logitech", 3999, ""),
    ("m1", "Verbatim SD memory card 8 GB", "Memory card", "Verbatim", 999, ""),
    ("m2", "Integral SD memory card 16 GB", "Memory card", "Integral", 1299, ""),
    ("m3", "Sony memory card reader USB", "Reads every memory card", "Sony", 1599, ""),
    ("b1", "Sigg bottle 500 ml Red", "Steel bottle", "Sigg", 1999, ""),
    ("b2", "Sigg bottle 1 l Blue", "Steel bottle", "Sigg", 2499, ""),
    ("w1", "Denver SW-350 smartwatch Black", "Smartwatch", "Denver", 3995, ""),
    ("w2", "Huawei GT 2e smartwatch Silver", "Smartwatch", "Huawei", 9995, ""),
    ("c1", "测试工具箱 红色", "农业机械测试用", "大华", 19900, ""),
    ("c2", "小化妆包 粉色", "便携", "美丽", 2990, ""),
)


def catalog(rows: tuple[tuple[str, str, str, str, int | None, str], ...] = ROWS) -> Catalog:
    """Return the catalogue; it has no events."""
    table = [
        {"item_id": item_id, "title": title, "description": description, "brand": brand, "price_cents": price, "ean": [ean] if ean else []}
        for item_id, title, description, brand, price, ean in rows
    ]
    items = pl.DataFrame(table, schema={**ITEM_COLUMNS, "ean": _LIST})
    return Catalog(items, pl.DataFrame(schema=dict(INTERACTION_COLUMNS)))


def engine_of(folder: Path, shop: Catalog | None = None, weights: Weights | None = None) -> SearchEngine:
    """Build a catalogue and open search over it."""
    shop = catalog() if shop is None else shop
    graph = GraphArrays.from_tables(build_graph(shop, Extractor().extract(shop.items)))
    model = fit(graph, shop.interactions, ModelConfig(factors=4)).model
    save_artifact(folder / "artifact", graph, model, build_id="b")
    artifact = load_artifact(folder / "artifact")
    SearchIndex.build(catalogue_texts(shop.items, artifact.item_ids)).save(folder / "search")
    ready = Prepared.of(SearchIndex.load(folder / "search"), Synonyms.shipped(), weights or Weights.default())
    return SearchEngine(ready, Recommender(assemble(artifact)))
