"""The difference that a change makes to the graph, found from what the change touches instead of from everything.

`GraphDelta` is what has to be written to the database. `delta` compares two whole graphs. `delta_of` compares two states of a shop, only at the items
and events that a change touched, and gives the same difference: the graph after it is the one that a full build of the new state gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import polars as pl

from kg import schema
from kg.catalog.changes import Change, deletions_of
from kg.catalog.records import ItemChange, StoredEvent
from kg.graph.build import build_graph, merged_triples
from kg.graph.corrections import Fact
from kg.resolve.merges import Resolution
from kg.schema import EdgeType
from kg.tables import Catalog, GraphTables

K = TypeVar("K")
_PAIR = {"user_id": pl.String, "item_id": pl.String}


@dataclass(frozen=True)
class GraphDelta:
    """What changes in a graph.

    Attributes:
        nodes: node type → nodes that are new or differ: `key` and every property, null where it has none.
        edges: edge type → edges that are new or differ: `source`, `target` and every property.
        gone_nodes: node type → `key` of nodes that are no longer there.
        gone_edges: edge type → `source` and `target` of edges that are no longer there.
    """

    nodes: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    edges: Mapping[EdgeType, pl.DataFrame] = field(default_factory=dict)
    gone_nodes: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    gone_edges: Mapping[EdgeType, pl.DataFrame] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.nodes or self.edges or self.gone_nodes or self.gone_edges)

    @property
    def counts(self) -> dict[str, int]:
        """How many nodes and edges are written and removed."""
        parts = {
            "nodes": self.nodes.values(),
            "edges": self.edges.values(),
            "gone_nodes": self.gone_nodes.values(),
            "gone_edges": self.gone_edges.values(),
        }
        return {name: sum(frame.height for frame in frames) for name, frames in parts.items()}


@dataclass(frozen=True)
class Knowledge:
    """The state of a shop from which its graph follows.

    Attributes:
        catalog: Its items, events, users and triples.
        attributes: Facts of items as extracted.
        resolution: Values and items that are one.
        facts: Corrections by persons that hold.
    """

    catalog: Catalog
    attributes: pl.DataFrame
    resolution: Resolution = field(default_factory=Resolution)
    facts: tuple[Fact, ...] = ()

    def tables(self) -> GraphTables:
        """Return the whole graph."""
        return build_graph(self.catalog, self.attributes, self.resolution, self.facts)


def delta(old: GraphTables, new: GraphTables) -> GraphDelta:
    """Return what turns one graph into another."""
    nodes, gone_nodes = {}, {}
    for name in sorted({*old.nodes, *new.nodes}):
        nodes[name], gone_nodes[name] = _compared(old.nodes.get(name), new.nodes.get(name), ["key"])
    edges, gone_edges = {}, {}
    for edge_type in sorted({*old.edges, *new.edges}):
        edges[edge_type], gone_edges[edge_type] = _compared(old.edges.get(edge_type), new.edges.get(edge_type), ["source", "target"])
    return GraphDelta(_filled(nodes), _filled(edges), _filled(gone_nodes), _filled(gone_edges))


def touched(before: Catalog, changes: Sequence[Change]) -> tuple[list[str], pl.DataFrame]:
    """Return the items and the (user_id, item_id) of events that changes are about.

    Args:
        before: The catalogue before them.
        changes: The changes.
    """
    about_items = [change for change in changes if isinstance(change, ItemChange) and change.operation != "delete_events"]
    of_items = {change.item_id for change in about_items}
    gone = [change.item_id for change in about_items if change.operation == "delete"]
    rows = [(deletion["user_id"], deletion["item_id"]) for deletion in deletions_of(changes)]
    rows += [(change.user_id, change.item_id) for change in changes if isinstance(change, StoredEvent) and change.item_id is not None]
    pairs = pl.concat([pl.DataFrame(rows, schema=_PAIR, orient="row"), before.interactions.filter(pl.col("item_id").is_in(gone)).select(*_PAIR)])
    return sorted(of_items), pairs.unique()


def delta_of(old: Knowledge, new: Knowledge, item_ids: Iterable[str], events: pl.DataFrame | None = None) -> GraphDelta:
    """Return what turns the graph of one state into the graph of another.

    Args:
        old: The state before.
        new: The state after. Users are those of before, triples too, except those of items that are gone.
        item_ids: Items that differ, came or went, or whose extracted facts differ. What merges, duplicates and corrections change is found here.
        events: (user_id, item_id) of events that came or went, those of items that are gone among them.
    """
    names = _merged_anew(old, new)
    items = set(item_ids) | _resolved_anew(old, new, names)
    pairs = pl.concat([pl.DataFrame(schema=_PAIR) if events is None else events.select(*_PAIR), _events_counted_anew(old, new)])
    pairs = pl.concat([pairs.with_columns(item_id=state.resolution.canonical_items(pairs["item_id"])) for state in (old, new)]).unique()
    chosen = _of_items(items) | _of_names(names)
    ends = _ends(old, items, chosen) | _ends(new, items, chosen) | set(pairs["item_id"])
    difference = delta(_part(old, items, ends, chosen, pairs), _part(new, items, ends, chosen, pairs))
    gone = {name: _absent(new, name, frame) for name, frame in difference.gone_nodes.items()}
    added = {name: frame if name == "item" else _absent(old, name, frame) for name, frame in difference.nodes.items()}
    return replace(difference, nodes=_filled(added), gone_nodes=_filled(gone))


def _merged_anew(old: Knowledge, new: Knowledge) -> list[tuple[str, str]]:
    """Return (node type, surface) of the values that become another node now."""
    log = ["relation", "surface", "canonical"]
    differing = _differing(old.resolution.merges.select(log), new.resolution.merges.select(log))
    return sorted({(schema.value_type(relation), surface) for relation, surface, _ in differing.iter_rows()})


def _resolved_anew(old: Knowledge, new: Knowledge, names: Sequence[tuple[str, str]]) -> set[str]:
    """Return the items that merges, duplicates or corrections touch now and did not before, or the other way round."""
    duplicates = _differing(old.resolution.duplicates, new.resolution.duplicates)
    items = {item_id for column in ("item_id", "duplicate_of") for item_id in duplicates[column]}
    items |= {fact.item_id for fact in {*old.facts} ^ {*new.facts}}
    if not names:
        return items
    merged = pl.DataFrame(names, schema={"type": pl.String, "value": pl.String}, orient="row")
    merged = merged.select("value", relation="has_" + pl.col("type"))
    known = set(names)
    for state in (old, new):
        items |= set(state.attributes.join(merged, on=["relation", "value"], how="semi")["item_id"])
        items |= _ends(state, set(), _of_names(names))
        items |= {fact.item_id for fact in state.facts if (schema.value_type(fact.relation), fact.value) in known}
    return items


def _differing(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([old.join(new, on=old.columns, how="anti"), new.join(old, on=old.columns, how="anti")])


def _events_counted_anew(old: Knowledge, new: Knowledge) -> pl.DataFrame:
    """Return the (user_id, item_id) of events that count towards another item now."""
    ends = ["item_id", "duplicate_of"]
    items = _differing(old.resolution.duplicates.select(ends), new.resolution.duplicates.select(ends))["item_id"].unique()
    if not len(items):
        return pl.DataFrame(schema=_PAIR)
    return pl.concat([state.catalog.interactions.filter(pl.col("item_id").is_in(items.implode())).select(*_PAIR) for state in (old, new)])


def _of_items(items: Iterable[str]) -> pl.Expr:
    """Match the triples that name one of these items."""
    ids = pl.Series(sorted(items), dtype=pl.String).implode()
    return ((pl.col("head_type") == "item") & pl.col("head").is_in(ids)) | ((pl.col("tail_type") == "item") & pl.col("tail").is_in(ids))


def _of_names(names: Iterable[tuple[str, str]]) -> pl.Expr:
    """Match the triples that name one of these (node type, key)."""
    wanted = pl.Series([f"{node_type}:{key}" for node_type, key in names], dtype=pl.String).implode()
    ends = (pl.concat_str(f"{end}_type", pl.lit(":"), end) for end in ("head", "tail"))
    return pl.any_horizontal(end.is_in(wanted) for end in ends)


def _ends(state: Knowledge, items: set[str], chosen: pl.Expr) -> set[str]:
    """Return the items at the ends of these triples, and those that these items are duplicates of or go with."""
    triples = state.catalog.triples.filter(chosen)
    ends = {key for end in ("head", "tail") for key in triples.filter(pl.col(f"{end}_type") == "item")[end]}
    links = state.attributes.filter(pl.col("item_id").is_in(list(items)) & (pl.col("relation") == schema.COMPATIBLE_WITH))
    ends |= set(links["value"])
    return ends | set(state.resolution.duplicates.filter(pl.col("item_id").is_in(list(items)))["duplicate_of"])


def _part(state: Knowledge, items: set[str], ends: set[str], triples: pl.Expr, pairs: pl.DataFrame) -> GraphTables:
    """Return the part of a graph that holds all edges of these items, these triples and the interaction edges of these pairs."""
    catalog, chosen = state.catalog, pl.col("item_id").is_in(sorted(items))
    events = catalog.interactions.filter(pl.col("user_id").is_in(pairs["user_id"].unique().implode()))
    events = state.resolution.canonical_interactions(events).join(pairs, on=[*_PAIR], how="semi")
    part = Catalog(catalog.items.filter(pl.col("item_id").is_in(sorted(items | ends))), events, triples=catalog.triples.filter(triples))
    resolution = Resolution(state.resolution.merges, state.resolution.duplicates.filter(chosen))
    return build_graph(part, state.attributes.filter(chosen), resolution, [fact for fact in state.facts if fact.item_id in items])


def _absent(state: Knowledge, node_type: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose node the whole graph of a state does not have."""
    return frame.filter(~pl.col("key").is_in(_present(state, node_type, frame["key"]).implode()))


def _present(state: Knowledge, node_type: str, keys: pl.Series) -> pl.Series:
    """Return which of these keys have a node in the whole graph of a state, looked up where they are stated instead of by building it."""
    catalog, wanted = state.catalog, keys.implode()
    if node_type == "item":
        return keys.filter(keys.is_in(catalog.items["item_id"].implode()))
    parts = [catalog.users["user_id"], catalog.interactions["user_id"]] if node_type == "user" else []
    fields = [name for name in catalog.users.columns[1:] if schema.value_type(schema.attribute_relation(name)) == node_type]
    parts += [catalog.users[name].explode() for name in fields]
    stated = pl.concat([pl.Series("key", [], dtype=pl.String), *(part.filter(part.is_in(wanted)).alias("key") for part in parts)]).unique()
    merges = state.resolution.merges.filter(pl.col("canonical").is_in(wanted))
    surfaces = pl.concat([keys.alias("surface"), merges["surface"]]).unique().implode()
    of_type = pl.col("relation").replace(schema.MENTIONS, schema.value_type(schema.MENTIONS)).str.strip_prefix("has_") == node_type
    items = set(state.attributes.filter(pl.col("value").is_in(surfaces) & of_type)["item_id"])
    items |= {fact.item_id for fact in state.facts if schema.value_type(fact.relation) == node_type and fact.value in set(surfaces.explode())}
    named = _of_names((node_type, surface) for surface in surfaces.explode())
    items |= _ends(state, set(), named)
    # What neither end ties to an item no correction can remove.
    free = merged_triples(catalog.triples.filter(named, pl.col("head_type") != "item", pl.col("tail_type") != "item"), state.resolution.merges)
    parts = [free.filter(pl.col(f"{end}_type") == node_type)[end].alias("key") for end in ("head", "tail")]
    chosen = _of_items(items)
    nodes = _part(state, items, _ends(state, items, chosen), chosen, pl.DataFrame(schema=_PAIR)).nodes.get(node_type)
    present = pl.concat([stated, *parts, *([] if nodes is None else [nodes["key"]])]).unique()
    return keys.filter(keys.is_in(present.implode()))


def _compared(old: pl.DataFrame | None, new: pl.DataFrame | None, on: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (rows of `new` that are new or differ, keys of `old` that are gone)."""
    if new is None or old is None:
        frame = old if new is None else new
        assert frame is not None  # noqa: S101 - a type is in one of the two
        return (frame.clear(), frame.select(on)) if new is None else (frame, frame.select(on).clear())
    wide = new.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in old.schema.items() if name not in new.columns)
    before = old.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in new.schema.items() if name not in old.columns)
    both = wide.join(before, on=on, how="inner", suffix="\x00")
    equal = pl.all_horizontal(pl.lit(True), *(pl.col(name).eq_missing(pl.col(f"{name}\x00")) for name in wide.columns if name not in on))
    differing = pl.concat([wide.join(before, on=on, how="anti"), both.filter(~equal).select(wide.columns)])
    return differing.sort(on), before.join(wide, on=on, how="anti").select(on).sort(on)


def _filled(frames: Mapping[K, pl.DataFrame]) -> dict[K, pl.DataFrame]:
    return {key: frame for key, frame in frames.items() if frame.height}
