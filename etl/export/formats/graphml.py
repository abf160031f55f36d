"""The graph as GraphML."""

from __future__ import annotations

from pathlib import Path

from etl.export.exporters import EXPORTERS, ExportedBuild, Exporter
from etl.export.graphml_file import graphml_file
from kg import schema
from kg.tables import GraphTables


def write_graphml(tables: GraphTables, path: Path) -> None:
    """Write a graph: a node per node, with its `type` and properties; an edge per edge, whose `type` is its relation's."""
    with path.open("w+b") as file, graphml_file(file) as graph:
        for node_type, frame in tables.nodes.items():
            for row in frame.iter_rows(named=True):
                graph.node(f"{node_type}:{row['key']}", {**row, "type": node_type})
        for (source, relation, target), frame in tables.edges.items():
            for row in frame.iter_rows(named=True):
                ends = f"{source}:{row.pop('source')}", f"{target}:{row.pop('target')}"
                graph.edge(*ends, {**row, "type": schema.relation(relation).type})


class GraphMl(Exporter):
    """Write the graph as GraphML."""

    name = "graphml"
    writes = "the graph, one file (Gephi, yEd, Cytoscape, networkx)"
    keeps = 'nodes "type:key" and edges with their properties; lists as JSON; not: characters that XML cannot hold'
    one_file = True

    def write(self, build: ExportedBuild, path: Path) -> None:
        """Write the graph of a build as GraphML."""
        write_graphml(build.graph, path)


EXPORTERS.register(GraphMl())
