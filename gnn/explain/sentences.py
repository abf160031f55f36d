"""Reasons as messages a shopper understands; their words are in the catalogues of `gnn.explain.messages`. Every number in them is what it says."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from gnn.explain.display_titles import shortened
from gnn.explain.messages.catalogue import OTHER
from gnn.explain.messages.languages import english
from gnn.explain.messages.message import Listing, Message, Quoted, Text, say
from kg import schema
from kg.field_names import words_of

RATED_HIGHLY, CHOSEN = "rated_highly", "chosen"
ANCHORS = ("looked_at", "in_basket")
"""Items that a list starts from without a shopper: how they come to be its history."""
_DONE = frozenset({"purchased", "viewed", "added_to_cart", schema.RATED, "clicked", "searched"})
"""What a shopper did, as far as sentences tell it apart."""
_ANSWERS = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
_NUMBERED = re.compile(r"(?:no\.|nr\.|#)\s*\d+", re.IGNORECASE)
"""A number by which a shop knows a maker or a supplier: it says nothing to a shopper."""


def did(relation: str) -> Message:
    """Say what shoppers did to an item: "bought"."""
    return say(f"did.{relation if relation in _DONE or relation in (RATED_HIGHLY, CHOSEN) else 'other'}")


def history_text(count: int, named: Sequence[Text], relations: Collection[str], *, rating: Text = "", high: bool = False) -> Message:
    """Name the history items behind a reason, the strongest first.

    Args:
        count: How many there are.
        named: Titles of the strongest, told apart; fewer than `count` where some are left out.
        relations: How the shopper met them ("purchased"), each once.
        rating: What the shopper rated the one item that there is; empty where it is not known.
        high: The shopper rated all of them highly.

    Returns:
        "‘Tea’, which you bought", "2 items you bought (‘Tea’ and ‘Milk’)", or "3 items you bought, such as ‘Tea’ and ‘Milk’".
    """
    met = _met(relations)
    if count == 1:
        if met == schema.RATED and rating:
            return say("history.one.rated_as", title=Quoted(named[0]), rating=rating)
        return say(f"history.one.{met}", title=Quoted(named[0]))
    which = "named" if len(named) == count else "such_as"
    met = RATED_HIGHLY if met == schema.RATED and high else met
    return say(f"history.{which}.{met}", count=count, titles=Listing(tuple(Quoted(title) for title in named)))


def _met(relations: Collection[str]) -> str:
    anchor = next((name for name in relations if name in ANCHORS), None)
    ways = {name if name in _DONE else "other" for name in relations}
    return anchor or (ways.pop() if len(ways) == 1 else "other")


def reason_sentence(
    meta_path: schema.MetaPath, *, history: Message, value: str = "", count: int = 0, several: bool = False, high: bool = False
) -> Message:
    """Say what a meta-path means.

    Args:
        meta_path: The kind of path.
        history: What `history_text` returned.
        value: The shared value or item.
        count: Other shoppers on the paths.
        several: The history text names more than one item: each shopper met at least one of them.
        high: All ratings on the paths are high.
    """
    relation = schema.relation(meta_path.relation).name
    if meta_path.family == "followed":
        return say(f"followed.{meta_path.steps[-1].edge_type[1]}", shoppers=shoppers(count), count=count, history=history, name=_link(relation))
    if meta_path.family == "interaction" and (relation in schema.KIND_RELATIONS.values() or relation.startswith("did_")):
        met = RATED_HIGHLY if high and relation == schema.RATED else relation
        name = _words(relation.removeprefix("did_"))
        return say(f"through.{'any' if several else 'both'}.{met}", shoppers=shoppers(count), count=count, history=history, name=name)
    if len(meta_path.steps) > 1 and not value and meta_path.family != "interaction":
        if relation.startswith("has_"):
            return say("attribute.linked", name=_attribute(relation), history=history)
        return say(f"link.shared.{relation}", name=_link(relation), history=history)
    if (relation.startswith("has_") or relation == schema.MENTIONS) and meta_path.family != "interaction":
        return _shared_value(relation, history, value)
    way = "reverse" if meta_path.steps[0].reverse and meta_path.family == "item_item" else "forward"
    return say(f"link.{way}.{relation}", name=_link(relation), history=history)


def _shared_value(relation: str, history: Message, value: str) -> Message:
    if relation == schema.MENTIONS:
        return say(f"attribute.{relation}", history=history, value=Quoted(value))
    name = _attribute(relation)
    if value.lower() in _ANSWERS:
        return say("attribute.flag", name=name, history=history, value=say(f"answer.{_ANSWERS[value.lower()]}"))
    if _NUMBERED.fullmatch(value):
        return say("attribute.unnamed", name=name, history=history)
    return say(f"attribute.{relation}", name=name, history=history, value=shortened(value))


def relation_template(relation: str) -> str:
    """Return how the reason of a relation reads in English, its placeholders left open."""
    if relation in schema.KIND_RELATIONS.values():
        return english().forms(f"through.both.{relation}")[OTHER]
    if relation == schema.MENTIONS:
        return english().forms(f"attribute.{relation}")[OTHER]
    if not relation.startswith("has_"):
        return english().forms(f"link.forward.{relation}")[OTHER]
    name = english().text(_attribute(relation))
    return english().forms(f"attribute.{relation}")[OTHER].replace("{name}", name)


def _attribute(relation: str) -> Message:
    return say(f"attribute_name.{relation}", words=_words(relation.removeprefix("has_")))


def _link(relation: str) -> Message:
    return say(f"link_name.{relation}", words=_words(relation))


def _words(name: str) -> str:
    return words_of(name)


def learned_sentence(history: Message, *, chosen: bool, neighbours: bool, against: bool) -> Message:
    """Say what the learned part means, without pretending that it is a path.

    Args:
        history: What `history_text` returned.
        chosen: Something of it was learned from what shoppers chose.
        neighbours: Something was taken from neighbours in the graph, as nobody had chosen an item.
        against: It counts against the item.
    """
    source = "both" if chosen and neighbours else "chosen" if chosen else "neighbours"
    return say(f"learned_against.{source}" if against else f"learned.{source}", history=history)


def alike_sentence(history: Message) -> Message:
    """Say what an item that nobody has met takes from the items that it reads like."""
    return say("learned.alike", history=history)


def shoppers(count: int) -> Message:
    """Say "1 other shopper" or "12 other shoppers"; where there are none but the shopper, "Nobody but you"."""
    return say("shoppers.others", count=count)
