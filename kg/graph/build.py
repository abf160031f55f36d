"""Build the graph tables from a catalogue and its extracted attributes. Pure: the same rows in any order give the same graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from kg import schema
from kg.graph.corrections import Fact, corrected
from kg.resolve.merges import Resolution, apply_merges
from kg.schema import EdgeType
from kg.tables import ATTRIBUTE_COLUMNS, Catalog, GraphTables

SAME_AS: EdgeType = ("item", "same_as", "item")

REASON_CONFIDENCE = 0.55
"""Facts that rules or the gazetteer read with less are kept under a doubtful relation (`kg.schema.DOUBTFUL`), out of scores and reasons."""

_READ_BY_RULE = ("rules", "gazetteer")
_EVIDENCE = ("confidence", "field", "start", "end", "surface", "extractor", "extractor_version")


def build_graph(catalog: Catalog, attributes: pl.DataFrame, resolution: Resolution | None = None, facts: Sequence[Fact] = ()) -> GraphTables:
    """Turn a catalogue and its attributes into nodes and edges.

    Args:
        catalog: Validated tables. Interactions and triples name only items of the catalogue (import rejects the others).
        attributes: Facts of items (`kg.tables.ATTRIBUTE_COLUMNS`), from structured fields and text.
        resolution: Values that are one, and items that are one; none where not given.
        facts: Corrections by persons that hold, oldest first.

    Returns:
        Item, user and value nodes; one edge per (source, target) with its evidence or its counts. Duplicates keep their node and their attributes
        and have an edge to the item they are a duplicate of; their events are that item's.
    """
    resolution = resolution or Resolution()
    merges = resolution.merges
    facts_read = apply_merges(attributes, merges) if merges.height else attributes
    triples = merged_triples(catalog.triples, merges)
    edges = _merged(
        _attribute_edges(_within(facts_read, catalog)),
        _triple_edges(triples),
        _user_attribute_edges(catalog.users),
        _same_as_edges(resolution.duplicates),
    )
    edges = corrected(edges, facts, merges, catalog.items["item_id"])
    interactions = resolution.canonical_interactions(catalog.interactions)
    edges |= interaction_edges(interactions)
    return GraphTables(_nodes(catalog, interactions, edges), dict(sorted(edges.items())))


def interaction_edges(interactions: pl.DataFrame) -> dict[EdgeType, pl.DataFrame]:
    """Aggregate events to one edge per user, item and kind.

    Args:
        interactions: Events (`kg.tables.INTERACTION_COLUMNS`).

    Returns:
        Edge type → `source` (user), `target` (item), `count`, `first_time`, `last_time`, `rating` (the last one given) where there are any.
    """
    edges: dict[EdgeType, pl.DataFrame] = {}
    for (kind,), events in sorted(interactions.group_by("kind"), key=lambda group: str(group[0][0])):
        frame = (
            events.group_by(source=pl.col("user_id"), target=pl.col("item_id"))
            .agg(
                count=pl.len().cast(pl.Int64),
                first_time=pl.col("time").min(),
                last_time=pl.col("time").max(),
                rating=pl.col("rating").sort_by("time", "rating", nulls_last=False).drop_nulls().last(),
            )
            .sort("source", "target")
        )
        if frame["rating"].null_count() == frame.height:
            frame = frame.drop("rating")
        edges[("user", schema.kind_relation(str(kind)), "item")] = frame
    return edges


def _attribute_edges(attributes: pl.DataFrame) -> dict[EdgeType, pl.DataFrame]:
    """Turn facts into edges; what a text may not have meant of its item gets a relation of its own, which plays no part in scores and reasons."""
    edges: dict[EdgeType, pl.DataFrame] = {}
    names = pl.col("relation").replace(schema.RELATION_ALIASES)
    doubtful = (pl.col("confidence") < REASON_CONFIDENCE) & pl.col("extractor").is_in(_READ_BY_RULE)
    named = attributes.with_columns(relation=pl.when(doubtful).then(schema.DOUBTFUL + names).otherwise(names))
    for (name,), facts in sorted(named.group_by("relation"), key=lambda group: str(group[0][0])):
        relation = schema.relation(str(name)).name
        edges[("item", relation, schema.value_type(relation))] = facts.select(source="item_id", target="value", **{c: pl.col(c) for c in _EVIDENCE})
    return edges


def _within(attributes: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    """Leave out links to items that this catalogue does not have: one of a few items is read by itself."""
    links = pl.col("relation") == schema.COMPATIBLE_WITH
    return attributes.filter(~links | pl.col("value").is_in(catalog.items["item_id"].implode()))


def _triple_edges(triples: pl.DataFrame) -> dict[EdgeType, pl.DataFrame]:
    edges: dict[EdgeType, pl.DataFrame] = {}
    keys = ["head_type", "relation", "tail_type"]
    named = triples.with_columns(_relation_name())
    for key, rows in sorted(named.group_by(keys), key=lambda group: tuple(map(str, group[0]))):
        source, relation, target = map(str, key)
        evidence = {name: _from_triple(name, dtype) for name, dtype in ATTRIBUTE_COLUMNS.items() if name in _EVIDENCE}
        edges[(source, schema.relation(relation).name, target)] = rows.select(source="head", target="tail", **evidence).unique(["source", "target"])
    return edges


def _from_triple(name: str, dtype: pl.DataType) -> pl.Expr:
    given: Mapping[str, object] = {"confidence": 1.0, "field": "triples", "extractor": "catalog", "extractor_version": "1"}
    return pl.col("tail") if name == "surface" else pl.lit(given.get(name), dtype=dtype)


def triple_facts(triples: pl.DataFrame) -> pl.DataFrame:
    """Return what ready-made triples say about items as facts: `item_id`, `relation`, `value`; a shop states them, so `extractor` is "catalog"."""
    named = triples.filter((pl.col("head_type") == "item") & (pl.col("tail_type") != "item")).with_columns(_relation_name())
    named = named.filter(pl.col("relation") == "has_" + pl.col("tail_type"))
    return named.select(item_id="head", relation="relation", value="tail", extractor=pl.lit("catalog")).unique(maintain_order=True)


def merged_triples(triples: pl.DataFrame, merges: pl.DataFrame) -> pl.DataFrame:
    """Return triples with the canonical value at either end: a merged value is one node, whatever relation leads to it."""
    if not merges.height:
        return triples
    names = merges.select(pl.col("relation").str.strip_prefix("has_").alias("type"), "surface", "canonical")
    for end in ("head", "tail"):
        log = names.rename({"type": f"{end}_type", "surface": end})
        joined = triples.join(log, on=[f"{end}_type", end], how="left", maintain_order="left")
        triples = joined.with_columns(pl.coalesce("canonical", end).alias(end)).select(triples.columns)
    return triples


def _relation_name() -> pl.Expr:
    return pl.col("relation").replace(schema.RELATION_ALIASES)


def _same_as_edges(duplicates: pl.DataFrame) -> dict[EdgeType, pl.DataFrame]:
    if not duplicates.height:
        return {}
    evidence = {
        "confidence": pl.col("score"),
        "field": pl.lit("item"),
        "start": pl.lit(None, dtype=pl.Int64),
        "end": pl.lit(None, dtype=pl.Int64),
        "surface": pl.col("evidence"),
        "extractor": pl.lit("resolve"),
        "extractor_version": pl.lit("1"),
    }
    return {SAME_AS: duplicates.select(source="item_id", target="duplicate_of", score="score", **evidence)}


def _user_attribute_edges(users: pl.DataFrame) -> dict[EdgeType, pl.DataFrame]:
    edges: dict[EdgeType, pl.DataFrame] = {}
    for name in users.columns[1:]:
        frame = users.select(source="user_id", target=name).explode("target").drop_nulls().unique()
        if frame.height:
            edges[("user", schema.attribute_relation(name), schema.value_type(schema.attribute_relation(name)))] = frame.sort("source", "target")
    return edges


def _merged(*parts: dict[EdgeType, pl.DataFrame]) -> dict[EdgeType, pl.DataFrame]:
    """Join edge tables of the same type; of two edges between the same nodes the one with the higher confidence stays."""
    collected: dict[EdgeType, list[pl.DataFrame]] = {}
    for part in parts:
        for edge_type, frame in part.items():
            collected.setdefault(edge_type, []).append(frame)
    return {edge_type: _best(frames) for edge_type, frames in collected.items()}


def _best(frames: list[pl.DataFrame]) -> pl.DataFrame:
    frame = pl.concat(frames, how="diagonal")
    if "confidence" not in frame.columns:
        return frame.sort("source", "target")
    order = ["source", "target", "confidence", *(name for name in _EVIDENCE if name != "confidence")]
    descending = [False, False, True, *(False for _ in _EVIDENCE[1:])]
    return frame.sort(order, descending=descending, nulls_last=True).unique(["source", "target"], keep="first", maintain_order=True)


def _nodes(catalog: Catalog, interactions: pl.DataFrame, edges: Mapping[EdgeType, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    keys: dict[str, list[pl.Series]] = {"user": [catalog.users["user_id"], interactions["user_id"]]}
    for (source, _, target), frame in edges.items():
        keys.setdefault(source, []).append(frame["source"])
        keys.setdefault(target, []).append(frame["target"])
    nodes = {
        node_type: pl.DataFrame({"key": pl.concat([series.alias("key") for series in parts]).unique().sort()})
        for node_type, parts in sorted(keys.items())
        if node_type != "item"
    }
    items = catalog.items.select(pl.col("item_id").alias("key"), "title", "description", "price_cents", "available").sort("key")
    shown = [name for name in items.columns if name == "key" or items[name].null_count() < items.height]
    return {"item": items.select(shown), **{name: frame for name, frame in nodes.items() if frame.height}}
