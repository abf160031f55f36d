"""Every Cypher text that Reckon sends, generated from the schema. Values are always parameters; only checked names enter a text.

Reads collect many rows into one record, which crosses Bolt several times as fast as a record a row. Reads and writes name the nodes they are
about by key, a page at a time, so that no statement's memory grows with the graph, and every lookup goes through the key's index.

Nodes are found with WHERE, never with a map in the pattern: ArcadeDB takes a key such as "$rows" in a map for the parameter of that name.
"""

from __future__ import annotations

from collections.abc import Sequence

from kg import schema
from kg.schema import EdgeType, NodeType

BUILD_LABEL = "Reckon_Build"
"""One node: the build that the database holds, and what is known of it.

Labels of node types hold no underscore, so a shop's own type cannot be called this.
"""

SWITCH_LABEL = "Reckon_Switch"
"""One node: until when, at most, one build is taking the place of another, and how often that was."""


def key_constraint(node: NodeType) -> str:
    """Return the uniqueness constraint of a node type; it is also its index."""
    return f"CREATE CONSTRAINT {node.name}_key IF NOT EXISTS FOR (n:{node.label}) REQUIRE n.{node.key} IS UNIQUE"


def node_keys(node: NodeType) -> str:
    """Return the read of all keys of a label, by the build that wrote them; null is not ours."""
    return f"MATCH (n:{node.label}) RETURN n.build_id AS build_id, right(n.{node.key}, 2) AS part, collect(n.{node.key}) AS keys"


def read_nodes(node: NodeType, properties: Sequence[str]) -> str:
    """Return the read of the nodes `$keys` as rows [key, property, …]."""
    columns = ", ".join(["k", *(f"n.{_property(name)}" for name in properties)])
    return f"UNWIND $keys AS k {_node('n', node, 'k')} RETURN collect([{columns}]) AS rows"


def create_nodes(node: NodeType, properties: Sequence[str]) -> str:
    """Return the creation of `$rows` = [[key, property, …], …], marked with `$build_id`."""
    values = ", ".join([f"{node.key}: row[0]", "build_id: $build_id", *(f"{_property(p)}: row[{n}]" for n, p in enumerate(properties, start=1))])
    return f"UNWIND $rows AS row CREATE (n:{node.label} {{{values}}})"


def update_nodes(node: NodeType, properties: Sequence[str]) -> str:
    """Return the update of `$rows` = [[key, property, …], …], marked with `$build_id`; a null removes the property."""
    sets = ", ".join(["n.build_id = $build_id", *(f"n.{_property(p)} = row[{n}]" for n, p in enumerate(properties, start=1))])
    return f"UNWIND $rows AS row {_node('n', node, 'row[0]')} SET {sets}"


def count_nodes(node: NodeType) -> str:
    """Return the count of our nodes of one type."""
    return f"MATCH (n:{node.label}) WHERE n.build_id IS NOT NULL RETURN count(n) AS n"


def count_edges(edge_type: EdgeType) -> str:
    """Return the count of our edges of one type."""
    return f"MATCH {_path(edge_type)} WHERE r.build_id IS NOT NULL RETURN count(r) AS n"


def create_edges(edge_type: EdgeType, properties: Sequence[str], *, by_source: bool) -> str:
    """Return the creation of `$rows` = [[key, [[other key, property, …], …]], …], marked with `$build_id`.

    Properties stand in the pattern and edges are grouped by the end that has fewer nodes, each of which is then looked up once: together
    several times as fast as MERGE. The caller knows that these edges are new.

    Args:
        edge_type: What the edges are.
        properties: Their properties, in the order of the rows.
        by_source: The group key is the source.
    """
    near, far = _ends(edge_type, by_source=by_source)
    values = ", ".join(["build_id: $build_id", *(f"{_property(p)}: x[{n}]" for n, p in enumerate(properties, start=1))])
    return (
        f"UNWIND $rows AS row {_node('a', near, 'row[0]')} "
        f"UNWIND row[1] AS x {_node('b', far, 'x[0]')} CREATE {_arrow(edge_type, by_source=by_source, properties=values)}"
    )


def update_edges(edge_type: EdgeType, properties: Sequence[str], *, by_source: bool) -> str:
    """Return the update of existing edges from rows as `create_edges` takes them; a null removes the property."""
    near, far = _ends(edge_type, by_source=by_source)
    sets = ", ".join(["r.build_id = $build_id", *(f"r.{_property(p)} = x[{n}]" for n, p in enumerate(properties, start=1))])
    return (
        f"UNWIND $rows AS row {_node('a', near, 'row[0]')} UNWIND row[1] AS x "
        f"MATCH {_arrow(edge_type, by_source=by_source)} WHERE b.{far.key} = x[0] AND b:{far.label} AND r.build_id IS NOT NULL SET {sets}"
    )


def read_edges(edge_type: EdgeType, properties: Sequence[str], *, by_source: bool) -> str:
    """Return the read of our edges at the nodes `$keys`: per key rows [other key, property, …].

    Args:
        edge_type: What the edges are.
        properties: What to read of each edge.
        by_source: `$keys` are sources.
    """
    far = _ends(edge_type, by_source=by_source)[1]
    return f"{_at_keys(edge_type, by_source=by_source)} {_columns_of_edges('k', far, properties)}"


def read_few_edges(edge_type: EdgeType, properties: Sequence[str], *, by_source: bool) -> str:
    """Return the read of all our edges of a type at once, several times as fast where nodes have few edges; as `read_edges` otherwise."""
    near, far = _ends(edge_type, by_source=by_source)
    matched = f"MATCH {_arrow(edge_type, by_source=by_source, near=near.label, far=far.label)}"
    return f"{matched} {_columns_of_edges(f'a.{near.key}', far, properties)}"


def nodes_there(node: NodeType) -> str:
    """Return the read of which of the nodes `$keys` are there, with the build that wrote each: rows [key, build_id]."""
    return f"UNWIND $keys AS k {_node('n', node, 'k')} RETURN collect([k, n.build_id]) AS rows"


def edges_there(edge_type: EdgeType) -> str:
    """Return the read of which edges of `$rows` = [[source, [[target], …]], …] are there and ours: rows [source, target]."""
    return f"{_given_edges(edge_type, by_source=True)} RETURN collect([row[0], x[0]]) AS rows"


def delete_edges(edge_type: EdgeType, *, by_source: bool) -> str:
    """Return the removal of those edges of `$rows` = [[key, [[other key], …]], …] that are ours."""
    return f"{_given_edges(edge_type, by_source=by_source)} DELETE r"


def delete_nodes(node: NodeType) -> str:
    """Return the removal of those of the nodes `$keys` that are ours."""
    return f"UNWIND $keys AS k {_node('n', node, 'k')} AND n.build_id IS NOT NULL DETACH DELETE n"


def any_node(node: NodeType) -> str:
    """Return one of our nodes of a type, if there is any."""
    return f"MATCH (n:{node.label}) WHERE n.build_id IS NOT NULL RETURN 1 AS n LIMIT 1"


def any_edge(edge_type: EdgeType) -> str:
    """Return one of our edges of a type, if there is any."""
    return f"MATCH {_path(edge_type)} WHERE r.build_id IS NOT NULL RETURN 1 AS n LIMIT 1"


def _given_edges(edge_type: EdgeType, *, by_source: bool) -> str:
    near, far = _ends(edge_type, by_source=by_source)
    return (
        f"UNWIND $rows AS row {_node('a', near, 'row[0]')} UNWIND row[1] AS x "
        f"MATCH {_arrow(edge_type, by_source=by_source)} WHERE b.{far.key} = x[0] AND b:{far.label} AND r.build_id IS NOT NULL"
    )


def replay_path(
    labels: Sequence[str], keys: Sequence[tuple[str, str] | None], edges: Sequence[tuple[str, bool]], build_id: str | None = None
) -> tuple[str, dict[str, str]]:
    """Return the read that finds a path again, and its parameters; it answers with the number of such paths as `paths`.

    Args:
        labels: Label of each node.
        keys: (property, value) of each node; None for nodes that are counted instead of named.
        edges: (type, whether it is walked against its direction) of each edge.
        build_id: The build whose path it is: where the database holds another one, `paths` is null and `note` says so.
    """
    pattern = f"(n0:{labels[0]})"
    for place, (edge, reverse) in enumerate(edges, start=1):
        pattern += f"{'<-' if reverse else '-'}[:{edge}]{'-' if reverse else '->'}(n{place}:{labels[place]})"
    named = [(place, key) for place, key in enumerate(keys) if key is not None]
    where = " AND ".join(f"n{place}.{key[0]} = $n{place}" for place, key in named)
    parameters = {f"n{place}": key[1] for place, key in named}
    if build_id is None:
        return f"MATCH {pattern} WHERE {where} RETURN count(*) AS paths", parameters
    loaded = f"MATCH (held:{BUILD_LABEL}) WITH held.build_id AS held"
    counted = f"OPTIONAL MATCH {pattern} WHERE {where} WITH held, count(n0) AS found"
    paths = "CASE WHEN held = $build_id THEN found END AS paths"
    note = "CASE WHEN held <> $build_id THEN 'the graph of build ' + $build_id + ' is gone: the database holds ' + held END AS note"
    return f"{loaded} {counted} RETURN {paths}, {note}", {**parameters, "build_id": build_id}


def _node(variable: str, node: NodeType, key: str) -> str:
    return f"MATCH ({variable}:{node.label}) WHERE {variable}.{node.key} = {key}"


def _at_keys(edge_type: EdgeType, *, by_source: bool) -> str:
    near, far = _ends(edge_type, by_source=by_source)
    return f"UNWIND $keys AS k {_node('a', near, 'k')} MATCH {_arrow(edge_type, by_source=by_source, far=far.label)}"


def _columns_of_edges(key: str, far: NodeType, properties: Sequence[str]) -> str:
    columns = ", ".join([f"b.{far.key}", *(f"r.{_property(p)}" for p in properties)])
    return f"WHERE r.build_id IS NOT NULL RETURN {key} AS near, collect([{columns}]) AS rows"


def _arrow(edge_type: EdgeType, *, by_source: bool, properties: str = "", near: str = "", far: str = "") -> str:
    relation = schema.relation(edge_type[1]).type
    start, end = f"(a:{near})" if near else "(a)", f"(b:{far})" if far else "(b)"
    edge = f"[r:{relation} {{{properties}}}]" if properties else f"[r:{relation}]"
    return f"{start}-{edge}->{end}" if by_source else f"{start}<-{edge}-{end}"


def _path(edge_type: EdgeType) -> str:
    source, target = _ends(edge_type, by_source=True)
    return f"(a:{source.label})-[r:{schema.relation(edge_type[1]).type}]->(b:{target.label})"


def _ends(edge_type: EdgeType, *, by_source: bool) -> tuple[NodeType, NodeType]:
    """Return the node types (near, far): the near one is that of the group key."""
    source, target = schema.node_type(edge_type[0]), schema.node_type(edge_type[2])
    return (source, target) if by_source else (target, source)


def _property(name: str) -> str:
    return f"`{schema.checked_name(name, what='property')}`"


EVIDENCE = ("field", "start", "end", "surface", "extractor", "extractor_version", "confidence", "build_id")
"""What every extracted edge carries."""
STATED = ("by", "note", "time")
"""What an edge that a person stated carries beside it."""


def facts_of_item(relation_name: str) -> str:
    """Return the read of an item's values of one relation with their evidence: one row per edge, for `$item_id`."""
    item, relation = schema.ITEM, schema.relation(relation_name)
    properties = ", ".join(f"r.{_property(name)}" for name in (*EVIDENCE, *STATED))
    matched = f"MATCH (i:{item.label})-[r:{relation.type}]->(v) WHERE i.{item.key} = $item_id AND r.build_id IS NOT NULL"
    return f"{matched} RETURN v.value, i.title, i.description, {properties} ORDER BY v.value"


def why_fact(item_id: str, relation_name: str, value: str) -> str:
    """Return a query for people: the text that states a fact with the span in brackets, and the rest of its evidence.

    Offsets count characters; where a text holds characters beyond the basic plane (emoji), the databases count each twice and the brackets move.
    """
    item, relation, node = schema.ITEM, schema.relation(relation_name), schema.node_type(schema.value_type(relation_name))
    marked = " ".join(f"WHEN '{field}' THEN {_marked(f'i.{field}')}" for field in ("title", "description"))
    columns = ", ".join(f"r.{_property(name)} AS {'span_' + name if name in ('start', 'end') else name}" for name in (*EVIDENCE, *STATED))
    return (
        f"MATCH (i:{item.label})-[r:{relation.type}]->(v:{node.label}) WHERE i.{item.key} = {literal(item_id)} AND v.{node.key} = {literal(value)} "
        f"RETURN CASE r.field {marked} ELSE r.surface END AS sentence, {columns}"
    )


def literal(text: str) -> str:
    r"""Return a text as a Cypher string.

    >>> print(literal("it's 5\\6"))
    'it\'s 5\\6'
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return f"'{escaped}'"


def _marked(text: str) -> str:
    return f"substring({text}, 0, r.`start`) + '[' + substring({text}, r.`start`, r.`end` - r.`start`) + ']' + substring({text}, r.`end`)"
