"""Why not this item, and what if: answers by arithmetic on the same sum that ranks, each verified by scoring again.

Before a history is brought to length 1 its scores are S = Σ_j h_j M_j, one row M_j per history item, and the length changes no ranking. So an
event more or less is one row added or taken away, and what would bring an item into the list is searched among them: single events all, then
greedily, the set pruned at the end. A set of one is therefore the smallest there is among the events tried; a larger one need not be.

Source: counterfactual explanations on graphs as in PRINCE (Ghazimatin et al. 2020, doi:10.1145/3336191.3371824), here on exact linear scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact, Edges
from gnn.explain.explainer import Explainer
from gnn.explain.messages.message import Listing, Text, say
from gnn.graph.walks import FloatArray, kth_largest, largest
from gnn.live.overlay import column
from gnn.model.history import History
from gnn.recommend.candidates import IN_HISTORY, candidates, exclusions
from gnn.recommend.filters import Filter
from gnn.recommend.query import PERSONAL, RecQuery
from gnn.recommend.ranking import ranked_above, ranked_by_score, top
from gnn.recommend.recommender import Recommender
from gnn.recommend.scoring.scored import Scored
from gnn.users.events import SHOWN, Events, Row, weighted
from gnn.users.users import User
from kg.catalog.records import StoredEvent
from kg.errors import InputError, NotFoundError
from kg.schema import EdgeType, is_choice, kind_of

LEARNED = "learned similarity"
_LONG = 200
"""Places of the served list that an item is looked for in; further down its rank is the one by its adjusted score."""
MAX_CHANGES = 6
MAX_TRIED = 200


@dataclass(frozen=True, slots=True)
class PathGap:
    """What one kind of path gives the item, beside what it gives the items of the list.

    Attributes:
        meta_path: The kind of path, or `LEARNED`.
        contribution: What it adds to the item's score.
        listed: What it adds to the scores of the listed items, mean.
    """

    meta_path: str
    contribution: float
    listed: float

    @property
    def missing(self) -> float:
        """How much less the item gets."""
        return self.listed - self.contribution


@dataclass(frozen=True, slots=True)
class Change:
    """A smallest change of the history that brings the item into the list.

    Attributes:
        action: "add" or "remove".
        events: (item_id, title, relation) of each event.
        rank: The item's rank after it, scored again from the changed history.
    """

    action: str
    events: tuple[tuple[str, str, str], ...]
    rank: int


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why an item is not in the list of a user, or that it is.

    Attributes:
        build_id: The build that answers.
        user_id: Who.
        item_id: Which item.
        title: Its title.
        k: Length of the list.
        score: The item's score.
        rank: Its place in the list that is served, business rules and ignored impressions included, or the one it would have if it were not filtered.
        rank_by_score: Its rank by the score alone among what may be recommended, from 1.
        kth_score: Score of the last item of the list that is served.
        missing_score: How much the item lacks to it, both as they are served; 0 for an item of the list.
        filtered: Why the item is left out whatever it scores.
        lacks: Kinds of path, the most missing first.
        changes: What would bring it into the list by score; empty where it is in, is filtered, or nothing that was tried does.
    """

    build_id: str
    user_id: str
    item_id: str
    title: str
    k: int
    score: float
    rank: int
    rank_by_score: int
    kth_score: float
    missing_score: float
    filtered: tuple[Text, ...]
    lacks: tuple[PathGap, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class EdgeEffect:
    """What one edge of the graph does to one score.

    Attributes:
        score: With the edge.
        through_edge: Sum of the addends whose path walks it.
        fixed_score: Without it, the degrees in the weights held fixed: `score` - `through_edge`.
        renormalised_score: Without it, the degrees counted again.
    """

    score: float
    through_edge: float
    fixed_score: float
    renormalised_score: float


def why_not(
    recommender: Recommender, user_id: str, item_id: str, k: int = 10, *, fresh: Sequence[StoredEvent] = (), wanted: Filter | None = None
) -> WhyNot:
    """Say why an item is not among the k recommendations of a user.

    Args:
        recommender: The build that answers.
        user_id: Who.
        item_id: Which item.
        k: Length of the list.
        fresh: What the ledger has taken in since the build.
        wanted: The filter that the list was asked for with.

    Raises:
        NotFoundError: The item is unknown, or the user has no history.
    """
    if k < 1:
        raise InputError(f"k is {k}", hint="ask for at least one item")
    question = _Question(recommender, recommender.known(user_id, fresh), item_id, RecQuery(k=k, filter=wanted))
    listed = question.listed()
    by_score, filtered = question.rank(question.events), question.filtered()
    rank, own, kth = question.served(bool(filtered))
    inside = rank <= k and not filtered
    changes: tuple[Change, ...] = (
        () if inside or filtered or by_score <= k else tuple(change for change in (question.added(), question.removed()) if change is not None)
    )
    return WhyNot(
        recommender.artifact.build_id,
        user_id,
        item_id,
        recommender.artifact.titles[question.item],
        k,
        float(question.scores[question.item]),
        rank,
        by_score,
        kth,
        0.0 if inside else max(0.0, kth - own),
        filtered,
        question.lacks(listed),
        changes,
    )


def without_edge(recommender: Recommender, user_id: str, item_id: str, edge_type: EdgeType, source: str, target: str) -> EdgeEffect:
    """Say what an item's score for a user would be without one edge of the graph; the user's own history stays as it is.

    Args:
        recommender: The build that answers.
        user_id: Who.
        item_id: Which item.
        edge_type: Type of the edge.
        source: Key of its first node.
        target: Key of its last node.

    Raises:
        NotFoundError: The item or the edge is unknown, or the user has no history.
    """
    history, item = recommender.known(user_id).history, recommender.item_num(item_id)
    nodes = _edge(recommender.artifact, edge_type, source, target)
    explainer = Explainer(recommender.artifact)
    score = _sum(explainer, history, item)
    through_edge = explainer.through_edge(history, item, edge_type, *nodes)
    cut = _cut(recommender.artifact, edge_type, *nodes)
    return EdgeEffect(score, through_edge, score - through_edge, _sum(Explainer(cut), history, item))


class _Question:
    """One user, one item, and the rows M_j of the score."""

    def __init__(self, recommender: Recommender, user: User, item_id: str, query: RecQuery) -> None:
        self._recommender, self._artifact, self.k = recommender, recommender.artifact, query.k
        self._user, self._query = user, query
        self.item = recommender.item_num(item_id)
        self.history, self._user_id = user.history, user.user_id
        self.events, self._edits = user.events.rows(), user.edits
        self.scores = recommender.scores(self.history)
        failing = [exclusion for exclusion in exclusions(recommender.snapshot, user, query) if exclusion.why != IN_HISTORY]
        excluding = (*failing, *recommender.rules.active(user).exclusions)
        self._excluded = np.zeros(self._artifact.n_items, dtype=bool)
        for exclusion in excluding:
            self._excluded[exclusion.items] = True
        self._why = tuple(exclusion.why for exclusion in excluding if exclusion.holds(self.item))

    def filtered(self) -> tuple[Text, ...]:
        """Say why the item is left out whatever it scores."""
        relations = sorted({event.relation for event in self.events if event.item == self.item and event.relation != SHOWN})
        in_history = (say("why_not.met", relations=Listing(tuple(relations), "comma")),) if relations else ()
        return (*in_history, *self._why)

    def listed(self) -> np.ndarray:
        """Return the list itself."""
        return top(self.scores, self._out(self.events), self.k)

    def served(self, filtered: bool) -> tuple[int, float, float]:
        """Return the item's rank and score, and the score of the last item, in the list as it is served.

        Args:
            filtered: Whether the item is left out whatever it scores; its rank is then the one it would have by its adjusted score.
        """
        recommender, user = self._recommender, self._user
        scored = Scored(PERSONAL, self.scores)
        own = ranked_by_score(candidates(recommender.snapshot, user, self._query, scored, recommender.rules.active(user)), self.item)
        shown = recommender.answer(user, replace(self._query, k=max(self.k, _LONG), explain="none")).items
        kth = shown[min(self.k, len(shown)) - 1].score if shown else 0.0
        rank = next((item.rank for item in shown if item.item_id == self._artifact.item_ids[self.item]), 0)
        # What is not shown though its score would do was left out by a cap, or pushed down by pins.
        return rank or (own.rank if filtered else max(own.rank, len(shown) + 1)), own.score, kth

    def _out(self, events: Sequence[Row]) -> np.ndarray:
        """Return what may not be recommended after these events."""
        out = self._excluded.copy()
        out[Events.of(events).met()] = True
        return np.flatnonzero(out)

    def rank(self, events: Sequence[Row]) -> int:
        """Return the rank of the item for a history of these events: it counts among what may be recommended even where it is filtered."""
        history = weighted(Events.of(events), self._artifact.model.history, self._user_id, self._edits)
        return _rank(self._recommender.scores(history), self.item, self._out(events)) if len(history.nums) else self._artifact.n_items

    def lacks(self, listed: np.ndarray) -> tuple[PathGap, ...]:
        """Compare what each kind of path adds to the item and to the listed items."""
        explainer = self._recommender.explainer
        own = _contributions(explainer, self.history, self.item)
        others = [_contributions(explainer, self.history, int(num)) for num in listed if num != self.item]
        # An item that is new since the build has paths of fewer kinds.
        names = list(dict.fromkeys(name for one in (own, *others) for name in one))
        means = {name: float(np.mean([other.get(name, 0.0) for other in others])) if others else 0.0 for name in names}
        rows = [PathGap(name, own.get(name, 0.0), means[name]) for name in names if own.get(name) or means[name]]
        return tuple(sorted(rows, key=lambda row: (-row.missing, row.meta_path)))

    def added(self) -> Change | None:
        """Find the fewest events that, added, bring the item into the list; each as strong as the strongest kind, at the time of the last one."""
        met, times = set(self._out(self.events).tolist()), [event.last_time for event in self.events]
        relation = max((event.relation for event in self.events), key=self._strength)
        now = float(np.nanmax(times)) if np.isfinite(times).any() else float("nan")
        tried = [Row(num, relation, 1.0, now) for num in self._helpful() if num not in met and num != self.item]
        return self._fewest("add", tried, lambda chosen: [*self.events, *chosen])

    def removed(self) -> Change | None:
        """Find the fewest items of the history that, removed with all their events, bring the item into the list."""
        heaviest = self.history.nums[largest(self.history.weights, None, MAX_TRIED)]
        relation = dict(zip(self.history.nums.tolist(), self.history.relations, strict=True))
        tried = [Row(num, relation[num], 1.0, float("nan")) for num in heaviest.tolist()]
        return self._fewest("remove", tried, self._but)

    def _but(self, chosen: Sequence[Row]) -> list[Row]:
        gone = {event.item for event in chosen}
        return [event for event in self.events if event.item not in gone]

    def _fewest(self, action: str, tried: list[Row], changed: Callable[[Sequence[Row]], list[Row]]) -> Change | None:
        chosen: list[Row] = []
        while tried and len(chosen) < MAX_CHANGES:
            gaps = [self._gap(changed([*chosen, event])) for event in tried]
            chosen.append(tried.pop(int(np.argmin(gaps))))
            if min(gaps) <= 0:
                break
        chosen = self._pruned(chosen, changed)
        rank = self.rank(changed(chosen))
        named = tuple((self._artifact.item_ids[e.item], self._artifact.titles[e.item], e.relation) for e in chosen)
        return Change(action, named, rank) if chosen and rank <= self.k else None

    def _pruned(self, chosen: list[Row], changed: Callable[[Sequence[Row]], list[Row]]) -> list[Row]:
        """Drop events until none can be dropped."""
        for event in chosen:
            fewer = [other for other in chosen if other != event]
            if fewer and self.rank(changed(fewer)) <= self.k:
                return self._pruned(fewer, changed)
        return chosen

    def _gap(self, events: Sequence[Row]) -> float:
        """Return how much the item lacks to the k-th of the others, as a share of that score; at most 0 where it is in the list."""
        history = weighted(Events.of(events), self._artifact.model.history, self._user_id, self._edits)
        if not len(history.nums):
            return float("inf")
        scores, met = self._recommender.scores(history), self._out(events)
        if _rank(scores, self.item, met) <= self.k:
            return -float(scores[self.item])
        others = np.array(scores)
        others[[*met, self.item]] = -np.inf
        kth = kth_largest(others, self.k) if self.k <= len(others) else 0.0
        return (kth - float(scores[self.item]) + 1e-12) / max(abs(kth), 1e-12)

    def _helpful(self) -> list[int]:
        """Return the items j whose events would raise the item most: the largest of column i of M."""
        gains = column(self._recommender.build, self.item, self._recommender.overlay)
        return [int(num) for num in largest(gains, None, MAX_TRIED) if gains[num] > 0]

    def _strength(self, relation: str) -> tuple[float, str]:
        return self._artifact.model.history.weight(kind_of(relation)), relation


def _rank(scores: FloatArray, item: int, met: np.ndarray) -> int:
    """Return the rank of an item among those not met, equal scores by the smaller number."""
    above = ranked_above(scores, item)
    above[met] = False
    return int(above.sum()) + 1


def _contributions(explainer: Explainer, history: History, item: int) -> dict[str, float]:
    addends, learned = explainer.addends(history, item)
    return {**{part.walk.meta_path.name: float(part.values.sum()) for part in addends}, LEARNED: float(learned.sum())}


def _sum(explainer: Explainer, history: History, item: int) -> float:
    return sum(_contributions(explainer, history, item).values())


def _edge(artifact: Artifact, edge_type: EdgeType, source: str, target: str) -> tuple[int, int]:
    """Return the numbers of an edge's two nodes."""
    nums = []
    for node_type, key in ((edge_type[0], source), (edge_type[2], target)):
        if node_type in ("item", "user"):
            nums.append((artifact.item_nums if node_type == "item" else artifact.user_nums).get(key, -1))
        else:
            keys = artifact.node_keys.get(node_type, [])
            nums.append(keys.index(key) if key in keys else -1)
    if edge_type in artifact.edges and min(nums) >= 0:
        row = artifact.edges[edge_type].forward
        if nums[1] in row.indices[row.indptr[nums[0]] : row.indptr[nums[0] + 1]]:
            return nums[0], nums[1]
    known = ", ".join(sorted("/".join(name) for name in artifact.edges))
    raise NotFoundError(f"the graph has no edge {source!r} -{'/'.join(edge_type)}-> {target!r}", hint=f"edge types: {known}")


def _cut(artifact: Artifact, edge_type: EdgeType, source: int, target: int) -> Artifact:
    """Return the artifact without one edge; which pairs the score keeps, and where else hubs lead on to, stays as built."""
    whole = artifact.edges[edge_type]
    popularity = artifact.popularity
    if is_choice(edge_type):
        elsewhere = [e.forward for name, e in artifact.edges.items() if is_choice(name) and name != edge_type]
        popularity = np.array(popularity)
        popularity[target] -= not any(matrix[source, target] for matrix in elsewhere)
    edges = {**artifact.edges, edge_type: Edges(_drop(whole.forward, source, target), _drop(whole.reverse, target, source), whole.properties)}
    hubs = dict(artifact.hubs)
    for key, (forward, reverse) in artifact.hubs.items():
        left, right = (target, source) if key[0].reverse else (source, target)
        if key[0].edge_type == edge_type and right in forward.indices[forward.indptr[left] : forward.indptr[left + 1]]:
            hubs[key] = _drop(forward, left, right), _drop(reverse, right, left)
    return replace(artifact, edges=edges, popularity=popularity, hubs=hubs)


def _drop(matrix: sp.csr_matrix, row: int, column: int) -> sp.csr_matrix:
    first = int(matrix.indptr[row])
    at = first + int(np.searchsorted(matrix.indices[first : matrix.indptr[row + 1]], column))
    indptr = np.array(matrix.indptr)
    indptr[row + 1 :] -= 1
    return sp.csr_matrix((np.delete(matrix.data, at), np.delete(matrix.indices, at), indptr), shape=matrix.shape)
