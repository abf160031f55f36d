"""Titles that tell items apart: two items of one title are named with what differs between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np

from gnn.artifact.artifact import Artifact
from gnn.explain.messages.message import Listing, Text, decimals, say
from kg.schema import EdgeType, family

NUMBERED = re.compile(r"(?:no\.|nr\.|#)\s*\d+", re.IGNORECASE)
"""A number by which a shop knows a maker or a supplier: it says nothing to a shopper."""
_LONGEST_TITLE = 48
_LONGEST_VALUE = 40
_LONGEST_DIFFERENCE = 28
_FIRST = ("has_size", "has_color", "has_model", "has_pack_size", "has_brand")
"""What differs is looked for in these relations first, then in the others by name, then in the price."""


class Shown(Protocol):
    """How a title is shown."""

    def __call__(self, title: str, /) -> str:
        """Return it as shown."""


def whole(title: str) -> str:
    """Return a title with single spaces."""
    return " ".join(title.split())


@lru_cache(maxsize=4_096)
def shortened(title: str) -> str:
    """Cut a long title at a word."""
    title = whole(title)
    if len(title) <= _LONGEST_TITLE:
        return title
    cut = title[: _LONGEST_TITLE + 1].rsplit(" ", 1)[0].rstrip(" ,;:-/(")
    return f"{cut[:_LONGEST_TITLE]}…"


def distinct_titles(artifact: Artifact, nums: Sequence[int], shown: Shown = whole) -> dict[int, Text]:
    """Return the titles of items, each unlike the others.

    Args:
        artifact: Names the items.
        nums: item_nums.
        shown: How titles are shown: two that are shown alike are twins.
    """
    titles: dict[int, Text] = {}
    alike: dict[str, list[int]] = {}
    for num in nums:
        titles[num] = title = shown(artifact.titles[num])
        if num not in (twins := alike.setdefault(title.casefold(), [])):
            twins.append(num)
    for twins in alike.values():
        if len(twins) > 1:
            written = [whole(artifact.titles[num]) for num in twins]
            for num, difference in zip(twins, _unlike_words(written) or _differences(artifact, twins), strict=True):
                titles[num] = say("title.twin", title=titles[num], difference=difference)
    return titles


def _unlike_words(titles: Sequence[str]) -> list[str]:
    """Return from where on titles differ that are cut to the same words; nothing where their words are the same."""
    words = [title.split() for title in titles]
    if len({title.casefold() for title in titles}) < len(titles):
        return []
    alike = next((n for n, column in enumerate(zip(*words, strict=False)) if len({word.casefold() for word in column}) > 1), min(map(len, words)))
    if alike == 0:
        return []
    endings = [_cut(" ".join(own[alike:]).strip(" ,;:-/()")) for own in words]
    return [f"…{text}" for text in endings] if _distinct(endings) else []


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_DIFFERENCE else text[: _LONGEST_DIFFERENCE + 1].rsplit(" ", 1)[0].rstrip(" ,;:-/(")[:_LONGEST_DIFFERENCE]


def _differences(artifact: Artifact, twins: Sequence[int]) -> Sequence[Text | Listing]:
    """Return what tells twins apart: values of one relation, the price, or else the ids."""
    relations = [edge_type for edge_type in artifact.edges if family(edge_type) == "attribute" and edge_type[1].startswith("has_")]
    for edge_type in sorted(relations, key=_order):
        values = [_values(artifact, edge_type, num) for num in twins]
        if _distinct([", ".join(value) for value in values]):
            return [Listing(value, "comma") for value in values]
    cents = [float(artifact.price_cents[num]) for num in twins]
    if _distinct(["" if np.isnan(price) else f"{price / 100:.2f}" for price in cents]):
        return [say("title.price", price=decimals(price / 100, 2)) for price in cents]
    return [say("title.item", item_id=artifact.item_ids[num]) for num in twins]


def _order(edge_type: EdgeType) -> tuple[int, str]:
    name = edge_type[1]
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _distinct(values: Sequence[str]) -> bool:
    return all(values) and len({value.casefold() for value in values}) == len(values)


def _values(artifact: Artifact, edge_type: EdgeType, num: int) -> tuple[str, ...]:
    """Return the values of an item; none where they are too much to say."""
    forward = artifact.edges[edge_type].forward
    values = tuple(sorted(artifact.node_key(edge_type[2], int(value)) for value in forward.indices[forward.indptr[num] : forward.indptr[num + 1]]))
    said = tuple(value for value in values if not NUMBERED.fullmatch(value))
    return said if len(", ".join(said)) <= _LONGEST_VALUE else ()
