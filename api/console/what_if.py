"""Lists as they would be: without some business rules, without some items of the history, or with one item's facts changed. Nothing is stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from api.serving.snapshot_server import Serving
from gnn.live.overlay import Overlay
from gnn.live.rows import LiveItem
from gnn.recommend.query import Recommendations, RecQuery
from gnn.recommend.recommender import Recommender
from gnn.recommend.snapshot import assemble
from gnn.users.events import Events, weighted
from gnn.users.users import User


def without_items(recommender: Recommender, user: User, item_ids: Collection[str]) -> User:
    """Return a user who never met some items.

    Args:
        recommender: The build that answers.
        user: Who.
        item_ids: The items.

    Raises:
        NotFoundError: One of them is unknown.
    """
    nums = [recommender.item_num(item_id) for item_id in item_ids]

    def kept(events: Events) -> Events:
        return events.chosen(~np.isin(events.items, nums))

    events = kept(user.events)
    history = weighted(events, recommender.artifact.model.history, user.user_id, user.edits)
    return replace(user, events=events, history=history, fresh=kept(user.fresh), recent=kept(user.recent))


def changed_list(serving: Serving, user_id: str, query: RecQuery, *, rules_off: Sequence[str] = (), items_off: Sequence[str] = ()) -> Recommendations:
    """Return a user's list without some rules and without some items of the history."""
    recommender = serving.recommender
    user = recommender.users.user(user_id, serving.fresh(user_id, recommender))
    if items_off:
        user = without_items(recommender, user, items_off)
    rules = serving.rules.over(recommender.snapshot, without=rules_off) if rules_off else None
    return recommender.answer(user, replace(query, rules=rules))


def with_changed_item(serving: Serving, item: LiveItem) -> Recommender:
    """Return what would answer if an item's facts were others: scored as a changed item is, with the weights of the build.

    Args:
        serving: What answers now.
        item: The item as it would be.
    """
    now = serving.recommender
    snapshot, overlay = now.snapshot, now.overlay
    others: list[LiveItem] = []
    if overlay is not None:
        others = [live for live in (*overlay.arrays.items, *overlay.unchanged.values()) if live.item_id != item.item_id]
    changed = Overlay.of(
        now.build,
        [*others, item],
        available=None if overlay is None else overlay.available,
        gone=() if overlay is None else overlay.gone,
        previous=overlay,
    )
    changed.arrays.prepare()
    rules = serving.rules
    return Recommender(assemble(snapshot.engine, changed, rules.chosen(), snapshot.interests, declared=rules.declared, previous=snapshot))
