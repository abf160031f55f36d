"""The single source of node types, relations and meta-paths.

Everything else (constraints, Cypher, graph tables, reasons, docs/schema.md) is generated from the declarations in this module. Shops may bring
node types and relations of their own (ready-made triples, extra catalogue columns); those are derived here by the same rules, so a
name is turned into a label and an edge type in exactly one place. What a relation means to a shopper is said by `gnn.explain.messages`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from kg.errors import InputError
from kg.field_names import words_of

SCHEMA_VERSION = 1

EdgeType = tuple[str, str, str]
"""(source node type, relation, target node type), all in snake_case, as PyTorch Geometric writes them."""

Family = Literal["interaction", "attribute", "item_item", "followed"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class NodeType:
    """One kind of node.

    Attributes:
        name: snake_case name used in tables and HeteroData ("brand").
        label: Label in the database ("Brand").
        key: Property that identifies a node; unique per label.
        display: Property a person reads; the key where nodes have no other name.
        plural: How a person names several of them.
    """

    name: str
    label: str
    key: str
    display: str
    plural: str


@dataclass(frozen=True, slots=True)
class Relation:
    """One kind of edge.

    Attributes:
        name: snake_case name ("has_brand").
        type: Edge type in the database ("HAS_BRAND").
        single: An item has at most one value of this relation.
    """

    name: str
    type: str
    single: bool = False


ITEM = NodeType("item", "Item", "item_id", "title", "items")
USER = NodeType("user", "User", "user_id", "user_id", "shoppers")

_NODE_TYPES = {
    node.name: node
    for node in (
        ITEM,
        USER,
        NodeType("brand", "Brand", "value", "value", "brands"),
        NodeType("category", "Category", "value", "value", "categories"),
        NodeType("free_from", "FreeFrom", "value", "value", "things it is free from"),
        NodeType("allergen", "Allergen", "value", "value", "allergens"),
        NodeType("allergen_trace", "AllergenTrace", "value", "value", "allergens it may contain"),
        NodeType("related", "Related", "value", "value", "related products"),
        NodeType("term", "Term", "value", "value", "words of titles"),
    )
}

KIND_RELATIONS = {
    "view": "viewed",
    "cart": "added_to_cart",
    "purchase": "purchased",
    "rating": "rated",
    "click": "clicked",
    "search": "searched",
    "impression": "was_shown",
    "dislike": "disliked",
}
"""Interaction kind → relation. A kind that a shop defines itself becomes `did_<kind>`."""
RATED, RATED_LOW = "rated", "rated_low"
"""High ratings and ratings without a value; low ones, which the arrays of a graph keep apart (`gnn.ratings`)."""
NOT_CHOSEN = ("impression", "dislike")
"""Kinds of interaction that say nothing for an item."""

ALLERGEN, ALLERGEN_TRACE = "has_allergen", "has_allergen_trace"
"""Allergens that an item is declared to contain, and those that it may contain: to look up and to filter by, no reason to like an item."""

COMPATIBLE_WITH = "compatible_with"
"""From an item to one that it is made to go with, by what its text says: the value of the fact is the other item's id."""

_RELATIONS = {
    relation.name: relation
    for relation in (
        Relation("purchased", "PURCHASED"),
        Relation("viewed", "VIEWED"),
        Relation("added_to_cart", "ADDED_TO_CART"),
        Relation("rated", "RATED"),
        Relation("clicked", "CLICKED"),
        Relation("searched", "SEARCHED"),
        Relation("was_shown", "WAS_SHOWN"),
        Relation("disliked", "DISLIKED"),
        Relation("has_brand", "HAS_BRAND", single=True),
        Relation("has_category", "HAS_CATEGORY"),
        Relation("has_free_from", "HAS_FREE_FROM"),
        Relation(ALLERGEN, "HAS_ALLERGEN"),
        Relation(ALLERGEN_TRACE, "HAS_ALLERGEN_TRACE"),
        Relation("mentions", "MENTIONS"),
        Relation("also_bought", "ALSO_BOUGHT"),
        Relation("also_viewed", "ALSO_VIEWED"),
        Relation("bought_together", "BOUGHT_TOGETHER"),
        Relation(COMPATIBLE_WITH, "COMPATIBLE_WITH"),
        Relation("same_as", "SAME_AS"),
    )
}

ONE_FROM_TEXT = frozenset(
    {
        "has_brand",
        "has_weight",
        "has_volume",
        "has_area",
        "has_pack_size",
        "has_screen_size",
        "has_dimensions",
        "has_battery_charge",
        "has_spf",
        "has_gender",
        "has_model",
    }
)
"""Relations of which text states one value per item: of several the most certain stays, then the title's, then the first."""

MEASURES = frozenset(
    f"has_{name}"
    for name in (
        *("length", "dimensions", "area", "weight", "volume", "power", "voltage", "frequency"),
        *("battery_charge", "storage", "memory", "thread", "pack_size"),
    )
)
"""Relations that text states as a quantity with a unit: descriptions name several, of which few are the item's own."""

MENTIONS = "mentions"
"""Relation of an item to the terms of its title (`kg.extract.terms`)."""

DOUBTFUL = "perhaps_"
"""Prefix of the relation of a fact that is kept in the graph but too uncertain for a reason ("perhaps_has_color")."""

RELATION_ALIASES = {
    "produced_by": "has_brand",
    "belongs_to": "has_category",
    "in_category": "has_category",
    "brand": "has_brand",
    "contains_allergen": "has_allergen",
    "may_contain_allergen": "has_allergen_trace",
}
"""Names that ready-made graphs use for relations we already have; their edges are merged with ours."""


def named_node_types() -> tuple[NodeType, ...]:
    """Return the node types that are declared here; a shop may bring others."""
    return tuple(_NODE_TYPES.values())


def named_relations() -> tuple[Relation, ...]:
    """Return the relations that are declared here; a shop may bring others."""
    return tuple(_RELATIONS.values())


def checked_name(name: str, *, what: str = "name") -> str:
    """Return `name` if it may become a label or an edge type.

    Args:
        name: A node type, relation or kind.
        what: How the error calls it.

    Raises:
        InputError: It is not 1–63 characters of a–z, 0–9 and _, starting with a letter. Names go into Cypher text, so nothing else is allowed.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{what} {name!r} is not usable in the graph", hint="use 1–63 of a–z, 0–9 and _, starting with a letter")
    return name


_RECORD = re.compile(
    r"has_(?:package_(?:width|depth|height|weight|length)|master_outer_case_\w+|products_per_\w+|pallet_\w+|layers_per_\w+|harmonized_system\w*|"
    r"(?:last_)?change(?:d)?|last_update|updated_at|created_at|status|market_segment|launch_date|processor_ark_id|ean|upc|gtin\w*|isbn|asin|sku|mpn)"
)
"""Fields about the parcel or the catalogue's record, not about the item: no reason to like one beside another."""


def node_type(name: str) -> NodeType:
    """Return the node type called `name`, deriving it where the shop brings its own.

    Raises:
        InputError: The name cannot become a label.
    """
    if name in _NODE_TYPES:
        return _NODE_TYPES[name]
    checked_name(name, what="node type")
    label = "".join(part.capitalize() for part in name.split("_") if part)
    return NodeType(name, label, "value", "value", words_of(name))


def relation(name: str) -> Relation:
    """Return the relation called `name`, deriving it where the shop brings its own.

    Raises:
        InputError: The name cannot become an edge type.
    """
    name = RELATION_ALIASES.get(name, name)
    if name in _RELATIONS:
        return _RELATIONS[name]
    checked_name(name, what="relation")
    return Relation(name, name.upper())


def kind_relation(kind: str) -> str:
    """Return the relation that interactions of `kind` become.

    >>> kind_relation("purchase"), kind_relation("wishlist")
    ('purchased', 'did_wishlist')

    Raises:
        InputError: The kind cannot become an edge type.
    """
    return KIND_RELATIONS.get(kind) or f"did_{checked_name(kind, what='interaction kind')}"


def kind_of(relation_name: str) -> str:
    """Return the interaction kind behind a relation: the inverse of `kind_relation`.

    >>> kind_of("purchased"), kind_of("rated_low"), kind_of("did_wishlist")
    ('purchase', 'rating', 'wishlist')
    """
    if relation_name == RATED_LOW:
        return "rating"
    for kind, name in KIND_RELATIONS.items():
        if name == relation_name:
            return kind
    return relation_name.removeprefix("did_")


def attribute_relation(field: str) -> str:
    """Return the relation that a catalogue field becomes ("color" → "has_color").

    >>> attribute_relation("color"), attribute_relation("categories"), attribute_relation("produced_by")
    ('has_color', 'has_category', 'has_brand')

    Raises:
        InputError: The field cannot become an edge type.
    """
    if field == "categories":
        return "has_category"
    return RELATION_ALIASES.get(field) or f"has_{checked_name(field, what='attribute')}"


def value_type(relation_name: str) -> str:
    """Return the node type of the values of an attribute relation ("has_color" → "color").

    >>> value_type("has_color"), value_type("perhaps_has_color"), value_type("compatible_with"), value_type("mentions")
    ('color', 'color', 'item', 'term')
    """
    if relation_name == COMPATIBLE_WITH:
        return ITEM.name
    if relation_name == MENTIONS:
        return "term"
    return relation_name.removeprefix(DOUBTFUL).removeprefix("has_")


def family(edge_type: EdgeType) -> Family | None:
    """Say which part an edge type plays in the score, or None where it plays none (user attributes, value hierarchies).

    >>> family(("user", "purchased", "item")), family(("item", "has_brand", "brand")), family(("item", "perhaps_has_color", "color")) is None
    ('interaction', 'attribute', True)
    """
    source, name, target = edge_type
    if name.startswith(DOUBTFUL):
        # Kept for people to look up and correct; no reason may show it, so no path may count it.
        return None
    if _RECORD.fullmatch(name):
        return None
    if name in (ALLERGEN, ALLERGEN_TRACE):
        return None
    if name in ("same_as", RATED_LOW):
        # Two listings of one item: identity, not a reason. Their histories are joined before anything is walked.
        # A low rating is no reason for what else its shopper rated.
        return None
    if source == "user" and target == "item":
        return "interaction"
    if source == "item" and target == "item":
        return "item_item"
    if source == "item" and target != "user":
        return "attribute"
    return None


def is_choice(edge_type: EdgeType) -> bool:
    """Say whether an edge type says that a shopper chose or looked at an item: an interaction other than impressions, dislikes and low ratings.

    >>> is_choice(("user", "purchased", "item")), is_choice(("user", "was_shown", "item"))
    (True, False)
    """
    return family(edge_type) == "interaction" and kind_of(edge_type[1]) not in NOT_CHOSEN


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of a meta-path; `reverse` when it is walked from target to source."""

    edge_type: EdgeType
    reverse: bool

    @property
    def start(self) -> str:
        """Node type the step leaves."""
        return self.edge_type[2] if self.reverse else self.edge_type[0]

    @property
    def end(self) -> str:
        """Node type the step reaches."""
        return self.edge_type[0] if self.reverse else self.edge_type[2]


@dataclass(frozen=True, slots=True)
class MetaPath:
    """A kind of path from an item of the history to a recommended item.

    Attributes:
        name: Unique name, e.g. "purchased", "has_brand", "also_bought", "also_bought_reverse", "also_bought_related".
        relation: The relation a reason names.
        family: The part it plays in the score.
        steps: Its edges in order; the first leaves an item, the last reaches one.
    """

    name: str
    relation: str
    family: Family
    steps: tuple[Step, ...]


def meta_paths(edge_types: Iterable[EdgeType]) -> tuple[MetaPath, ...]:
    """Derive every meta-path that the edge types of a graph allow, in a fixed order.

    interaction (user, r, item):   item ←r– user –r→ item
    attribute   (item, r, value):  item –r→ value ←r– item
    item_item   (item, r, item):   item –r→ item, item ←r– item, and item –r→ item ←r– item
    followed    an item_item step either way, then what shoppers chose together:   item –r→ item ←p– user –p→ item

    Args:
        edge_types: Edge types present in the graph, in any order.

    Returns:
        Meta-paths sorted by edge type; same input, same output.
    """
    paths: list[MetaPath] = []
    present = sorted(set(edge_types))
    chosen = _strongest_interaction(present)
    for edge_type in present:
        forward, backward = Step(edge_type, reverse=False), Step(edge_type, reverse=True)
        name = edge_type[1]
        match family(edge_type):
            case "interaction":
                paths.append(MetaPath(name, name, "interaction", (backward, forward)))
            case "attribute":
                unambiguous = value_type(name) == edge_type[2]
                paths.append(MetaPath(name if unambiguous else f"{name}_{edge_type[2]}", name, "attribute", (forward, backward)))
            case "item_item":
                paths.append(MetaPath(name, name, "item_item", (forward,)))
                paths.append(MetaPath(f"{name}_reverse", name, "item_item", (backward,)))
                paths.append(MetaPath(f"{name}_shared", name, "item_item", (forward, backward)))
                if chosen is not None:
                    together = (Step(chosen, reverse=True), Step(chosen, reverse=False))
                    paths.append(MetaPath(f"{name}_then_{chosen[1]}", name, "followed", (forward, *together)))
                    paths.append(MetaPath(f"{name}_reverse_then_{chosen[1]}", name, "followed", (backward, *together)))
            case None:
                pass
    return tuple(paths)


def _strongest_interaction(edge_types: Iterable[EdgeType]) -> EdgeType | None:
    """Return the interaction that says most about what belongs together: purchases before ratings before carts, and so on."""
    order = [KIND_RELATIONS[kind] for kind in ("purchase", "rating", "cart", "click", "view")]
    interactions = [edge_type for edge_type in edge_types if family(edge_type) == "interaction" and edge_type[1] in order]
    return min(interactions, key=lambda edge_type: order.index(edge_type[1]), default=None)
