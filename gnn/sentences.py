"""Reasons as sentences a shopper understands, from the templates of `kg.schema`."""

from __future__ import annotations

from collections.abc import Sequence

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


def history_text(titles: Sequence[str], relations: Sequence[str]) -> str:
    """Name the history items behind a reason, the strongest first.

    Args:
        titles: Their titles, strongest first.
        relations: How the shopper met each ("purchased").

    Returns:
        "‘Tea’, which you bought", or "3 items you bought, such as ‘Tea’ and ‘Milk’".
    """
    if relations and relations[0] in ANCHORS:
        return _anchored(titles, ANCHORS[relations[0]])
    verbs = {_VERBS.get(name, "came across") for name in relations}
    verb = verbs.pop() if len(verbs) == 1 else "came across"
    distinct = list(dict.fromkeys(shortened(title) for title in titles))
    if len(titles) == 1:
        return f"‘{distinct[0]}’, which you {verb}"
    named = " and ".join(f"‘{title}’" for title in distinct[:2])
    return f"{len(titles):,} items you {verb}, such as {named}"


def _anchored(titles: Sequence[str], where: str) -> str:
    distinct = list(dict.fromkeys(shortened(title) for title in titles))
    if len(titles) == 1:
        return f"‘{distinct[0]}’{where}"
    return f"{len(titles):,} items{where}, such as {' and '.join(f'‘{title}’' for title in distinct[:2])}"


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


def shoppers(count: int) -> str:
    """Return "1 other shopper" or "12 other shoppers"."""
    return f"{count:,} other shopper{'' if count == 1 else 's'}"


def shortened(title: str) -> str:
    """Cut a long title at a word."""
    title = " ".join(title.split())
    if len(title) <= _LONGEST_TITLE:
        return title
    cut = title[: _LONGEST_TITLE + 1].rsplit(" ", 1)[0].rstrip(" ,;:-/(")
    return f"{cut[:_LONGEST_TITLE]}…"
