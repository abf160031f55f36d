"""What the database holds: a build's types, columns and column types, kept in one marker node.

A database returns values, not tables: an absent property may be of any type. With the layout, what is read back equals what was written.
The marker changes in the transaction that changes the graph. Where a load takes several, it says so before the first and is completed by the last.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from kg.cypher import BUILD_LABEL, SWITCH_LABEL
from kg.errors import BuildError, GraphUnavailableError, InputError
from kg.schema import EdgeType, node_type, relation
from kg.store.bolt import BoltSession, Transaction
from kg.store.checks.mistakes import Vocabulary
from kg.tables import PROPERTY_TYPES, GraphTables

_DTYPES = {str(dtype): dtype for dtype in PROPERTY_TYPES}
Columns = Mapping[str, pl.DataType]
_OWN = (
    *("build_id", "complete", "touched", "about", "nodes", "edges", "one", "n", "until"),
    *("year", "quarter", "month", "week", "weekYear", "dayOfWeek", "dayOfQuarter", "ordinalDay", "day", "hour", "minute", "second", "millisecond"),
    *("microsecond", "nanosecond", "timezone", "offset", "epochMillis", "epochSeconds", "years", "months", "weeks", "days", "hours", "minutes"),
    *("seconds", "milliseconds", "x", "y", "z", "longitude", "latitude", "height", "crs", "srid"),
)
"""Properties that the database has beside those of the tables, and those of times, durations and points."""


@dataclass(frozen=True)
class Layout:
    """The tables of one build without their rows.

    Attributes:
        build_id: The build.
        complete: Everything was written, and nothing else is there.
        nodes: node type → property → type.
        edges: edge type → property → type.
        touched: Changed since by `GraphStore.apply`, so the graph is not that of the build's tables.
        about: What else is kept of the build.
    """

    build_id: str
    complete: bool
    nodes: Mapping[str, Columns]
    edges: Mapping[EdgeType, Columns]
    touched: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: GraphTables, build_id: str, about: Mapping[str, Any] | None = None) -> Layout:
        """Return the layout of these tables.

        Raises:
            InputError: Two types would share a label, or a column has a name that the database needs itself.
        """
        nodes = {name: {c: t for c, t in frame.schema.items() if c != "key"} for name, frame in tables.nodes.items()}
        edges = {e: {c: t for c, t in frame.schema.items() if c not in ("source", "target")} for e, frame in tables.edges.items()}
        _check_names(nodes, edges)
        return cls(build_id, True, nodes, edges, about=dict(about or {}))

    @classmethod
    def from_record(cls, build_id: str, complete: bool, nodes: str, edges: str, touched: bool | None = None) -> Layout:
        """Return the layout that a marker node holds.

        Raises:
            GraphUnavailableError: It was written by another version.
        """
        return cls(
            build_id,
            complete,
            {name: _columns(columns) for name, columns in json.loads(nodes).items()},
            {_edge_type(name): _columns(columns) for name, columns in json.loads(edges).items()},
            bool(touched),
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

    def beside(self, other: Layout) -> Layout:
        """Return the layout of what is there while this build is loaded over another."""
        nodes = {name: {**other.nodes.get(name, {}), **self.nodes.get(name, {})} for name in sorted({*other.nodes, *self.nodes})}
        edges = {e: {**other.edges.get(e, {}), **self.edges.get(e, {})} for e in sorted({*other.edges, *self.edges})}
        return replace(self, nodes=nodes, edges=edges)

    def save(self, transaction: Transaction) -> None:
        """Write the marker node, in place of any other."""
        nodes = {name: _texts(columns) for name, columns in self.nodes.items()}
        edges = {"/".join(edge_type): _texts(columns) for edge_type, columns in self.edges.items()}
        values = {"build_id": self.build_id, "complete": self.complete, "touched": self.touched}
        values |= {"nodes": json.dumps(nodes), "edges": json.dumps(edges), "about": json.dumps(dict(self.about), ensure_ascii=False)}
        transaction.run(f"MATCH (n:{BUILD_LABEL}) WHERE n.one IS NULL DETACH DELETE n")
        transaction.run(f"MERGE (n:{BUILD_LABEL} {{one: true}}) SET {', '.join(f'n.{name} = ${name}' for name in values)}", **values)

    def save_change(self, transaction: Transaction) -> bool:
        """Write the types of a change to the marker, and say whether the database holds this build whole; this also keeps a load away meanwhile."""
        nodes = {name: _texts(columns) for name, columns in self.nodes.items()}
        edges = {"/".join(edge_type): _texts(columns) for edge_type, columns in self.edges.items()}
        text = f"MATCH (n:{BUILD_LABEL}) WHERE n.build_id = $build_id AND n.complete SET n.touched = true, n.nodes = $nodes, n.edges = $edges"
        return bool(transaction.run(f"{text} RETURN count(n)", build_id=self.build_id, nodes=json.dumps(nodes), edges=json.dumps(edges)))


def layouts(bolt: BoltSession) -> list[Layout]:
    """Return what the database holds: nothing, one build whole or in part; several where a version before this one wrote it."""
    columns = ", ".join(f"n.{name} AS {name}" for name in ("build_id", "complete", "nodes", "edges", "touched"))
    return [Layout.from_record(**record.data()) for record in bolt.stream(f"MATCH (n:{BUILD_LABEL}) RETURN {columns} ORDER BY build_id")]


def vocabulary_of(layouts: Sequence[Layout]) -> Vocabulary | None:
    """Return the names that a graph's queries may use; None where no build is there."""
    if not layouts:
        return None
    labels, relations, properties = {BUILD_LABEL, SWITCH_LABEL}, set(), set(_OWN)
    for layout in layouts:
        labels |= {node_type(name).label for name in layout.nodes}
        relations |= {relation(edge_type[1]).type for edge_type in layout.edges}
        properties |= {node_type(name).key for name in layout.nodes}
        for columns in (*layout.nodes.values(), *layout.edges.values()):
            properties |= set(columns)
    return Vocabulary(frozenset(labels), frozenset(relations), frozenset(properties))


def loaded(bolt: BoltSession, build_id: str | None = None) -> Layout:
    """Return the layout of the build that the database holds whole.

    Args:
        bolt: The database.
        build_id: The build that it should be; None is any.

    Raises:
        BuildError: It is not there, or only in part.
    """
    present = layouts(bolt)
    if not present or build_id not in (None, present[-1].build_id):
        what = "a build" if build_id is None else f"build {build_id}"
        instead = f": it holds {present[-1].build_id}" if present else ""
        raise BuildError(f"the graph database does not hold {what}{instead}", hint="run `reckon rebuild`, or `reckon graph restore`")
    if len(present) > 1 or not present[0].complete:
        raise BuildError(f"build {present[-1].build_id} is in the graph database only in part", hint="`reckon graph restore` completes it")
    return present[0]


@dataclass(frozen=True)
class State:
    """What the database shows.

    Attributes:
        builds: (build, whether whole): none or one, several where a version before this one wrote them.
        switches: How often one build took the place of another.
        switching_until: One is doing so now, or was killed doing so: seconds since 1970; 0 where none is.
    """

    builds: tuple[tuple[str, bool], ...]
    switches: int = 0
    switching_until: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether queries see one whole build, or an empty graph."""
        return len(self.builds) <= 1 and all(complete for _, complete in self.builds) and self.switching_until < time.time()


def state_of(bolt: BoltSession) -> State:
    """Return what the database shows."""
    switch = bolt.record(f"MATCH (s:{SWITCH_LABEL}) RETURN s.n AS n, s.until AS until")
    text = f"MATCH (n:{BUILD_LABEL}) RETURN n.build_id AS build_id, n.complete AS complete ORDER BY build_id"
    builds = tuple((str(record["build_id"]), bool(record["complete"])) for record in bolt.stream(text))
    return State(builds) if switch is None else State(builds, int(switch["n"]), float(switch["until"]))


def note_switch(bolt: BoltSession, seconds: float) -> None:
    """Tell readers that a transaction is about to change the graph for at most so long; 0 says that it is over.

    The embedded database shows some of a transaction's pages before the others while it commits it, for milliseconds, and a large one for seconds.
    """
    until, begun = (time.time() + seconds, 1) if seconds else (0.0, 0)
    bolt.write(f"MERGE (s:{SWITCH_LABEL} {{one: true}}) SET s.until = $until, s.n = coalesce(s.n, 0) + $begun", until=until, begun=begun)


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
