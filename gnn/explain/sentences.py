"""Parts of sentences that the kinds of reasons share; their words are in the catalogues of `gnn.explain.messages`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

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


def relation_template(relation: str) -> str:
    """Return how the reason of a relation reads in English, its placeholders left open."""
    if relation in schema.KIND_RELATIONS.values():
        return english().forms(f"through.both.{relation}")[OTHER]
    if relation == schema.MENTIONS:
        return english().forms(f"attribute.{relation}")[OTHER]
    if not relation.startswith("has_"):
        return english().forms(f"link.forward.{relation}")[OTHER]
    name = english().text(attribute_name(relation))
    return english().forms(f"attribute.{relation}")[OTHER].replace("{name}", name)


def attribute_name(relation: str) -> Message:
    """Say what an attribute is called: "pack size" for has_pack_size."""
    return say(f"attribute_name.{relation}", words=words_of(relation.removeprefix("has_")))


def link_name(relation: str) -> Message:
    """Say what a link is called: "also bought" for also_bought."""
    return say(f"link_name.{relation}", words=words_of(relation))


def other_users(count: int) -> Message:
    """Say "1 other shopper" or "12 other shoppers"; where there are none but the shopper, "Nobody but you"."""
    return say("shoppers.others", count=count)
