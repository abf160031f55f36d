"""Items that words find, for fields that take an item."""

from __future__ import annotations

from api.console.visit import Visit

MOST = 12


async def items(visit: Visit, text: str) -> list[tuple[str, str]]:
    """Return id and title of items that a text finds; none where search had to give up all of its words.

    Raises:
        CallError: The key may not search.
    """
    answer = await visit.get("/v1/search", {"q": text[:200], "k": MOST})
    if not answer["complete"] and len(answer["dropped"]) >= len(text.split()):
        return []
    return [(hit["item_id"], hit["title"]) for hit in answer["items"]]
