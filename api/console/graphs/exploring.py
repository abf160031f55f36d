"""What the graph page asks the database: a node, its neighbours, the edges among nodes, what lies between two. Cypher comes from the schema."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from api.console.graphs.drawing import Drawing
from api.console.visit import Visit
from gnn.artifact.artifact import Artifact
from kg import schema
from kg.errors import InputError, NotFoundError
from kg.schema import EdgeType, NodeType

MOST_SEEDS = 60
_USER = "user"
_MOST_BETWEEN = 60
Node = tuple[NodeType, str]
"""The type and the key of a node."""


class Explorer:
    """Questions about the graph of the build that answers, with the rights of one key.

    Args:
        visit: Who asks. A key without `profile:read` is shown no shopper.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._artifact: Artifact = visit.serving.recommender.artifact
        self._sees_users = visit.key.allows("profile:read")

    @property
    def edge_types(self) -> list[EdgeType]:
        """The kinds of edges that may be seen."""
        return [edge_type for edge_type in sorted(self._artifact.edges) if self._sees_users or _USER not in (edge_type[0], edge_type[2])]

    def relations(self) -> list[str]:
        """Return the types of those edges, as the database has them."""
        return sorted({schema.relation(relation).type for _, relation, _ in self.edge_types})

    def labels(self) -> list[str]:
        """Return the labels of nodes."""
        return sorted({schema.node_type(name).label for edge_type in self._artifact.edges for name in (edge_type[0], edge_type[2])})

    def node(self, text: str) -> Node:
        """Return the node that "Brand:Leafy" names.

        Raises:
            InputError: It names none.
            NotFoundError: The build has no nodes of this label, or the key may not see them.
        """
        label, colon, key = text.partition(":")
        if not colon or not key:
            raise InputError(f"{text[:80]!r} is no node", hint="write Label:key, such as Item:1082185 or Brand:Leafy")
        types = {name for edge_type in self.edge_types for name in (edge_type[0], edge_type[2])}
        result = next((schema.node_type(name) for name in sorted(types) if schema.node_type(name).label == label), None)
        if result is None:
            raise NotFoundError(f"there are no nodes {label[:60]!r} to see", hint=f"labels are {', '.join(self.labels())}")
        return result, key

    async def properties(self, node: Node) -> dict[str, Any]:
        """Return what the database holds of a node."""
        rows = await self._rows(f"MATCH (n:{node[0].label}) WHERE n.{node[0].key} = $key RETURN n AS node", {"key": node[1]})
        if not rows:
            raise NotFoundError(f"the graph has no {node[0].label} {node[1]!r}", hint="search for it by a part of its name")
        result: dict[str, Any] = rows[0][0]["properties"]
        return result

    async def degrees(self, node: Node) -> list[tuple[str, str, int]]:
        """Return how many edges of each type a node has: type, direction, how many."""
        result = []
        for edge_type, is_source in self._at(node, ()):
            pattern = _pattern(edge_type, is_source)
            rows = await self._rows(f"MATCH {pattern} WHERE n.{node[0].key} = $key RETURN count(r) AS n", {"key": node[1]})
            if rows and rows[0][0]:
                result.append((schema.relation(edge_type[1]).type, "→" if is_source else "←", int(rows[0][0])))
        return result

    async def titled(self, drawing: Drawing, node: Node) -> str:
        """Add a node with its title."""
        shown = await self.properties(node)
        return drawing.node(node[0].label, node[1], str(shown.get(node[0].display) or ""))

    async def neighbours(self, drawing: Drawing, node: Node, types: Collection[str], limit: int) -> int:
        """Add what a node leads to, and return how many kinds of edges were cut off.

        Args:
            drawing: Added to.
            node: From here.
            types: Only edges of these types; all where it is empty, shoppers then as one node with how many they are.
            limit: Most neighbours over each kind of edge.
        """
        name, cut = await self.titled(drawing, node), 0
        for edge_type, is_source in self._at(node, types):
            far = schema.node_type(edge_type[2] if is_source else edge_type[0])
            if not types and far.name == _USER:
                await self._counted(drawing, node, edge_type, is_source)
                continue
            wanted = f"m.{far.key} AS key, m.{far.display} AS title LIMIT {limit + 1}"
            text = f"MATCH {_pattern(edge_type, is_source)} WHERE n.{node[0].key} = $key RETURN {wanted}"
            rows = await self._rows(text, {"key": node[1]})
            cut += len(rows) > limit
            for key, title in rows[:limit]:
                other = drawing.node(far.label, str(key), str(title or ""))
                ends = (name, other) if is_source else (other, name)
                drawing.edge(ends[0], schema.relation(edge_type[1]).type, ends[1])
        return cut

    async def _counted(self, drawing: Drawing, node: Node, edge_type: EdgeType, is_source: bool) -> None:
        rows = await self._rows(f"MATCH {_pattern(edge_type, is_source)} WHERE n.{node[0].key} = $key RETURN count(r) AS n", {"key": node[1]})
        if rows and rows[0][0]:
            name, type_ = f"{node[0].label}:{node[1]}", schema.relation(edge_type[1]).type
            users = drawing.node("User", f"~{type_}~{node[1]}", count=int(rows[0][0]))
            drawing.edge(*((name, type_, users) if is_source else (users, type_, name)))

    async def between(self, drawing: Drawing, nodes: Sequence[Node]) -> None:
        """Add nodes and the edges among them; nodes that are gone are left out."""
        there: dict[str, list[str]] = {}
        for node in nodes[:MOST_SEEDS]:
            try:
                await self.titled(drawing, node)
            except NotFoundError:
                continue
            there.setdefault(node[0].name, []).append(node[1])
        for edge_type in self.edge_types:
            source, target = schema.node_type(edge_type[0]), schema.node_type(edge_type[2])
            if source.name in there and target.name in there:
                type_ = schema.relation(edge_type[1]).type
                text = (
                    f"MATCH (a:{source.label})-[r:{type_}]->(b:{target.label}) WHERE a.{source.key} IN $a AND b.{target.key} IN $b "
                    f"RETURN a.{source.key} AS a, b.{target.key} AS b LIMIT 500"
                )
                for a, b in await self._rows(text, {"a": there[source.name], "b": there[target.name]}):
                    drawing.edge(f"{source.label}:{a}", type_, f"{target.label}:{b}")

    async def paths(self, drawing: Drawing, first: Node, last: Node) -> None:
        """Add the shortest ways between two nodes: direct edges, what both lead to, and how many shoppers chose both."""
        await self.between(drawing, [first, last])
        a, b = f"{first[0].label}:{first[1]}", f"{last[0].label}:{last[1]}"
        for one, one_out in self._at(first, ()):
            for other, other_out in self._at(last, ()):
                middle = one[2] if one_out else one[0]
                if middle != _USER and middle == (other[2] if other_out else other[0]):
                    await self._over(drawing, (a, first, one, one_out), (b, last, other, other_out), schema.node_type(middle))
        if first[0].name == last[0].name == "item":
            await self._shared_users(drawing, first[1], last[1])

    async def _over(self, drawing: Drawing, one: tuple[str, Node, EdgeType, bool], other: tuple[str, Node, EdgeType, bool], middle: NodeType) -> None:
        types = [schema.relation(each[2][1]).type for each in (one, other)]
        left = f"-[r:{types[0]}]->" if one[3] else f"<-[r:{types[0]}]-"
        right = f"<-[s:{types[1]}]-" if other[3] else f"-[s:{types[1]}]->"
        text = (
            f"MATCH (a:{one[1][0].label}){left}(m:{middle.label}){right}(b:{other[1][0].label}) "
            f"WHERE a.{one[1][0].key} = $a AND b.{other[1][0].key} = $b "
            f"RETURN m.{middle.key} AS key, m.{middle.display} AS title LIMIT {_MOST_BETWEEN}"
        )
        for key, title in await self._rows(text, {"a": one[1][1], "b": other[1][1]}):
            name = drawing.node(middle.label, str(key), str(title or ""))
            for (end, _, _, out), type_ in zip((one, other), types, strict=True):
                drawing.edge(*((end, type_, name) if out else (name, type_, end)))

    async def _shared_users(self, drawing: Drawing, a: str, b: str) -> None:
        """Add how many shoppers chose both items, as one node: who they are is not shown."""
        for source, relation, target in sorted(self._artifact.edges):
            if source == _USER and target == "item":
                type_ = schema.relation(relation).type
                text = (
                    f"MATCH (a:Item)<-[:{type_}]-(u:User)-[:{type_}]->(b:Item) WHERE a.item_id = $a AND b.item_id = $b RETURN count(DISTINCT u) AS n"
                )
                rows = await self._rows(text, {"a": a, "b": b})
                if rows and rows[0][0]:
                    both = drawing.node("User", f"~{type_}~{a}~{b}", count=int(rows[0][0]))
                    drawing.edge(both, type_, f"Item:{a}")
                    drawing.edge(both, type_, f"Item:{b}")

    async def edge(self, source: Node, type_: str, target: Node) -> dict[str, Any]:
        """Return the properties of an edge."""
        known = [edge for edge in self.edge_types if (edge[0], schema.relation(edge[1]).type, edge[2]) == (source[0].name, type_, target[0].name)]
        if not known:
            raise NotFoundError(f"the graph has no edges {source[0].label}-[:{type_[:60]}]->{target[0].label}", hint="choose one of the table")
        text = (
            f"MATCH (a:{source[0].label})-[r:{type_}]->(b:{target[0].label}) "
            f"WHERE a.{source[0].key} = $a AND b.{target[0].key} = $b RETURN r AS edge LIMIT 1"
        )
        rows = await self._rows(text, {"a": source[1], "b": target[1]})
        if not rows:
            raise NotFoundError("the graph has this edge no more", hint="load the page again")
        result: dict[str, Any] = rows[0][0]["properties"]
        return result

    def values(self, text: str, limit: int) -> list[tuple[str, str]]:
        """Return nodes whose name holds a text: label and key, those that begin with it first."""
        wanted = text.casefold()
        hits: list[tuple[bool, int, str, str]] = []
        names = self._artifact.node_names
        for edge_type in self.edge_types:
            for name in (edge_type[0], edge_type[2]):
                if name not in ("item", _USER):
                    label = schema.node_type(name).label
                    hits += [
                        (not value.casefold().startswith(wanted), len(value), label, value) for value in names[name] if wanted in value.casefold()
                    ]
        return [(label, value) for _, _, label, value in sorted(set(hits))[:limit]]

    def _at(self, node: Node, types: Collection[str]) -> list[tuple[EdgeType, bool]]:
        """Return the kinds of edges at a node, and whether it is their source."""
        result = []
        for edge_type in self.edge_types:
            if not types or schema.relation(edge_type[1]).type in types:
                result += [(edge_type, True)] if edge_type[0] == node[0].name else []
                result += [(edge_type, False)] if edge_type[2] == node[0].name else []
        return result

    async def _rows(self, text: str, parameters: dict[str, Any]) -> list[list[Any]]:
        answer = await self._visit.send("POST", "/v1/cypher", {"query": text, "parameters": parameters, "max_rows": 1000})
        rows: list[list[Any]] = answer["rows"]
        return rows


def _pattern(edge_type: EdgeType, is_source: bool) -> str:
    near, far = (edge_type[0], edge_type[2]) if is_source else (edge_type[2], edge_type[0])
    type_ = schema.relation(edge_type[1]).type
    arrow = f"-[r:{type_}]->" if is_source else f"<-[r:{type_}]-"
    return f"(n:{schema.node_type(near).label}){arrow}(m:{schema.node_type(far).label})"
