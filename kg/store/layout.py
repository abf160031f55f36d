"""What a build wrote into the database: the types, columns and column types, kept in one marker node per build.

A database returns values, not tables: an absent property may be of any type. With the layout, what is read back equals what was written.
The marker is written before the first row and completed after the last, so that a half-loaded build is known as such.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from kg.cypher import BUILD_LABEL
from kg.errors import BuildError, GraphUnavailableError, InputError
from kg.schema import EdgeType, node_type, relation
from kg.store.bolt import BoltSession
from kg.tables import PROPERTY_TYPES, GraphTables

_DTYPES = {str(dtype): dtype for dtype in PROPERTY_TYPES}
Columns = Mapping[str, pl.DataType]


@dataclass(frozen=True)
class Layout:
    """The tables of one build without their rows.

    Attributes:
        build_id: The build.
        complete: Everything was written.
        nodes: node type → property → type.
        edges: edge type → property → type.
    """

    build_id: str
    complete: bool
    nodes: Mapping[str, Columns]
    edges: Mapping[EdgeType, Columns]

    @classmethod
    def of(cls, tables: GraphTables, build_id: str) -> Layout:
        """Return the layout of these tables.

        Raises:
            InputError: Two types would share a label, or a column has a name that the database needs itself.
        """
        nodes = {name: {c: t for c, t in frame.schema.items() if c != "key"} for name, frame in tables.nodes.items()}
        edges = {e: {c: t for c, t in frame.schema.items() if c not in ("source", "target")} for e, frame in tables.edges.items()}
        _check_names(nodes, edges)
        return cls(build_id, False, nodes, edges)

    @classmethod
    def from_record(cls, build_id: str, complete: bool, nodes: str, edges: str) -> Layout:
        """Return the layout that a marker node holds.

        Raises:
            GraphUnavailableError: It was written by another version.
        """
        return cls(
            build_id,
            complete,
            {name: _columns(columns) for name, columns in json.loads(nodes).items()},
            {_edge_type(name): _columns(columns) for name, columns in json.loads(edges).items()},
        )

    def widened(self, nodes: Mapping[str, Columns], edges: Mapping[EdgeType, Columns]) -> Layout:
        """Return the layout with the types and columns of a change added to it.

        Raises:
            InputError: Two types would share a label, or a column has a name that the database needs itself or another type than it had.
        """
        wide_nodes = {name: _joined(name, self.nodes.get(name, {}), nodes.get(name, {})) for name in {**self.nodes, **nodes}}
        wide_edges = {e: _joined(e[1], self.edges.get(e, {}), edges.get(e, {})) for e in {**self.edges, **edges}}
        _check_names(wide_nodes, wide_edges)
        return replace(self, nodes=dict(sorted(wide_nodes.items())), edges=dict(sorted(wide_edges.items())))

    def save(self, bolt: BoltSession, *, complete: bool) -> None:
        """Write the marker node."""
        nodes = {name: _texts(columns) for name, columns in self.nodes.items()}
        edges = {"/".join(edge_type): _texts(columns) for edge_type, columns in self.edges.items()}
        text = f"MERGE (n:{BUILD_LABEL} {{build_id: $build_id}}) SET n.complete = $complete, n.nodes = $nodes, n.edges = $edges"
        bolt.write(text, build_id=self.build_id, complete=complete, nodes=json.dumps(nodes), edges=json.dumps(edges))


def layouts(bolt: BoltSession) -> list[Layout]:
    """Return the layouts of all builds that left something in the database, oldest first."""
    text = f"MATCH (n:{BUILD_LABEL}) RETURN n.build_id AS build_id, n.complete AS complete, n.nodes AS nodes, n.edges AS edges ORDER BY build_id"
    return [Layout.from_record(**record.data()) for record in bolt.stream(text)]


def loaded(bolt: BoltSession, build_id: str | None = None) -> Layout:
    """Return the layout of one build, or of the last.

    Args:
        bolt: The database.
        build_id: The build; None is the last.

    Raises:
        BuildError: It is not there, or only in part.
    """
    found = [layout for layout in layouts(bolt) if build_id in (None, layout.build_id)]
    if not found:
        what = "a build" if build_id is None else f"build {build_id}"
        raise BuildError(f"the graph database does not hold {what}", hint="run `reckon build`, or `reckon rebuild`")
    if not found[-1].complete:
        raise BuildError(f"build {found[-1].build_id} is in the graph database only in part", hint="run `reckon build` again; it goes on")
    return found[-1]


def forget(bolt: BoltSession, *, keep: str) -> None:
    """Remove the markers of all builds but `keep`."""
    bolt.write(f"MATCH (n:{BUILD_LABEL}) WHERE n.build_id <> $build_id DETACH DELETE n", build_id=keep)


def _check_names(nodes: Mapping[str, Columns], edges: Mapping[EdgeType, Columns]) -> None:
    labels: dict[str, str] = {}
    for name, columns in nodes.items():
        node = node_type(name)
        if labels.setdefault(node.label, name) != name:
            raise InputError(f"node types {labels[node.label]!r} and {name!r} would both be :{node.label}", hint="rename one of them")
        for reserved in {"build_id", node.key} & set(columns):
            raise InputError(f"nodes {name}: {reserved!r} is a name of the database's own", hint="rename the column")
    types: dict[tuple[str, str, str], EdgeType] = {}
    for edge_type, columns in edges.items():
        shown = (edge_type[0], relation(edge_type[1]).type, edge_type[2])
        if types.setdefault(shown, edge_type) != edge_type:
            raise InputError(f"edge types {types[shown]} and {edge_type} would both be :{shown[1]}", hint="rename one of them")
        if "build_id" in columns:
            raise InputError(f"edges {edge_type[1]}: 'build_id' is a name of the database's own", hint="rename the column")


def _joined(what: str, columns: Columns, more: Columns) -> Columns:
    retyped = [name for name, dtype in more.items() if columns.get(name, dtype) != dtype]
    if retyped:
        raise InputError(f"{what}: {retyped[0]!r} was {columns[retyped[0]]} and would be {more[retyped[0]]}", hint="run `reckon rebuild`")
    return {**columns, **more}


def _texts(columns: Columns) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in columns.items()}


def _columns(texts: Mapping[str, str]) -> Columns:
    try:
        return {name: _DTYPES[text] for name, text in texts.items()}
    except KeyError as error:
        raise GraphUnavailableError(
            f"the graph database holds a property of type {error.args[0]}", hint="another version wrote it; rebuild the graph"
        ) from None


def _edge_type(text: str) -> EdgeType:
    source, name, target = text.split("/")
    return source, name, target
