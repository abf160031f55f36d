"""Corrections of facts as the console makes them: what an item would be, whose lists that would change, and the entry in the log.

The log is that of `reckon facts` (`kg.graph.corrections`). Whoever follows it (`reckon serve` does) applies it to live answers and to the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from api.console.what_if import with_changed_item
from api.serving.item_state import ItemState
from api.serving.list_changes import differs, list_change, sampled
from api.serving.snapshot_server import Serving
from gnn.live.rows import LiveItem
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender
from kg import schema
from kg.graph.corrections import relation_of, replaces

Action = Literal["set", "drop"]
USERS_SHOWN = 10
_MET, _SAMPLED = 60, 60


@dataclass(frozen=True, slots=True)
class Effect:
    """What a correction would change.

    Attributes:
        users: How many users' lists were compared.
        changed: How many of them would be others.
        lists: The changes of `USERS_SHOWN` users, those that change most first; users whose lists stay as they are fill it up.
        titles: Item id → title, of all items in them.
    """

    users: int
    changed: int
    lists: Sequence[dict[str, Any]]
    titles: Mapping[str, str]


def known_relation(serving: Serving, name: str) -> str:
    """Return the relation that a person means, as the corrections log names it."""
    artifact = serving.recommender.artifact
    own = {relation for source, relation, target in artifact.edges if source == "item" and target != "item"}
    return relation_of(name.removeprefix(schema.DOUBTFUL), own)


def changed_item(serving: Serving, state: ItemState, item_id: str, action: Action, relation: str, value: str, instead_of: str = "") -> LiveItem:
    """Return an item as a correction would make it.

    Args:
        serving: What answers.
        state: The item as it is now.
        item_id: Which.
        action: set or drop.
        relation: Of the fact.
        value: Of the fact.
        instead_of: A value that goes at the same time, where a person corrects one.
    """
    facts: dict[tuple[str, str, str], list[str]] = {}
    for fact in state.facts:
        facts.setdefault(("item", str(fact["relation"]), str(fact["node_type"])), []).append(str(fact["value"]))
    edge_type = ("item", relation, schema.value_type(relation))
    values = facts.pop(edge_type, [])
    # What a rule only perhaps read is corrected too: a person's word leaves no doubt.
    doubtful = ("item", schema.DOUBTFUL + relation, edge_type[2])
    if doubtful in facts:
        facts[doubtful] = [each for each in facts[doubtful] if each not in (value, instead_of)]
    if action == "set" and replaces(relation):
        values = []
    values = [each for each in values if each not in (value, instead_of)] + ([value] if action == "set" else [])
    if values:
        facts[edge_type] = values
    artifact = serving.recommender.artifact
    price = state.fields.get("price_cents")
    title = state.fields.get("title") or artifact.titles[artifact.item_nums[item_id]]
    kept = {edge: tuple(sorted(set(values))) for edge, values in facts.items() if values}
    return LiveItem(item_id, str(title), kept, float("nan") if price is None else float(price))


def effect(serving: Serving, item: LiveItem, k: int = 10) -> Effect:
    """Return whose lists an item's changed facts would change: of those who met it, and of a sample of all; nothing is stored."""
    now = serving.recommender
    then = with_changed_item(serving, item)
    query = RecQuery(k=k, explain="none")
    changes: list[dict[str, Any]] = []
    titles: dict[str, str] = {}
    users = _users(now, item.item_id)
    for user_id in users:
        fresh = serving.fresh(user_id, now)
        before = now.answer(now.users.user(user_id, fresh), query)
        after = then.answer(then.users.user(user_id, fresh), query)
        titles |= {each.item_id: each.title for each in (*before.items, *after.items)}
        changes.append(list_change(user_id, before, after))
    ordered = sorted(changes, key=lambda change: -(3 * len(change["in"]) + 3 * len(change["out"]) + len(change["moved"])))
    return Effect(len(users), sum(map(differs, changes)), ordered[:USERS_SHOWN], titles)


def _users(recommender: Recommender, item_id: str) -> list[str]:
    """Return users to compare: some who met the item, and a sample of everybody."""
    artifact = recommender.artifact
    num = recommender.item_num(item_id)
    met: set[int] = set()
    for (source, _, target), edges in artifact.edges.items():
        if source == "user" and target == "item" and num < edges.reverse.shape[0]:
            row = edges.reverse
            met |= set(np.asarray(row.indices[row.indptr[num] : row.indptr[num + 1]]).tolist())
    near = sampled([artifact.user_ids[user] for user in met], _MET)
    return list(dict.fromkeys([*near, *sampled(artifact.user_ids, _SAMPLED)]))
