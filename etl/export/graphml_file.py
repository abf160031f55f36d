"""GraphML, written node by node and edge by edge: Gephi, yEd, Cytoscape and networkx read it.

Nodes are called "type:key". Properties keep their types; lists and maps, which GraphML lacks, are JSON texts. Characters that XML cannot hold are
left out. The properties are declared at the head of the file and known at the end, so nodes and edges wait in a temporary file.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, Literal

from etl.export.row_formats import emptied

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})
_HEAD = """<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
_TYPES: dict[type, str] = {bool: "boolean", int: "long", float: "double"}
_Of = Literal["node", "edge"]


class GraphMlFile:
    """A GraphML file that is being written.

    Args:
        waiting: Where nodes and edges wait for the head.
    """

    def __init__(self, waiting: IO[bytes]) -> None:
        self._waiting = waiting
        self._keys: dict[tuple[_Of, str, str], str] = {}
        self._n_edges = 0

    def restart(self) -> None:
        """Forget all nodes and edges."""
        emptied(self._waiting)
        self._keys.clear()
        self._n_edges = 0

    def node(self, node_id: str, properties: Mapping[str, object]) -> None:
        """Write a node.

        Args:
            node_id: "type:key"; each comes once.
            properties: What is known of it; those that are None are left out.
        """
        self._write(f'<node id="{_text(node_id)}"', "node", properties)

    def edge(self, source: str, target: str, properties: Mapping[str, object]) -> None:
        """Write an edge; its id is its number, for programs drop an edge whose id they have seen.

        Args:
            source: Node where it begins.
            target: Node where it ends.
            properties: What is known of it; those that are None are left out.
        """
        self._write(f'<edge id="e{self._n_edges}" source="{_text(source)}" target="{_text(target)}"', "edge", properties)
        self._n_edges += 1

    def finish(self, file: IO[bytes]) -> None:
        """Write the whole file."""
        emptied(file)
        file.write(_HEAD.encode())
        for (of, name, kind), key in self._keys.items():
            file.write(f'<key id="{key}" for="{of}" attr.name="{_text(name)}" attr.type="{kind}"/>\n'.encode())
        file.write(b'<graph edgedefault="directed">\n')
        self._waiting.seek(0)
        shutil.copyfileobj(self._waiting, file)
        file.write(b"</graph>\n</graphml>\n")

    def _write(self, start: str, of: _Of, properties: Mapping[str, object]) -> None:
        data = "".join(self._data(of, name, value) for name, value in properties.items() if value is not None)
        self._waiting.write(f"{start}>{data}</{of}>\n".encode())

    def _data(self, of: _Of, name: str, value: object) -> str:
        kind = _TYPES.get(type(value), "string")
        key = self._keys.setdefault((of, name, kind), f"d{len(self._keys)}")
        return f'<data key="{key}">{_text(_said(value))}</data>'


@contextmanager
def graphml_file(file: IO[bytes]) -> Iterator[GraphMlFile]:
    """Give a GraphML file to write, which is whole when the context ends without an error."""
    with TemporaryFile() as waiting:
        graph = GraphMlFile(waiting)
        yield graph
        graph.finish(file)


def _said(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}INF"
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def _text(text: str) -> str:
    return _NOT_XML.sub("", text).translate(_ESCAPES)
