"""Reasons as sentences a shopper understands, from the templates of `kg.schema`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from kg import schema

_VERBS = {
    "purchased": "bought",
    "viewed": "viewed",
    "added_to_cart": "put in the basket",
    "rated": "rated",
    "clicked": "clicked on",
    "searched": "searched for",
}
ANCHORS = {"looked_at": "", "in_basket": " in the basket"}
"""Items that a list starts from without a shopper: what is said of them after their title."""
_LONGEST_TITLE = 48


def history_text(count: int, titles: Iterable[str], relations: Collection[str]) -> str:
    """Name the history items behind a reason, the strongest first.

    Args:
        count: How many there are.
        titles: Their titles, strongest first; only as many are looked at as are named.
        relations: How the shopper met them ("purchased"), each once.

    Returns:
        "‘Tea’, which you bought", or "3 items you bought, such as ‘Tea’ and ‘Milk’".
    """
    named = _first_distinct(titles, 1 if count == 1 else 2)
    anchor = next((name for name in relations if name in ANCHORS), None)
    if anchor is not None:
        where = ANCHORS[anchor]
        return f"‘{named[0]}’{where}" if count == 1 else f"{count:,} items{where}, such as {_and(named)}"
    verbs = {_VERBS.get(name, "came across") for name in relations}
    verb = verbs.pop() if len(verbs) == 1 else "came across"
    return f"‘{named[0]}’, which you {verb}" if count == 1 else f"{count:,} items you {verb}, such as {_and(named)}"


def _first_distinct(titles: Iterable[str], most: int) -> list[str]:
    found: list[str] = []
    for title in titles:
        short = shortened(title)
        if short not in found:
            found.append(short)
            if len(found) == most:
                break
    return found


def _and(named: Sequence[str]) -> str:
    return " and ".join(f"‘{title}’" for title in named)


def reason_sentence(meta_path: schema.MetaPath, *, history: str, value: str = "", count: int = 0) -> str:
    """Fill in the sentence of a meta-path.

    Args:
        meta_path: The kind of path.
        history: What `history_text` returned.
        value: The shared value or item.
        count: Other shoppers on the paths.
    """
    relation = schema.relation(meta_path.relation)
    if meta_path.family == "followed":
        return f"{shoppers(count)} bought this with products that “{meta_path.relation.replace('_', ' ')}” links to {history}"
    if len(meta_path.steps) > 1 and not value and meta_path.family != "interaction":
        return f"Linked by “{meta_path.relation.replace('_', ' ')}” to the same products as {history}"
    template = relation.reverse_sentence if meta_path.steps[0].reverse and meta_path.family == "item_item" else relation.sentence
    return template.format(history=history, value=shortened(value), count=shoppers(count))


def learned_sentence(history: str) -> str:
    """Say what the learned part means, without pretending that it is a path."""
    return f"Learned from what is chosen together: goes with {history}"


def alike_sentence(history: str) -> str:
    """Say what an item that nobody has met takes from the items that it reads like."""
    return f"Learned from its title and details, which are like those of products that go with {history}"


def shoppers(count: int) -> str:
    """Return "1 other shopper" or "12 other shoppers"."""
    return f"{count:,} other shopper{'' if count == 1 else 's'}"


@lru_cache(maxsize=4_096)
def shortened(title: str) -> str:
    """Cut a long title at a word."""
    title = " ".join(title.split())
    if len(title) <= _LONGEST_TITLE:
        return title
    cut = title[: _LONGEST_TITLE + 1].rsplit(" ", 1)[0].rstrip(" ,;:-/(")
    return f"{cut[:_LONGEST_TITLE]}…"
