"""The graph as arrays: the numpy view of `GraphTables` that training, scoring and explanation share.

Ids become positions here and nowhere else: `item_num` is a position in the sorted item ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from gnn.ratings import without_low
from kg.extract.quantities.units import WRITTEN, tidy
from kg.graph.build import interaction_edges
from kg.schema import EdgeType, is_choice
from kg.tables import GraphTables


@dataclass(frozen=True)
class GraphArrays:
    """A graph whose nodes are numbered.

    Attributes:
        keys: node type → sorted keys; a node's number is its position.
        edges: edge type → one row per edge, sorted: `source_num`, `target_num` (Int64) and the edge's properties.
        titles: item_num → what a person reads.
        prices: item_num → price in cents; empty where the shop has none.
        unavailable: item_nums that the catalogue says cannot be had, and those without a title in a shop that has titles.
        shown: node type → key → how a person reads it, where that is not the key: a quantity as it was written.
        text_vectors: Vectors of the items' texts, [n_items, v], zeros where an item has none; None where the build has none.
    """

    keys: Mapping[str, tuple[str, ...]]
    edges: Mapping[EdgeType, pl.DataFrame]
    titles: tuple[str, ...]
    prices: tuple[int | None, ...] = ()
    unavailable: tuple[int, ...] = ()
    shown: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    text_vectors: npt.NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_tables(cls, tables: GraphTables) -> GraphArrays:
        """Number the nodes of `tables`; the order of its rows does not matter."""
        keys = {node_type: tuple(frame["key"].sort().to_list()) for node_type, frame in sorted(tables.nodes.items())}
        edges = {edge_type: _numbered(frame, edge_type, keys) for edge_type, frame in sorted(tables.edges.items())}
        edges = without_low(edges)
        items = tables.nodes["item"].sort("key")
        prices = tuple(items["price_cents"].to_list()) if "price_cents" in items.columns else ()
        return cls(keys, edges, _titles(items), prices, _unavailable(items), _as_written(tables))

    def with_interactions(self, interactions: pl.DataFrame) -> GraphArrays:
        """Return the same graph with its user–item edges rebuilt from `interactions` alone, as a hold-out needs it.

        Args:
            interactions: Events (`kg.tables.INTERACTION_COLUMNS`); those of users or items outside the graph are left out.
        """
        known = interactions.filter(
            pl.col("user_id").is_in(pl.Series(self.keys.get("user", ()), dtype=pl.String).implode()),
            pl.col("item_id").is_in(pl.Series(self.keys["item"], dtype=pl.String).implode()),
        )
        edges = {edge_type: frame for edge_type, frame in self.edges.items() if edge_type[0] != "user" or edge_type[2] != "item"}
        edges |= {edge_type: _numbered(frame, edge_type, self.keys) for edge_type, frame in interaction_edges(known).items()}
        return replace(self, edges=without_low(edges))

    def with_texts(self, item_ids: Sequence[str], vectors: npt.NDArray[np.float32]) -> GraphArrays:
        """Return the same graph with text vectors.

        Args:
            item_ids: Whose they are; items outside the graph are left out.
            vectors: One row per id.
        """
        places = {item_id: place for place, item_id in enumerate(item_ids)}
        rows = np.asarray([places.get(item_id, -1) for item_id in self.item_ids], dtype=np.int64)
        own = np.zeros((self.n_items, vectors.shape[1]), dtype=np.float32)
        own[rows >= 0] = vectors[rows[rows >= 0]]
        return replace(self, text_vectors=own)

    def without(self, *relations: str) -> GraphArrays:
        """Return the same graph without the edges of these relations."""
        return replace(self, edges={edge_type: frame for edge_type, frame in self.edges.items() if edge_type[1] not in relations})

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Item ids by item_num."""
        return self.keys["item"]

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.keys["item"])

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.keys.get("user", ()))

    @property
    def price_cents(self) -> npt.NDArray[np.float64]:
        """Prices.

        Shapes:
            [n_items]; NaN where unknown.
        """
        return np.asarray(self.prices or [None] * self.n_items, dtype=np.float64)

    @property
    def available(self) -> npt.NDArray[np.bool_]:
        """Whether each item may be shown.

        Shapes:
            [n_items].
        """
        available = np.ones(self.n_items, dtype=bool)
        available[list(self.unavailable)] = False
        return available

    @cached_property
    def popularity(self) -> npt.NDArray[np.float32]:
        """How many users chose or looked at each item; impressions, dislikes and low ratings do not count.

        Shapes:
            [n_items], float32.
        """
        met = [frame.select("source_num", "target_num") for edge_type, frame in self.edges.items() if is_choice(edge_type)]
        if not met:
            return np.zeros(self.n_items, dtype=np.float32)
        return np.bincount(pl.concat(met).unique()["target_num"].to_numpy(), minlength=self.n_items).astype(np.float32)

    def adjacency(self, edge_type: EdgeType) -> sp.csr_matrix:
        """Return the edges of one type as a matrix of ones.

        Shapes:
            [n source nodes, n target nodes], float32.
        """
        frame = self.edges[edge_type]
        shape = (len(self.keys[edge_type[0]]), len(self.keys[edge_type[2]]))
        ones = np.ones(frame.height, dtype=np.float32)
        return sp.csr_matrix((ones, (frame["source_num"].to_numpy(), frame["target_num"].to_numpy())), shape=shape)


def _numbered(frame: pl.DataFrame, edge_type: EdgeType, keys: Mapping[str, tuple[str, ...]]) -> pl.DataFrame:
    for column, node_type in (("source", edge_type[0]), ("target", edge_type[2])):
        numbers = pl.DataFrame({column: list(keys[node_type])}, schema={column: pl.String}).with_row_index(f"{column}_num")
        frame = frame.join(numbers.with_columns(pl.col(f"{column}_num").cast(pl.Int64)), on=column, how="inner")
    properties = sorted(set(frame.columns) - {"source", "target", "source_num", "target_num"})
    return frame.select("source_num", "target_num", *properties).sort("source_num", "target_num")


def _unavailable(items: pl.DataFrame) -> tuple[int, ...]:
    gone = pl.repeat(False, items.height, dtype=pl.Boolean, eager=True)
    if "available" in items.columns:
        gone = items["available"].fill_null(value=True).not_()
    # Nobody can tell what an untitled item is. A shop that titles nothing is known by its ids.
    if "title" in items.columns and items["title"].is_not_null().any():
        gone = gone | items["title"].is_null()
    return tuple(gone.arg_true().to_list())


def _titles(items: pl.DataFrame) -> tuple[str, ...]:
    titles = items.sort("key")
    if "title" not in titles.columns:
        return tuple(titles["key"].to_list())
    return tuple(titles.select(pl.coalesce("title", "key")).to_series().to_list())


def _as_written(tables: GraphTables) -> dict[str, dict[str, str]]:
    """Return, for the values of quantities, how most of their evidence wrote them: "0.7 mm" for what is 0.07 cm."""
    written: dict[str, dict[str, str]] = {}
    for (_, relation, node_type), frame in sorted(tables.edges.items()):
        if relation not in WRITTEN or "surface" not in frame.columns:
            continue
        counts = frame.drop_nulls("surface").group_by("target", "surface").len().sort("target", "surface")
        for (value,), rows in counts.group_by("target", maintain_order=True):
            shown = tidy(rows.select("surface", "len").iter_rows(), relation, str(value))
            if shown != value:
                written.setdefault(node_type, {})[str(value)] = shown
    return written
