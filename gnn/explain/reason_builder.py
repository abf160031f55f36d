"""From groups of addends to reasons: worded for a person, with their strongest paths."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact
from gnn.explain.contributions import Contributions
from gnn.explain.display_titles import distinct_titles, shortened
from gnn.explain.drafts import Draft, joined
from gnn.explain.groups import Group, Groups
from gnn.explain.items_of_a_kind import ItemsOfAKind
from gnn.explain.kinds.base import Learned, ReasonContext, kind_of
from gnn.explain.messages.message import Message, plain, say
from gnn.explain.reasons import MOST_IN_A_ROW, Edge, Limits, Node, Path, Reason
from gnn.explain.sentences import ANCHORS, history_text
from gnn.model.history import History
from gnn.types import IntArray
from kg import schema
from kg.schema import Step

_FEW = 200
_NAMED_OF = 20
"""So many of an item's groups are asked for a name where none is worth stating."""
_MORE = 3
"""Reasons that are looked at beyond those that are listed, for one of another relation."""


class ReasonBuilder:
    """Words the groups of scores over one history.

    Args:
        artifact: Names the nodes.
        history: Whose scores they are.
        limits: How much is context.
    """

    def __init__(self, artifact: Artifact, history: History, limits: Limits) -> None:
        self._artifact, self._history, self._limits = artifact, history, limits
        self._nums = history.nums.tolist()
        self._relations = frozenset(history.relations)
        # The same nodes and edges come up again and again in a list.
        self._nodes: dict[tuple[str, int], Node] = {}
        self._edges: dict[Hashable, tuple[Edge, ...]] = {}
        self._kinds = ItemsOfAKind(artifact)
        self._user = Node(schema.USER.label, None if history.user_id is None else {schema.USER.key: history.user_id})

    def reasons(self, item: int, groups: Groups, own: range, total: float, *, alone: bool) -> tuple[list[Reason], float]:
        """Tell the groups of addends of one item; those that say the same are one reason.

        Args:
            item: item_num.
            groups: The addends.
            own: Which groups are the item's, the largest first.
            total: The item's score.
            alone: There are no other reasons: where no group is worth stating, one is said by its name, else in general.

        Returns:
            As many reasons as are listed, some more where those are all of one relation, and the sum of the addends that are in none.
        """
        drafts: list[Draft] = []
        left = 0.0
        for number in own:
            if len(drafts) >= self._limits.max_reasons and (_varied(drafts) or len(drafts) >= self._limits.max_reasons + _MORE):
                left += float(groups.totals[number : own.stop].sum())
                break
            group = groups.group(number)
            shown = self._worth_stating(item, group)
            if shown is None:
                left += group.total
                continue
            left += group.total - shown.total
            drafts = joined(drafts, self._draft(item, shown, total), self._limits.max_paths)
        if drafts or not own or not alone:
            return [draft.reason for draft in drafts], left
        number, reason = self._by_name(item, groups, own, total)
        return [reason], float(sum(groups.totals[other] for other in own if other != number))

    def _by_name(self, item: int, groups: Groups, own: range, total: float) -> tuple[int, Reason]:
        """Return the largest group that can be said by the name of its field, else the largest, worded in general, and which one it is."""
        for number in own[:_NAMED_OF]:
            draft = self._draft(item, groups.group(number), total)
            said = draft.kind.by_name(draft.context)
            if said is not None:
                return number, replace(draft.reason, message=said)
        largest = self._draft(item, groups.group(own[0]), total)
        return own[0], replace(largest.reason, message=say("attribute.details", history=largest.context.history))

    def _worth_stating(self, item: int, group: Group) -> Group | None:
        """Return what of a group is worth stating, as its kind of reason says."""
        source = group.part.walk.meta_path
        return self._kinds.within(group, kind_of(source).scope(source, self._value(group)), item, self._nums)

    def _value(self, group: Group) -> str:
        return "" if group.value < 0 else self._artifact.node_name(group.part.walk.meta_path.steps[0].end, group.value)

    def _draft(self, item: int, group: Group, total: float) -> Draft:
        part, meta_path = group.part, group.part.walk.meta_path
        through_others = meta_path.family in ("interaction", "followed")
        strongest, sums, counts = _by_position(group)
        if through_others and not self._limits.show_ids:
            shown, n_all = self._grouped_paths(item, part, total, strongest, sums, counts)
        else:
            shown, n_all = self._single_paths(item, part, total)
        share = group.total / total
        context = ReasonContext(
            meta_path,
            self._text(strongest, item),
            frozenset(strongest),
            self._value(group),
            count=self._others(item, group, strongest) if through_others else 0,
            high=self._artifact.rated_highly,
        )
        kind = kind_of(meta_path)
        rest = share - float(sum(path.share for path in shown)) if n_all > len(shown) else 0.0
        return Draft(Reason(kind.tag, share, kind.message(context), meta_path.relation, tuple(shown), n_all - len(shown), rest), kind, context)

    def learned(self, items: Sequence[int], learned: npt.NDArray[np.float64], totals: Sequence[float], *, alike: bool = False) -> list[list[Reason]]:
        """Tell the learned part of several items: a reason each, or none.

        Args:
            items: item_nums.
            learned: What it adds to each per history item, [n items, n history items].
            totals: The items' scores.
            alike: It was learned from what the items read like, not from what shoppers chose.
        """
        # Named are the history items that speak for an item or, where they outweigh these, those that speak against it.
        sums = learned.sum(axis=1)
        signed = np.where(sums[:, None] < 0, -learned, learned)
        sums, n_close = sums.tolist(), (signed > 0).sum(axis=1).tolist()
        some = np.any(learned, axis=1).tolist()
        orders = np.argsort(-signed, axis=1, kind="stable")
        reasons: list[list[Reason]] = []
        for item, own, order, there, total, added, close in zip(items, learned, orders, some, totals, sums, n_close, strict=True):
            if not there or not total:
                reasons.append([])
                continue
            head = order[: self._limits.max_history].tolist()
            rows = tuple((*self._item(n), share) for n, share in zip(head, (own[head] / total).tolist(), strict=True))
            named = order[: max(close, 1)].tolist()
            text = self._text(named, item)
            source: Learned = "read_alike" if alike else "chosen_together"
            kind = kind_of(source)
            chosen, neighbours = self._sources(named, item)
            said = kind.message(ReasonContext(source, text, frozenset(named), chosen=chosen, neighbours=neighbours, against=added < 0))
            reasons.append([Reason(kind.tag, added / total, said, history=rows)])
        return reasons

    def _text(self, positions: Sequence[int], item: int) -> Message:
        relations = self._relations if len(self._relations) == 1 else {self._history.relations[position] for position in positions}
        nums = [self._nums[position] for position in positions[:2]]
        titles = distinct_titles(self._artifact, [*nums, item], shortened)
        weights = self._artifact.model.history.ratings
        given = [self._history.rating(position) for position in positions] if weights is not None and schema.RATED in relations else []
        known = bool(given) and not np.isnan(given).any()
        rating = _rating(given[0], weights.best) if weights is not None and known and len(given) == 1 else ""
        high = weights is not None and known and all(weights.is_high(value) for value in given)
        return history_text(len(positions), [titles[num] for num in nums], relations, rating=rating, high=high)

    def _sources(self, positions: Sequence[int], item: int) -> tuple[bool, bool]:
        """Say whether the learned part comes from choices, and from neighbours in the graph, as for an item that nobody chose."""
        popularity = self._artifact.popularity
        none = [popularity[self._nums[position]] <= 0 for position in positions]
        if popularity[item] <= 0 or all(none):
            return False, True
        return True, any(none)

    def _others(self, item: int, group: Group, positions: Sequence[int]) -> int:
        """Return how many shoppers the paths go through; the shopper whose history it is does not count, though they may have met the item too."""
        user = None if self._history.user_id is None else self._artifact.user_nums.get(self._history.user_id)
        middles = group.part.middles
        if group.counts is None:
            return _distinct(middles[:, -1]) - (user is not None and bool((middles[:, -1] == user).any()))
        if user is None:
            return group.n_shoppers
        walk = group.part.walk
        step = walk.meta_path.steps[-1]
        # A shopper with very many items leads on to some of them only.
        met, led = (_row(matrix, user) for matrix in (self._artifact.oriented(step)[0], self._artifact.onward(step, walk)[0]))
        return group.n_shoppers - (item in led and any(self._nums[position] in met for position in positions))

    def _grouped_paths(
        self, item: int, part: Contributions, total: float, strongest: Sequence[int], sums: npt.NDArray[np.float64], counts: IntArray
    ) -> tuple[list[Path], int]:
        """Return the strongest paths and how many there are, those that differ by nothing but the shopper taken as one."""
        steps, most = part.walk.meta_path.steps, self._limits.max_paths
        rows: list[tuple[tuple[int, ...], float, int]]
        if len(steps) == 2:
            rows = [((position,), float(sums[position]), int(counts[position])) for position in strongest[:most]]
            n_all = len(strongest)
        else:
            # All but the shoppers, who are counted: the history item and what lies before them.
            width = int(part.middles[:, 0].max()) + 1
            keys, inverse = np.unique(part.positions * width + part.middles[:, 0], return_inverse=True)
            each, totals = np.bincount(inverse), np.bincount(inverse, weights=part.values)
            best = np.argsort(-totals, kind="stable")[:most].tolist()
            rows = [(divmod(int(keys[n]), width), float(totals[n]), int(each[n])) for n in best]
            n_all = len(keys)
        paths = []
        for (position, *nums), value, count in rows:
            between = [self._node(step.end, num) for step, num in zip(steps, nums, strict=False)]
            paths.append(self._path(position, steps, [*between, Node(schema.USER.label, count=count)], item, value / total))
        return paths, n_all

    def _single_paths(self, item: int, part: Contributions, total: float) -> tuple[list[Path], int]:
        """Return the strongest paths and how many there are."""
        steps, paths = part.walk.meta_path.steps, []
        for n in np.argsort(-part.values, kind="stable")[: self._limits.max_paths].tolist():
            between = [self._node(step.end, num) for step, num in zip(steps[:-1], part.middles[n].tolist(), strict=True)]
            paths.append(self._path(int(part.positions[n]), steps, between, item, float(part.values[n] / total)))
        return paths, len(part.values)

    def _path(self, position: int, steps: Sequence[Step], between: list[Node], item: int, share: float) -> Path:
        nodes = (self._node("item", self._nums[position]), *between, self._node("item", item))
        relation = self._history.relations[position]
        edges = self._edges_of(relation, steps)
        return Path(share, nodes if relation in ANCHORS else (self._user, *nodes), edges)

    def _edges_of(self, relation: str, steps: Sequence[Step]) -> tuple[Edge, ...]:
        """Return the edges of a path, from the shopper on where there is one."""
        key = relation, *((step.edge_type[1], step.reverse) for step in steps)
        edges = self._edges.get(key)
        if edges is None:
            first = () if relation in ANCHORS else (Edge(schema.relation(relation).type, reverse=False),)
            edges = (*first, *(Edge(schema.relation(step.edge_type[1]).type, step.reverse) for step in steps))
            self._edges[key] = edges
        return edges

    def _node(self, node_type: str, num: int) -> Node:
        node = self._nodes.get((node_type, num))
        if node is None:
            kind = schema.node_type(node_type)
            title = self._name(node_type, num)
            node = self._nodes[node_type, num] = Node(kind.label, {kind.key: self._artifact.node_key(node_type, num)}, title)
        return node

    def _name(self, node_type: str, num: int) -> str | None:
        """Return what a person reads where that is not the key."""
        if node_type == "item":
            return self._artifact.titles[num]
        if node_type == "user" or (name := self._artifact.node_name(node_type, num)) == self._artifact.node_key(node_type, num):
            return None
        return name

    def _item(self, position: int) -> tuple[str, str]:
        num = self._nums[position]
        return self._artifact.item_ids[num], self._artifact.titles[num]


def _varied(drafts: Sequence[Draft]) -> bool:
    return len(drafts) <= MOST_IN_A_ROW or len({draft.reason.about for draft in drafts}) > 1


def _rating(rating: float, best: float | None) -> Message:
    """Say a rating: "4 of 5"."""
    return say("rating.alone", value=plain(rating)) if best is None else say("rating.of", value=plain(rating), highest=plain(best))


def _by_position(group: Group) -> tuple[list[int], npt.NDArray[np.float64], IntArray]:
    """Return the history items behind addends, strongest first; and of each history item what it adds and how many paths it has."""
    part = group.part
    sums, counts = np.bincount(part.positions, weights=part.values), np.bincount(part.positions, weights=group.counts)
    taking = np.flatnonzero(counts)
    return taking[np.argsort(-sums[taking], kind="stable")].tolist(), sums.astype(np.float64), counts.astype(np.int64)


def _row(matrix: sp.csr_matrix, row: int) -> set[int]:
    return set(matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]].tolist())


def _distinct(nums: IntArray) -> int:
    if len(nums) <= _FEW:
        return len(set(nums.tolist()))
    there = np.zeros(int(nums.max()) + 1, dtype=bool)
    there[nums] = True
    return int(there.sum())
