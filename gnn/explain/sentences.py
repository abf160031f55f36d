"""Reasons as sentences a shopper understands, from the templates of `kg.schema`. Every number in them is what it says."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gnn.explain.display_titles import shortened
from kg import schema

_VERBS = {
    "purchased": "bought",
    "viewed": "viewed",
    "added_to_cart": "put in the basket",
    schema.RATED: "rated",
    "clicked": "clicked on",
    "searched": "searched for",
}
ANCHORS = {"looked_at": "", "in_basket": " in your basket"}
"""Items that a list starts from without a shopper: what is said of them after their title."""
_BOTH, _ANY = "both this and ", "this and at least one of "
_HIGH = "{count} gave high ratings to both this and {history}"


def verb(relation: str) -> str:
    """Return what shoppers did to an item: "bought"."""
    return _VERBS.get(relation, "came across")


def history_text(count: int, named: Sequence[str], relations: Collection[str], *, rating: str = "", high: bool = False) -> str:
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
    anchor = next((name for name in relations if name in ANCHORS), None)
    verbs = {verb(name) for name in relations}
    met = verbs.pop() if len(verbs) == 1 else "came across"
    if count == 1:
        told = f" {rating}" if met == "rated" and rating else ""
        return f"‘{named[0]}’{ANCHORS[anchor]}" if anchor is not None else f"‘{named[0]}’, which you {met}{told}"
    highly = " highly" if met == "rated" and high else ""
    what = f"{count:,} items{ANCHORS[anchor]}" if anchor is not None else f"{count:,} items you {met}{highly}"
    titles = " and ".join(f"‘{title}’" for title in named)
    return f"{what} ({titles})" if len(named) == count else f"{what}, such as {titles}"


def reason_sentence(meta_path: schema.MetaPath, *, history: str, value: str = "", count: int = 0, several: bool = False, high: bool = False) -> str:
    """Fill in the sentence of a meta-path.

    Args:
        meta_path: The kind of path.
        history: What `history_text` returned.
        value: The shared value or item.
        count: Other shoppers on the paths.
        several: The history text names more than one item: each shopper met at least one of them.
        high: All ratings on the paths are high.
    """
    relation = schema.relation(meta_path.relation)
    words = meta_path.relation.replace("_", " ")
    if meta_path.family == "followed":
        did = {"added_to_cart": "chose"}.get(meta_path.steps[-1].edge_type[1], verb(meta_path.steps[-1].edge_type[1]))
        return f"{shoppers(count)} {did} this and a product that “{words}” links to {history}"
    if len(meta_path.steps) > 1 and not value and meta_path.family != "interaction":
        return f"Linked by “{words}” to the same products as {history}"
    template = relation.reverse_sentence if meta_path.steps[0].reverse and meta_path.family == "item_item" else relation.sentence
    if meta_path.family == "interaction":
        template = _HIGH if high and relation.name == schema.RATED else template
        template = template.replace(_BOTH, _ANY) if several else template
    return template.format(history=history, value=shortened(value), count=shoppers(count))


def learned_sentence(history: str, *, chosen: bool, neighbours: bool, against: bool) -> str:
    """Say what the learned part means, without pretending that it is a path.

    Args:
        history: What `history_text` returned.
        chosen: Something of it was learned from what shoppers chose.
        neighbours: Something was taken from neighbours in the graph, as nobody had chosen an item.
        against: It counts against the item.
    """
    sources = [*(["what is chosen together"] if chosen else []), *(["neighbours in the graph"] if neighbours else [])]
    return f"Learned from {' and '.join(sources)}: {'counts against it beside' if against else 'goes with'} {history}"


def alike_sentence(history: str) -> str:
    """Say what an item that nobody has met takes from the items that it reads like."""
    return f"Learned from its title and details, which are like those of products that go with {history}"


def shoppers(count: int) -> str:
    """Return "1 other shopper" or "12 other shoppers"; where there are none but the shopper, "Nobody but you"."""
    return f"{count:,} other shopper{'' if count == 1 else 's'}" if count else "Nobody but you"
