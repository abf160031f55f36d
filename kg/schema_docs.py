"""`docs/schema.md`, generated from `kg.schema`: one read is enough to write Cypher. `reckon graph schema` prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from kg import schema
from kg.cypher import BUILD_LABEL, EVIDENCE, STATED
from kg.schema import EdgeType, MetaPath

_INTERACTIONS = {
    "count": ("integer", "events of this kind between the two"),
    "first_time": ("float", "the first one: Unix seconds, or the shop's order number"),
    "last_time": ("float", "the last one"),
    "rating": ("float", "the last rating given, where there are ratings"),
}
_EVIDENCE = {
    "field": (
        "text",
        "the item field that states it: `title`, `description`, `brand`, …; `triples` for a ready-made graph, `stated by` for a person",
    ),
    "start": ("integer", "first character of the span in that field; absent where there is no text"),
    "end": ("integer", "after the last character"),
    "surface": ("text", "the characters, as written"),
    "extractor": ("text", "who read it: `catalog` (a structured field), `rules`, `gazetteer`, `inferred`, `person`, `resolve`, or a trained model"),
    "extractor_version": ("text", "in which version"),
    "confidence": ("float", "0–1; 1 where the shop or a person states it"),
    "build_id": ("text", "the build that wrote the edge as it is"),
}
_STATED = {
    "by": ("text", "which person"),
    "note": ("text", "why"),
    "time": ("text", "when, ISO 8601, UTC"),
}
_ITEM = {
    "item_id": ("text", "key, unique"),
    "title": ("text", "as the shop writes it"),
    "description": ("text", "where the shop has one"),
    "price_cents": ("integer", "where known"),
    "available": ("boolean", "where known"),
}
_EXAMPLES: Sequence[tuple[EdgeType, str]] = (
    (("user", "purchased", "item"), "an interaction"),
    (("item", "has_brand", "brand"), "an attribute"),
    (("item", "also_bought", "item"), "a link between items, where shoppers purchase"),
)
_QUERIES = (
    ("The largest brands", "MATCH (i:Item)-[:HAS_BRAND]->(b:Brand) RETURN b.value AS brand, count(*) AS items ORDER BY items DESC LIMIT 10"),
    (
        "What an item is, and how that is known",
        "MATCH (i:Item)-[r]->(v) WHERE i.item_id = '1' AND r.field IS NOT NULL "
        "RETURN type(r) AS relation, v.value AS value, r.surface AS surface, r.field AS field, r.extractor AS extractor, r.confidence AS confidence",
    ),
    (
        "What those bought who bought an item",
        "MATCH (i:Item)<-[:PURCHASED]-(u:User)-[:PURCHASED]->(other:Item) WHERE i.item_id = '1' "
        "RETURN other.title AS title, count(DISTINCT u) AS shoppers ORDER BY shoppers DESC LIMIT 10",
    ),
    (
        "What persons stated",
        "MATCH (i:Item)-[r]->(v) WHERE r.extractor = 'person' RETURN i.item_id, type(r) AS relation, v.value, r.by, r.note, r.time",
    ),
    (
        "Facts that are least certain",
        "MATCH (i:Item)-[r]->(v) WHERE r.confidence < 0.6 RETURN i.title, type(r) AS relation, v.value, r.confidence LIMIT 20",
    ),
    (
        "Items that are listed twice",
        "MATCH (a:Item)-[r:SAME_AS]->(b:Item) RETURN a.item_id, a.title, b.item_id, b.title, r.score ORDER BY r.score DESC",
    ),
    ("Items without a brand", "MATCH (i:Item) WHERE NOT (i)-[:HAS_BRAND]->() RETURN i.item_id, i.title LIMIT 20"),
)


def schema_page(sentence: Callable[[str], str]) -> str:
    """Return the page.

    Args:
        sentence: Relation → how a reason says it; the words are not the graph's own.
    """
    parts = [_head(), _nodes(), _edges(sentence), _evidence(), _meta_paths(), _queries()]
    return "\n".join("\n".join(part) + "\n" for part in parts)


def example_queries() -> tuple[str, ...]:
    """Return the queries that the page shows."""
    return tuple(query for _, query in _QUERIES)


def _head() -> list[str]:
    return [
        "# The schema of the graph",
        "",
        f"Generated from `kg/schema.py` (schema version {schema.SCHEMA_VERSION}) by `reckon graph schema`; a test compares the two.",
        "`reckon cypher` runs a query.",
        "",
        "Every node and every edge that Reckon wrote has `build_id`, the build that wrote it as it is. An absent value is an absent property.",
        f"A `(:{BUILD_LABEL})` node says which build the database holds, what its stages took and counted, and whether it is there as a whole.",
    ]


def _nodes() -> list[str]:
    rows = [[f"`:{node.label}`", f"`{node.key}`", f"`{node.display}`", f"{node.plural}"] for node in schema.named_node_types()]
    lines = ["## Nodes", "", "One label per node, one unique key per label.", "", *_table(["label", "key", "what people read", "what it is"], rows)]
    lines += [
        "",
        "A relation `has_x` leads to nodes of the label `X`, with the key `value`: `has_color` to `(:Color {value: 'navy'})`,",
        "`has_pack_size` to `(:PackSize)`. Node types of a shop's own triples are labelled by the same rule: `screen_type` is `:ScreenType`.",
        "",
        "Properties of `:Item`:",
        "",
        *_properties(_ITEM),
    ]
    return lines


def _edges(sentence: Callable[[str], str]) -> list[str]:
    kinds = {name: kind for kind, name in schema.KIND_RELATIONS.items()}
    interactions, others = [], []
    for relation in schema.named_relations():
        if relation.name in kinds:
            interactions.append([f"`(:User)-[:{relation.type}]->(:Item)`", f"`{kinds[relation.name]}`", sentence(relation.name)])
        elif relation.name.startswith("has_") or relation.name == schema.MENTIONS:
            value = schema.value_type(relation.name)
            said = sentence(relation.name) if schema.family(("item", relation.name, value)) else "never a reason"
            others.append([f"`(:Item)-[:{relation.type}]->(:{schema.node_type(value).label})`", "one" if relation.single else "many", said])
        else:
            others.append([f"`(:Item)-[:{relation.type}]->(:Item)`", "many", sentence(relation.name)])
    return [
        "## Edges",
        "",
        "A relation's type is its name in capitals: `has_brand` is `HAS_BRAND`. Between two nodes there is at most one edge of a type.",
        "",
        "Interactions, one edge per shopper, item and kind; a kind that a shop defines itself, `wishlist`, becomes `DID_WISHLIST`:",
        "",
        *_table(["edge", "kind of the event", "as a reason"], interactions),
        "",
        "Their properties:",
        "",
        *_properties(_INTERACTIONS),
        "",
        "Attributes and links:",
        "",
        *_table(["edge", "values per item", "as a reason"], others),
        "",
        "Any further attribute `x` of the catalogue becomes `(:Item)-[:HAS_X]->(:X)`; attributes of shoppers become `(:User)-[:HAS_X]->(:X)`.",
        f"Triples keep their relation; {_aliases()}.",
        "",
        "`SAME_AS` leads from a listing to the one that stands for the item, with `score` and, as `surface`, the reason. Events of all",
        "listings are edges to that one. Identity is no reason, so no meta-path walks it.",
    ]


def _aliases() -> str:
    return ", ".join(f"`{alias}` is `{name}`" for alias, name in sorted(schema.RELATION_ALIASES.items()) if alias != "brand")


def _evidence() -> list[str]:
    assert tuple(_EVIDENCE) == EVIDENCE and tuple(_STATED) == STATED  # noqa: S101, PT018 - the page shows what the store reads
    return [
        "## Evidence",
        "",
        "Every edge from an item to a value says where it comes from:",
        "",
        *_properties(_EVIDENCE),
        "",
        "An edge that a person stated (`extractor = 'person'`) also has:",
        "",
        *_properties(_STATED),
        "",
        "`end` is a word of Cypher: write it in backticks. `reckon why-fact ITEM RELATION VALUE` prints the sentence and the query that",
        "finds it.",
    ]


def _meta_paths() -> list[str]:
    lines = ["## Meta-paths", "", "Scores add up paths of these kinds, from an item of the history (`a`) to a recommended one (`b`):", ""]
    rows = []
    for edge_type, what in _EXAMPLES:
        known = [edge_type] if edge_type[0] == "user" or edge_type[2] != "item" else [("user", "purchased", "item"), edge_type]
        paths = [path for path in schema.meta_paths(known) if path.relation == edge_type[1]]
        rows += [[what if place == 0 else "", f"`{path.name}`", f"`{_pattern(path)}`"] for place, path in enumerate(paths)]
    return [*lines, *_table(["from", "meta-path", "pattern"], rows)]


def _pattern(path: MetaPath) -> str:
    text = "(a:Item)"
    for place, step in enumerate(path.steps, start=1):
        label, kind = schema.node_type(step.end).label, schema.relation(step.edge_type[1]).type
        name = f"(b:{label})" if place == len(path.steps) else f"(:{label})"
        text += f"<-[:{kind}]-{name}" if step.reverse else f"-[:{kind}]->{name}"
    return text


def _queries() -> list[str]:
    lines = ["## Queries to start from", ""]
    for title, query in _QUERIES:
        lines += [f"{title}:", "", "```cypher", query, "```", ""]
    return lines[:-1]


def _properties(properties: dict[str, tuple[str, str]]) -> list[str]:
    return _table(["property", "type", "meaning"], [[f"`{name}`", kind, meaning] for name, (kind, meaning) in properties.items()])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
