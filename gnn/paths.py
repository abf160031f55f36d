"""Exact explanations: the addends of one score, found again path by path.

For a history with weights c_j and an item i every addend is

    c_j · g_m · |N(j)|^-a · Π |N(v)|^-b · |N(i)|^-c      one path j → v → i of meta-path m, if (j, i) is among the pairs the score keeps
    c_j · g_L · ⟨a_j, b_i⟩                               the learned part of history item j

and share = addend / s. Nothing is estimated: the addends are enumerated from the same arrays that the scorer multiplies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.addends import Addends, History, WalkArrays, kept_pairs, through
from gnn.artifact import Artifact
from gnn.live_addends import LiveAddends
from gnn.overlay import Overlay
from gnn.sentences import ANCHORS, history_text, learned_sentence, reason_sentence
from gnn.walks import FloatArray, WalkWeights
from kg import schema
from kg.schema import EdgeType, Step

MAX_REASONS = 8
MAX_PATHS = 5
MAX_IDS = 10


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a shown path. Hops through other shoppers carry a count instead of a key."""

    label: str
    key: Mapping[str, str] | None = None
    title: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a shown path."""

    type: str
    reverse: bool


@dataclass(frozen=True, slots=True)
class Path:
    """A shown path, or a group of equal paths through other shoppers."""

    share: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """One group of addends.

    Attributes:
        kind: "graph", "learned", or "popular" for shoppers of whom nothing is known.
        share: Sum of its addends / score.
        sentence: For a person.
        relation: The relation it is about, of graph reasons.
        paths: Its strongest paths.
        n_not_shown: Paths of this group beyond those.
        share_not_shown: Their share.
        history: (item_id, title, share) of learned reasons, strongest first.
    """

    kind: str
    share: float
    sentence: str
    relation: str | None = None
    paths: tuple[Path, ...] = ()
    n_not_shown: int = 0
    share_not_shown: float = 0.0
    history: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of a score.

    Attributes:
        score: Sum of all addends, in double precision.
        reasons: The largest groups, largest first.
        remainder: Share of the addends in no listed group; 1 for a score of 0, which has no addends.
        n_paths: Graph paths behind the score.
    """

    score: float
    reasons: tuple[Reason, ...]
    remainder: float
    n_paths: int


@dataclass(frozen=True, slots=True)
class _Group:
    """The addends that become one reason: all of a meta-path, or those through one shared value.

    Attributes:
        part: The addends of the meta-path.
        value: The shared value's number, or -1.
        total: Their sum.
    """

    part: Addends
    value: int
    total: float

    def members(self) -> Addends:
        """Return only the addends of this group."""
        if self.value < 0:
            return self.part
        chosen = self.part.middles[:, 0] == self.value
        return Addends(self.part.walk, self.part.positions[chosen], self.part.middles[chosen], self.part.values[chosen])


def _groups(part: Addends) -> list[_Group]:
    if not len(part.values):
        return []
    meta_path = part.walk.meta_path
    # Values of an attribute ("Conair") are reasons of their own; products outside the catalogue that link two items are one reason together.
    if meta_path.family != "attribute" or meta_path.steps[0].end != schema.value_type(meta_path.relation):
        return [_Group(part, -1, float(part.values.sum()))]
    values, inverse = np.unique(part.middles[:, 0], return_inverse=True)
    totals = np.bincount(inverse, weights=part.values)
    return [_Group(part, int(value), float(total)) for value, total in zip(values, totals, strict=True)]


class Explainer:
    """Enumerates the addends of scores.

    Args:
        artifact: The build.
        walks: Explain the sum over these walks alone: every pair with all its paths, nothing learned. By default what the model ranks by.
    """

    def __init__(self, artifact: Artifact, *, walks: Sequence[WalkWeights] | None = None) -> None:
        self._build, self._whole = artifact, walks is None
        self._walks = [WalkArrays(artifact, walk) for walk in (artifact.model.walks if walks is None else walks) if walk.gate > 0]
        self._artifact = artifact
        self._live: LiveAddends | None = None

    def with_overlay(self, overlay: Overlay, current: Artifact) -> Explainer:
        """Return an explainer that also knows what changed since the build; what this one has worked out is shared.

        Args:
            overlay: What changed.
            current: The build with it (`gnn.current.current_artifact`): what names the nodes.
        """
        other = copy(self)
        other._artifact = current
        other._live = LiveAddends(overlay, self._walks) if overlay.arrays.items else None
        return other

    def scores(self, history: History) -> FloatArray:
        """Score all items by the sum over the walks: what `explain` explains where `walks` were given.

        Shapes:
            [n_items], float32.
        """
        total = np.zeros(self._artifact.n_items)
        built = history if self._live is None else self._live.as_built(history)
        for walk in self._walks:
            total[: self._build.n_items] += walk.carried(built)
        return total.astype(np.float32)

    def explain(
        self,
        history: History,
        item: int,
        *,
        max_reasons: int = MAX_REASONS,
        max_paths: int = MAX_PATHS,
        max_history: int = MAX_PATHS,
        show_ids: bool = False,
    ) -> Explanation:
        """Explain the score of one item.

        Args:
            history: Whose score it is.
            item: item_num.
            max_reasons: Groups listed; the others make up the remainder.
            max_paths: Paths listed per group.
            max_history: History items listed with what the learned part gives them.
            show_ids: List the other shoppers on a path one by one; only for those who may read the graph.
        """
        addends, learned = self.addends(history, item)
        total = float(sum(part.values.sum() for part in addends) + learned.sum())
        if not total:
            return Explanation(0.0, (), 1.0, 0)
        groups = [group for part in addends for group in _groups(part)]
        groups.sort(key=lambda group: (-group.total, group.part.walk.meta_path.name, group.value))
        reasons = [self._reason(history, item, group, total, max_paths, show_ids) for group in groups[:max_reasons]]
        reasons += self._learned_group(history, learned, total, max_history)
        reasons.sort(key=lambda reason: -reason.share)
        shown = tuple(reasons[:max_reasons])
        hidden = sum(group.total for group in groups[max_reasons:]) / total
        remainder = float(hidden + sum(reason.share for reason in reasons[max_reasons:]))
        return Explanation(total, shown, remainder, sum(len(part.values) for part in addends))

    def addends(self, history: History, item: int) -> tuple[list[Addends], npt.NDArray[np.float64]]:
        """Return every addend of a score: those of the paths, one entry per meta-path, and those of the learned part, one per history item."""
        if self._live is not None and self._whole:
            return self._live.addends(history, item), self._live.learned(history, item)
        built = history if self._live is None else self._live.as_built(history)
        if item >= self._build.n_items:
            return [], np.zeros(len(history.nums))
        kept = kept_pairs(self._build.neighbours, built, item) if self._whole else np.ones(len(built.nums), dtype=bool)
        return [walk.addends(built, kept, item) for walk in self._walks], self._learned(history, item)

    def through_edge(self, history: History, item: int, edge_type: EdgeType, source: int, target: int) -> float:
        """Return what the paths over the edge source → target add to the score: what it loses without the edge, all weights held fixed."""
        addends, _ = self.addends(history, item)
        return float(sum(part.values[through(part, history, item, edge_type, source, target)].sum() for part in addends))

    def _learned(self, history: History, item: int) -> npt.NDArray[np.float64]:
        if not self._whole:
            return np.zeros(len(history.nums))
        return np.asarray(history.weights * self._build.model.learned_pairs(history.nums, item))

    def _learned_group(self, history: History, learned: npt.NDArray[np.float64], total: float, max_history: int) -> list[Reason]:
        if not learned.any():
            return []
        order = np.argsort(-learned, kind="stable")[:max_history]
        rows = tuple((*self._item(int(history.nums[n])), float(learned[n] / total)) for n in order)
        close = [int(n) for n in np.argsort(-learned, kind="stable") if learned[n] > 0] or [int(order[0])]
        text = history_text([self._item(int(history.nums[n]))[1] for n in close], [history.relations[n] for n in close])
        return [Reason("learned", float(learned.sum() / total), learned_sentence(text), history=rows)]

    def _reason(self, history: History, item: int, group: _Group, total: float, max_paths: int, show_ids: bool) -> Reason:
        part = group.members()
        meta_path = part.walk.meta_path
        through_others = meta_path.family in ("interaction", "followed")
        grouped = through_others and not show_ids
        shown, n_all = (self._grouped_paths if grouped else self._single_paths)(history, item, part, total, max_paths)
        share = float(part.values.sum() / total)
        by_item: defaultdict[int, float] = defaultdict(float)
        for position, value in zip(part.positions.tolist(), part.values.tolist(), strict=True):
            by_item[position] += value
        strongest = sorted(by_item, key=lambda position: (-by_item[position], position))
        text = history_text([self._item(int(history.nums[p]))[1] for p in strongest], [history.relations[p] for p in strongest])
        value = "" if group.value < 0 else self._artifact.node_key(meta_path.steps[0].end, group.value)
        count = len(np.unique(part.middles[:, -1])) if through_others else 0
        sentence = reason_sentence(meta_path, history=text, value=value, count=count)
        rest = share - float(sum(path.share for path in shown))
        return Reason("graph", share, sentence, meta_path.relation, tuple(shown), n_all - len(shown), rest if n_all > len(shown) else 0.0)

    def _grouped_paths(self, history: History, item: int, part: Addends, total: float, max_paths: int) -> tuple[list[Path], int]:
        """Return the strongest paths and how many there are, those that differ by nothing but the shopper taken as one."""
        steps = part.walk.meta_path.steps
        # All but the shoppers, who are counted: the history item and what lies before them.
        before, inverse = np.unique(np.column_stack([part.positions, part.middles[:, :-1]]), axis=0, return_inverse=True)
        counts = np.bincount(inverse.ravel(), minlength=len(before))
        totals = np.bincount(inverse.ravel(), weights=part.values, minlength=len(before))
        paths = []
        for n in np.argsort(-totals, kind="stable")[:max_paths].tolist():
            position, *nums = before[n].tolist()
            between = [self._node(step.end, num) for step, num in zip(steps, nums, strict=False)]
            shoppers = Node(schema.USER.label, count=int(counts[n]))
            paths.append(self._path(history, position, steps, [*between, shoppers], item, float(totals[n] / total)))
        return paths, len(before)

    def _single_paths(self, history: History, item: int, part: Addends, total: float, max_paths: int) -> tuple[list[Path], int]:
        """Return the strongest paths and how many there are."""
        order = np.argsort(-part.values, kind="stable")[:max_paths]
        steps = part.walk.meta_path.steps
        paths = [
            self._path(
                history,
                int(part.positions[n]),
                steps,
                [self._node(step.end, int(num)) for step, num in zip(steps[:-1], part.middles[n], strict=True)],
                item,
                float(part.values[n] / total),
            )
            for n in order
        ]
        return paths, len(part.values)

    def _path(self, history: History, position: int, steps: Sequence[Step], between: list[Node], item: int, share: float) -> Path:
        nodes = (self._node("item", int(history.nums[position])), *between, self._node("item", item))
        edges = tuple(Edge(schema.relation(step.edge_type[1]).type, step.reverse) for step in steps)
        if history.relations[position] in ANCHORS:
            return Path(share, nodes, edges)
        user = Node(schema.USER.label, None if history.user_id is None else {schema.USER.key: history.user_id})
        first = Edge(schema.relation(history.relations[position]).type, reverse=False)
        return Path(share, (user, *nodes), (first, *edges))

    def _node(self, node_type: str, num: int) -> Node:
        kind = schema.node_type(node_type)
        title = self._artifact.titles[num] if node_type == "item" else None
        return Node(kind.label, {kind.key: self._artifact.node_key(node_type, num)}, title)

    def _item(self, num: int) -> tuple[str, str]:
        return self._artifact.item_ids[num], self._artifact.titles[num]


__all__ = ["Edge", "Explainer", "Explanation", "History", "Node", "Path", "Reason"]
