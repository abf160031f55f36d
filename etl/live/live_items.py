"""What a changed item is: its fields after the changes, and the facts that follow, as a rebuild would find them for this item alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from etl.stages import graph_build, ledger_import
from kg import schema
from kg.catalog.item_changes import by_item, changed, fields_of, items_frame
from kg.catalog.records import Fields, ItemChange
from kg.config import Config, ExtractConfig, ShopConfig
from kg.extract.pipeline import Extractor
from kg.graph.build import build_graph
from kg.graph.corrections import Fact
from kg.resolve.merges import Resolution
from kg.schema import EdgeType
from kg.tables import ATTRIBUTE_COLUMNS, Catalog, GraphTables, empty, read_table

_READ_FROM = ("title", "description", "brand", "categories")
_INFERRED = "inferred"


@dataclass(frozen=True)
class Build:
    """The tables of a published build: what changed items are compared with and read beside.

    Attributes:
        build_id: Which.
        catalogue_seq: The last change that it contains.
        catalog: Its items and triples.
        attributes: Its facts, as extracted.
        resolution: Its merged values.
    """

    build_id: str
    catalogue_seq: int
    catalog: Catalog
    attributes: pl.DataFrame
    resolution: Resolution = field(default_factory=Resolution)

    @classmethod
    def read(cls, folder: Path) -> Build:
        """Read a build.

        Raises:
            NotFoundError: Its tables are not on this machine.
        """
        graph_build.check_saved(folder)
        mark = ledger_import.mark_of(folder) or ledger_import.LedgerPosition()
        merges = Resolution(Resolution.read(folder / graph_build.RESOLUTION).merges)
        attributes = read_table(folder / "attributes.parquet")
        return cls(folder.name, mark.catalogue_seq, Catalog.read(folder / "catalog"), attributes, merges)

    def fields(self, item_ids: Sequence[str]) -> dict[str, Fields]:
        """Return what the shop said of items, of those that the build has."""
        rows = self.catalog.items.filter(pl.col("item_id").is_in(list(item_ids)))
        return {str(row["item_id"]): fields_of(row) for row in rows.iter_rows(named=True)}

    def edge_types(self) -> set[EdgeType]:
        """Return the attribute edges that items may have."""
        relations = [schema.relation(name).name for name in self.attributes["relation"].unique().to_list()]
        types: set[EdgeType] = {("item", name, schema.value_type(name)) for name in relations}
        kinds = self.catalog.triples.filter(head_type="item").select("relation", "tail_type").unique()
        return types | {("item", schema.relation(name).name, tail) for name, tail in kinds.iter_rows()}

    def triples(self, item_ids: Sequence[str]) -> pl.DataFrame:
        """Return the ready-made facts of items."""
        of_items = (pl.col("head_type") == "item") & pl.col("head").is_in(list(item_ids)) & ~pl.col("tail_type").is_in(["item", "user"])
        return self.catalog.triples.filter(of_items)


class ItemReader:
    """Reads items.

    Args:
        config: `[shop]` and `[extract]` are read.
    """

    def __init__(self, config: Config) -> None:
        extract = config.section(ExtractConfig)
        self._extractor = Extractor(config.section(ShopConfig).language, text=extract.text, terms=extract.terms)

    def tables(self, build: Build, items: Mapping[str, Fields], facts: Sequence[Fact]) -> GraphTables:
        """Return the graph of some items by themselves: their nodes, their attribute edges with the evidence, and the values that these lead to.

        Args:
            build: Whose catalogue teaches brands and price bands, and whose triples and merged values count.
            items: item_id → fields.
            facts: Corrections that hold.
        """
        frame = items_frame(list(items.items()))
        attributes = empty(ATTRIBUTE_COLUMNS)
        if items:
            attributes = _stated_first(pl.concat([self._extractor.extract(frame, catalog=build.catalog.items), self._inferred(build, items)]))
        catalog = Catalog(frame, triples=build.triples(list(items)))
        return build_graph(catalog, attributes, build.resolution, [fact for fact in facts if fact.item_id in items])

    def _inferred(self, build: Build, items: Mapping[str, Fields]) -> pl.DataFrame:
        """Return what the build inferred of items whose texts are what they were."""
        before = build.fields(list(items))
        same = [item_id for item_id, now in items.items() if item_id in before and _texts(before[item_id]) == _texts(now)]
        return build.attributes.filter(pl.col("item_id").is_in(same) & (pl.col("extractor") == _INFERRED))


def states(build: Build, changes: Sequence[ItemChange]) -> dict[str, Fields | None]:
    """Return what changed items are now; None for those that are deleted.

    Args:
        build: What they were.
        changes: All changes of these items since the build, in order.
    """
    of_items = by_item(changes)
    before = build.fields(list(of_items))
    return {item_id: changed(before.get(item_id), of_item) for item_id, of_item in of_items.items()}


def facts_of(tables: GraphTables) -> dict[str, list[dict[str, Any]]]:
    """Return the attribute edges of items as the ledger keeps them, by item_id."""
    names = [name for name in ATTRIBUTE_COLUMNS if name not in ("item_id", "relation", "value", "extractor_version")]
    facts: dict[str, list[dict[str, Any]]] = {}
    for (source, relation, node_type), frame in tables.edges.items():
        if schema.family((source, relation, node_type)) != "attribute":
            continue
        for row in frame.iter_rows(named=True):
            evidence = {name: row[name] for name in names if row.get(name) is not None}
            facts.setdefault(row["source"], []).append({"relation": relation, "node_type": node_type, "value": row["target"], **evidence})
    return facts


def _texts(fields: Fields) -> list[object]:
    return [fields.get(name) for name in _READ_FROM]


def _stated_first(facts: pl.DataFrame) -> pl.DataFrame:
    """Leave out what was inferred where something is stated."""
    stated = facts.filter(pl.col("extractor") != _INFERRED)
    inferred = facts.filter(pl.col("extractor") == _INFERRED).join(stated, on=["item_id", "relation"], how="anti")
    return pl.concat([stated, inferred]) if inferred.height else stated
