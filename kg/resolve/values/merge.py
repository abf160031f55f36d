"""Merges the surfaces of one value: "HP", "Hewlett-Packard" and "hp inc" become one node, with a log that can be undone.

Conservative by design. Equal normal forms (spelling, legal suffix, unit, alias) merge; a rare value merges into a frequent one that is nearly
spelled the same if both occur with the same other attributes. Two values that the shop's own data show as distinct never meet in one
canonical value, whatever the rules say.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import polars as pl

from kg.resolve.merges import LOG_COLUMNS, apply_merges, required, undo_merges
from kg.resolve.values.evidence import RelationEvidence, ShopFacts
from kg.resolve.values.keys import ValueKey, value_key
from kg.resolve.values.similarity import similar_pairs

__all__ = ["LOG_COLUMNS", "apply_merges", "merge_values", "undo_merges"]

_RULE_SCORES = {"spelling": 1.0, "unit": 1.0, "alias": 0.98, "legal suffix": 0.97}
_RARE_FACTOR = 5
"""A value merges by similarity only into one that at least so many times as many items have."""
_MIN_SHARED_CONTEXT = 0.3


@dataclass
class _Cluster:
    members: list[int]
    head: int


def _head(members: list[int], values: list[str], keys: list[ValueKey], evidence: RelationEvidence) -> int:
    """Choose the canonical member: one spelled as the alias list has it, then the most used, then the first by alphabet."""
    return min(members, key=lambda v: (keys[v].named == "" or keys[v].named != values[v], -evidence.structured[v], -evidence.items[v], values[v]))


def _by_rule(values: list[str], keys: list[ValueKey], evidence: RelationEvidence, apart: set[str]) -> list[_Cluster]:
    """Group equal strong keys, closest spelling first, splitting where two members are distinct."""
    groups: dict[str, list[int]] = defaultdict(list)
    for number, key in enumerate(keys):
        groups[key.strong].append(number)
    clusters = []
    for strong in sorted(groups):
        free = sorted(groups[strong], key=lambda v: (keys[v].rule != "spelling", keys[v].plain, -evidence.items[v], values[v]))
        built: list[list[int]] = []
        for number in free:
            home = None if values[number] in apart else _home(number, built, evidence, values, apart)
            if home is None:
                built.append([number])
            else:
                home.append(number)
        clusters += [_Cluster(members, _head(members, values, keys, evidence)) for members in built]
    return clusters


def _home(number: int, built: list[list[int]], evidence: RelationEvidence, values: list[str], apart: set[str]) -> list[int] | None:
    for members in built:
        if not any(values[other] in apart or evidence.distinct(number, other) for other in members):
            return members
    return None


def _attach_similar(
    clusters: list[_Cluster], values: list[str], keys: list[ValueKey], evidence: RelationEvidence, apart: set[str]
) -> dict[int, tuple[int, float, str]]:
    """Let rare clusters join frequent ones. Returns cluster → (target cluster, score, evidence)."""
    weight = [sum(int(evidence.items[v]) for v in cluster.members) for cluster in clusters]
    proposals: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for a, b, ratio in similar_pairs([keys[cluster.head].strong for cluster in clusters]):
        small, large = (a, b) if weight[a] <= weight[b] else (b, a)
        if weight[small] * _RARE_FACTOR <= weight[large]:
            proposals[small].append((ratio, large))
    joined: dict[int, tuple[int, float, str]] = {}
    tenants: dict[int, list[int]] = defaultdict(list)
    # Frequent clusters decide first, so that a target is never one that has itself gone elsewhere.
    for small in sorted(proposals, key=lambda c: (-weight[c], values[clusters[c].head])):
        if any(values[v] in apart for v in clusters[small].members):
            continue
        for ratio, large in sorted(proposals[small], key=lambda p: (-p[0], -weight[p[1]], values[clusters[p[1]].head])):
            shared = evidence.shared_context(clusters[small].head, clusters[large].head)
            residents = [*clusters[large].members, *tenants[large]]
            refused = large in joined or shared is None or shared < _MIN_SHARED_CONTEXT
            if refused or any(values[r] in apart or evidence.distinct(v, r) for v in clusters[small].members for r in residents):
                continue
            joined[small] = (large, ratio, f"similar: spelling {ratio:.2f}, shared attributes {shared:.2f}")
            tenants[large] += clusters[small].members
            break
    return joined


def _rule_evidence(number: int, head: int, keys: list[ValueKey]) -> tuple[float, str]:
    if keys[number].plain == keys[head].plain:
        return 1.0, "spelling"
    rules = {keys[number].rule, keys[head].rule} - {"spelling"} or {"spelling"}
    return min(_RULE_SCORES[rule] for rule in rules), " and ".join(sorted(rules))


def _merge_relation(relation: str, facts: ShopFacts, apart: set[str]) -> list[tuple[str, str, str, float, str]]:
    evidence = RelationEvidence(facts, relation)
    values = evidence.values
    keys = [value_key(relation, value) for value in values]
    clusters = _by_rule(values, keys, evidence, apart)
    joined = _attach_similar(clusters, values, keys, evidence, apart)
    rows = []
    for number, cluster in enumerate(clusters):
        target, ratio, why = joined.get(number, (number, 1.0, ""))
        head = clusters[target].head
        for member in cluster.members:
            if member == head:
                continue
            score, rule = _rule_evidence(member, cluster.head, keys) if member != cluster.head else (1.0, "")
            rows.append((relation, values[member], values[head], score * ratio, "; ".join(part for part in (rule, why) if part)))
    return rows


def merge_values(attributes: pl.DataFrame, *, build_id: str, undone: pl.DataFrame | None = None) -> pl.DataFrame:
    """Find the surfaces of one value, per relation.

    Args:
        attributes: Facts (`kg.tables.ATTRIBUTE_COLUMNS`, at least item_id, relation, value and extractor); "catalog" as extractor marks the
            shop's own structured fields. The order of the rows does not matter.
        build_id: Recorded as `merged_at_build`.
        undone: Merges a person has undone (`relation`, `surface`): such a surface is kept apart from every other value.

    Returns:
        The merge log (`LOG_COLUMNS`), sorted by relation and surface.

    Raises:
        InputError: A column is missing.
    """
    required(attributes, ("item_id", "relation", "value", "extractor"), "attributes")
    apart: dict[str, set[str]] = defaultdict(set)
    if undone is not None:
        required(undone, ("relation", "surface"), "undone merges")
        for relation, surface in undone.select("relation", "surface").iter_rows():
            apart[relation].add(surface)
    rows = []
    facts = ShopFacts.of(attributes)
    for relation in sorted(facts.span):
        rows += _merge_relation(relation, facts, apart[relation])
    log = pl.DataFrame([(*row, build_id) for row in rows], schema=dict(LOG_COLUMNS), orient="row")
    return log.sort("relation", "surface")
