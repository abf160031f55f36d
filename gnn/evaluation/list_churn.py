"""How much lists change from one build to the next: of the same users, the share of items that are new."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender

USERS, K = 300, 10
"""Users whose lists are compared, and how long a list is."""


def known_to_both(before: Recommender, after: Recommender) -> list[str]:
    """Return users whom both builds know: every n-th of them, so that the same builds give the same answer."""
    known = sorted(set(before.artifact.user_ids) & set(after.artifact.user_ids))
    return known[:: max(1, len(known) // USERS)][:USERS]


def churn(had: Collection[str], has: Collection[str]) -> float:
    """Return which share of a list is new.

    >>> churn(["a", "b"], ["b", "c", "d", "e"])
    0.75
    """
    return len(set(has) - set(had)) / max(len(set(has)), 1)


def list_churn(before: Recommender, after: Recommender) -> dict[str, Any]:
    """Compare the lists of two builds.

    Returns:
        `users` whose lists were compared, of how many the list `changed`, and the mean `churn`.
    """
    each, query = [], RecQuery(k=K, explain="none")
    for user_id in known_to_both(before, after):
        had, has = (
            [item.item_id for item in recommender.answer(recommender.users.user(user_id, ()), query).items] for recommender in (before, after)
        )
        each.append(churn(had, has))
    return {"users": len(each), "changed": sum(value > 0 for value in each), "churn": round(sum(each) / len(each), 4) if each else 0.0}
