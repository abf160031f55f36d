"""How lists of users change from one state to another: what comes, what goes, what moves. What previews of rules and of corrections show."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Sequence
from typing import Any

from gnn.recommend.query import Recommendations

_MOST_ITEMS = 100


def sampled(user_ids: Sequence[str], n: int) -> list[str]:
    """Return a sample that depends on the ids alone: those whose digests are smallest."""
    return heapq.nsmallest(n, user_ids, key=lambda user_id: hashlib.blake2b(user_id.encode(), digest_size=8).digest())


def list_change(user_id: str, now: Recommendations, then: Recommendations) -> dict[str, Any]:
    """Return what differs between two lists of a user, in the shape of `api.rules.routes.ListChange`."""
    before, after = ({item.item_id: item.rank for item in answer.items} for answer in (now, then))
    return {
        "user_id": user_id,
        "in": [{"item_id": item_id, "rank": rank} for item_id, rank in after.items() if item_id not in before],
        "out": [{"item_id": item_id, "rank": rank} for item_id, rank in before.items() if item_id not in after],
        "moved": [
            {"item_id": item_id, "rank": rank, "rank_before": before[item_id]} for item_id, rank in after.items() if before.get(item_id, rank) != rank
        ],
        "rules": [effect.rule_id for effect in then.rules],
    }


def differs(change: dict[str, Any]) -> bool:
    """Say whether a list is another one now."""
    return bool(change["in"] or change["out"] or change["moved"])


def gains(changes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items that come into or leave the most lists."""
    counted: Counter[str] = Counter()
    for change in changes:
        counted.update({row["item_id"]: 1 for row in change["in"]})
        counted.subtract({row["item_id"]: 1 for row in change["out"]})
    ordered = sorted(counted.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
    return [{"item_id": item_id, "lists": gain} for item_id, gain in ordered[:_MOST_ITEMS] if gain]
