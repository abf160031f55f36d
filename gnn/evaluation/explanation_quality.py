"""Quality of the explanations, measured at every build: are they exact, do they exist, do they carry the ranking, are they worth reading?

    completeness   max |1 - Σ shares - remainder|, and the relative difference between the explained and the ranked score
    validity       share of path steps that are edges of the graph
    coverage       share of recommended items with at least one path
    deletion       how often an item leaves the list when the top 20 % of its paths are taken away, and a random 20 %; the other items keep
                   theirs, and the learned part, which has no paths, stays
    adjusted       the same among the first five ranks, of the items that are ahead of the first one not shown by more than a random fifth takes on
                   average: where the lead is smaller, any deletion moves the item out, whatever its explanation is worth
    comprehensiveness   how often an item leaves the list without the reasons that a brief answer shows
    sufficiency    how few reasons, the largest first, keep the item in the list by themselves
    LIR, SEP, ETD  recency of the linking interaction, popularity of the shared entity, diversity of path types

The reasons that are shown are measured in `gnn.evaluation.shown_reasons`. LIR, SEP and ETD are over the strongest path of each item: the times of a
shopper's events, or the degrees of the entities of one type, in ascending order are smoothed, x_1 = v_1, x_n = (1 - β) x_{n-1} + β v_n with β = 0.3,
and brought to 0…1; ETD is distinct types over min(k, all types).

Source: Balloccu et al. 2022, "Post Processing Recommender Systems with Knowledge Graphs for Recency, Popularity, and Diversity of Explanations"
(doi:10.1145/3477495.3532041); deletion, comprehensiveness and sufficiency after DeYoung et al. 2020 (doi:10.18653/v1/2020.acl-main.408).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.evaluation.shown_reasons import SharedEntities, diversity, is_concrete, longest_run
from gnn.explain.contributions import Contributions
from gnn.explain.explainer import Explainer
from gnn.explain.reasons import MOST_IN_A_ROW, Explanation, Limits
from gnn.graph.walks import FloatArray
from gnn.model.history import History
from gnn.recommend.explained_list import limits_of
from gnn.recommend.ranking import top
from gnn.recommend.recommender import Recommender
from gnn.types import IntArray
from gnn.users.events import Events, weighted
from kg.schema import EdgeType, Step

MAX_USERS = 500
K = 10
DELETED = 0.2
ADJUSTED_RANKS = 5
_ALL_REASONS = 100
BETA = 0.3


@dataclass(frozen=True, slots=True)
class Deletion:
    """The deletion test at one rank of the list.

    Attributes:
        rank: From 1.
        items: Items with paths that stood there.
        lead: Mean share of the score by which they are ahead of the first item that is not shown.
        top_deleted: Share of them that leave the list without the strongest 20 % of their paths.
        random_deleted: The same for a random 20 %.
    """

    rank: int
    items: int
    lead: float
    top_deleted: float
    random_deleted: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of the explanations of the first `K` items of some users; NaN where nothing could be measured.

    Attributes:
        users: Users asked.
        items: Items recommended to them.
        paths: Graph paths behind these.
        completeness_error: Largest |1 - Σ shares - remainder|.
        score_error: Largest relative difference between the explained and the ranked score.
        path_validity: Share of path steps found among the edges.
        coverage: Share of items with a path.
        top_deleted: Share of items that leave the list without the strongest 20 % of their paths.
        random_deleted: The same for a random 20 %.
        learned_share: Mean share of the learned similarity.
        lir: Recency of the linking interaction, 0…1.
        sep: Popularity of the shared entity, 0…1.
        etd: Diversity of the path types, 0…1.
        by_rank: The deletion test per rank.
        adjusted_items: Items of the lead-adjusted deletion test.
        top_deleted_adjusted: `top_deleted` of these.
        random_deleted_adjusted: `random_deleted` of these.
        comprehensiveness: Share of items that leave the list without the reasons that a brief answer shows.
        sufficiency: Median of the fewest reasons that keep an item in the list.
        sufficiency_adjusted: The same of the items of the lead-adjusted test.
        concrete: Share of items of which a brief answer names a path.
        longest_run: Most reasons of one relation in a row, in any brief answer.
        etd_shown: ETD of the reasons that brief answers show.
        sep_shown: SEP of them.
    """

    users: int
    items: int
    paths: int
    completeness_error: float
    score_error: float
    path_validity: float
    coverage: float
    top_deleted: float
    random_deleted: float
    learned_share: float
    lir: float
    sep: float
    etd: float
    by_rank: tuple[Deletion, ...] = ()
    adjusted_items: int = 0
    top_deleted_adjusted: float = np.nan
    random_deleted_adjusted: float = np.nan
    comprehensiveness: float = np.nan
    sufficiency: float = np.nan
    sufficiency_adjusted: float = np.nan
    concrete: float = np.nan
    longest_run: int = 0
    etd_shown: float = np.nan
    sep_shown: float = np.nan

    def gates(self) -> list[dict[str, float | str | bool]]:
        """Return each demand with its limit and whether it is met."""
        demands: tuple[tuple[str, str, float], ...] = (
            ("completeness_error", "at most", 1e-6),
            ("path_validity", "at least", 1.0),
            ("coverage", "at least", 0.995),
        )
        # Of what was not measured nothing is demanded: a list of a small shop may end before its eleventh item.
        faithful = (
            ("top_deleted_adjusted", "at least", 0.8),
            ("random_deleted_adjusted", "at most", 0.2),
            ("sufficiency_adjusted", "at most", 3.0),
            ("concrete", "at least", 0.9),
            ("longest_run", "at most", float(MOST_IN_A_ROW)),
        )
        values = asdict(self)
        demands += tuple(demand for demand in faithful if np.isfinite(values[demand[0]]))
        met = {"at most": lambda value, limit: value <= limit, "at least": lambda value, limit: value >= limit}
        return [
            {"name": n, "value": values[n], "limit": limit, "is": word, "passed": bool(met[word](values[n], limit))} for n, word, limit in demands
        ]


@dataclass
class _Tally:
    """What was found, item by item."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def mean(self, name: str) -> float:
        return float(np.mean(self.values[name])) if self.values.get(name) else np.nan

    def median(self, name: str) -> float:
        return float(np.median(self.values[name])) if self.values.get(name) else np.nan

    def by_rank(self) -> tuple[Deletion, ...]:
        """Return the deletion test per rank, first rank first."""
        names = ("lead", "top_deleted", "random_deleted")
        ranks, columns = np.asarray(self.values.get("rank", ())), [np.asarray(self.values.get(name, ())) for name in names]
        return tuple(
            Deletion(int(rank), int((ranks == rank).sum()), *(float(column[ranks == rank].mean()) for column in columns)) for rank in np.unique(ranks)
        )

    def most(self, name: str) -> float:
        return max(self.values.get(name, [0.0]))


def quality(artifact: Artifact, users: IntArray, seed: int, *, most: int = MAX_USERS) -> Quality:
    """Measure the explanations of a build.

    Args:
        artifact: The build.
        users: User numbers to draw from.
        seed: Seed of the draw and of the random deletion.
        most: How many are drawn at most.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.choice(users, min(most, len(users)), replace=False)
    measured = _Measure(artifact, rng)
    for user in chosen.tolist():
        measured.user(user)
    tally = measured.tally
    return Quality(
        len(chosen),
        len(tally.values.get("coverage", ())),
        int(sum(tally.values.get("paths", ()))),
        tally.most("completeness"),
        tally.most("score"),
        tally.mean("validity"),
        coverage=tally.mean("coverage"),
        top_deleted=tally.mean("top_deleted"),
        random_deleted=tally.mean("random_deleted"),
        learned_share=tally.mean("learned"),
        lir=tally.mean("lir"),
        sep=tally.mean("sep"),
        etd=tally.mean("etd"),
        by_rank=tally.by_rank(),
        adjusted_items=len(tally.values.get("top_deleted_adjusted", ())),
        top_deleted_adjusted=tally.mean("top_deleted_adjusted"),
        random_deleted_adjusted=tally.mean("random_deleted_adjusted"),
        comprehensiveness=tally.mean("comprehensiveness"),
        sufficiency=tally.median("sufficiency"),
        sufficiency_adjusted=tally.median("sufficiency_adjusted"),
        concrete=tally.mean("concrete"),
        longest_run=int(tally.most("longest_run")),
        etd_shown=tally.mean("etd_shown"),
        sep_shown=tally.mean("sep_shown"),
    )


class _Measure:
    def __init__(self, artifact: Artifact, rng: np.random.Generator) -> None:
        self._artifact, self._rng = artifact, rng
        self._recommender, self._explainer = Recommender(artifact), Explainer(artifact)
        counted = [walk.meta_path for walk in artifact.model.walks if walk.gate > 0]
        self._n_types, self._n_relations = len(counted), len({path.relation for path in counted})
        self._entities = SharedEntities(artifact, self._popularity_of_type)
        self._degrees: dict[str, FloatArray] = {}
        self._popularity: dict[tuple[str, str, str, bool], FloatArray] = {}
        self._edges: dict[EdgeType, IntArray] = {}
        self.tally = _Tally()

    def user(self, user: int) -> None:
        """Measure the list of one user."""
        events = self._recommender.events(user)
        history = weighted(Events.of(events), self._artifact.model.history, None)
        scores = self._recommender.scores(history)
        listed = top(scores, np.unique(history.nums), K + 1)
        listed = listed[scores[listed] > 0]
        limit = float(scores[listed[K]]) if len(listed) > K else 0.0
        recency = _smoothed_times({event.item: event.last_time for event in sorted(events, key=lambda event: event.last_time)})
        items = listed[:K].tolist()
        if not items:
            return
        explanations = self._explainer.explain_all(history, items, Limits(_ALL_REASONS, 1))
        types = []
        for rank, (item, addends) in enumerate(zip(items, self._explainer.addends_all(history, items), strict=True), start=1):
            types.append(self._item(history, item, rank, float(scores[item]), limit, recency, addends, explanations[rank - 1]))
        distinct = {name for name in types if name is not None}
        if distinct:
            self.tally.add(etd=len(distinct) / min(len(types), self._n_types))
        self._shown(history, listed[:K], scores, limit)

    def _shown(self, history: History, listed: IntArray, scores: FloatArray, limit: float) -> None:
        """Measure what a brief answer shows."""
        brief = self._explainer.explain_all(history, listed.tolist(), limits_of("brief"))
        for explanation, item in zip(brief, listed.tolist(), strict=True):
            self.tally.add(concrete=float(is_concrete(explanation)), longest_run=float(longest_run(explanation.reasons)))
            for value in self._entities.popularity(explanation):
                self.tally.add(sep_shown=value)
            left = float(scores[item]) * (1 - sum(reason.share for reason in explanation.reasons))
            if limit > 0:
                self.tally.add(comprehensiveness=float(left < limit))
        varied = diversity(brief, self._n_relations)
        if varied is not None:
            self.tally.add(etd_shown=varied)

    def _popularity_of_type(self, node_type: str) -> FloatArray:
        """Return the smoothed degree of all nodes of a type, over the relations of which they are the value or the product."""
        if node_type not in self._degrees:
            degree = self._artifact.popularity.astype(np.float64) if node_type == "item" else np.zeros(len(self._artifact.node_keys[node_type]))
            for edge_type, edges in self._artifact.edges.items():
                if node_type != "item" and edge_type[2] == node_type:
                    degree = degree + np.diff(edges.reverse.indptr)
            self._degrees[node_type] = _smoothed(degree)
        return self._degrees[node_type]

    def _item(
        self,
        history: History,
        item: int,
        rank: int,
        ranked: float,
        limit: float,
        recency: Mapping[int, float],
        addends: tuple[list[Contributions], npt.NDArray[np.float64]],
        explanation: Explanation,
    ) -> str | None:
        parts, learned = addends
        values = np.concatenate([np.zeros(0), *(part.values for part in parts)])
        total = float(values.sum() + learned.sum())
        self.tally.add(
            paths=len(values),
            completeness=abs(1 - sum(reason.share for reason in explanation.reasons) - explanation.remainder),
            score=abs(total - ranked) / max(abs(ranked), 1e-12),
            coverage=float(len(values) > 0),
            learned=float(learned.sum()) / total,
        )
        n_reasons = float(fewest_reasons(explanation, limit))
        if limit > 0:
            self.tally.add(sufficiency=n_reasons)
        if not len(values):
            return None
        n_deleted = max(1, round(DELETED * len(values)))
        without_top = float(total - np.sort(values)[-n_deleted:].sum() < limit)
        without_random = float(total - self._rng.choice(values, n_deleted, replace=False).sum() < limit)
        self.tally.add(
            rank=rank,
            lead=(total - limit) / total,
            validity=self._valid(parts, history, item),
            top_deleted=without_top,
            random_deleted=without_random,
        )
        if rank <= ADJUSTED_RANKS and total - limit > n_deleted * float(values.mean()):
            self.tally.add(top_deleted_adjusted=without_top, random_deleted_adjusted=without_random, sufficiency_adjusted=n_reasons)
        return self._strongest(parts, history, recency)

    def _strongest(self, parts: Sequence[Contributions], history: History, recency: Mapping[int, float]) -> str:
        part = max((part for part in parts if len(part.values)), key=lambda part: float(part.values.max()))
        n = int(part.values.argmax())
        if recency:
            self.tally.add(lir=recency[int(history.nums[part.positions[n]])])
        if part.middles.shape[1]:
            self.tally.add(sep=float(self._entity_popularity(part.walk.meta_path.steps[-1])[part.middles[n, -1]]))
        return part.walk.meta_path.name

    def _valid(self, parts: Sequence[Contributions], history: History, item: int) -> float:
        n_valid = n_steps = 0
        for part in parts:
            if not len(part.values):
                continue
            nodes = np.column_stack([history.nums[part.positions], part.middles, np.full(len(part.values), item)])
            for place, step in enumerate(part.walk.meta_path.steps):
                left, right = nodes[:, place], nodes[:, place + 1]
                sources, targets = (right, left) if step.reverse else (left, right)
                n_valid, n_steps = n_valid + self._n_edges(step.edge_type, sources, targets), n_steps + len(nodes)
        return n_valid / n_steps

    def _n_edges(self, edge_type: EdgeType, sources: IntArray, targets: IntArray) -> int:
        """Return how many of these pairs are edges: looked up in one sorted array, as scipy would read the whole matrix for every question."""
        forward = self._artifact.edges[edge_type].forward
        n_targets = forward.shape[1]
        if edge_type not in self._edges:
            rows = np.repeat(np.arange(forward.shape[0], dtype=np.int64), np.diff(forward.indptr))
            self._edges[edge_type] = np.append(rows * n_targets + forward.indices, np.iinfo(np.int64).max)
        known, pairs = self._edges[edge_type], sources * n_targets + targets
        return int(np.count_nonzero(known[np.searchsorted(known, pairs)] == pairs))

    def _entity_popularity(self, step: Step) -> FloatArray:
        """Return the smoothed popularity of every node that the last step leaves from."""
        key = (*step.edge_type, step.reverse)
        if key not in self._popularity:
            edges = self._artifact.edges[step.edge_type]
            degree = np.diff((edges.reverse if step.reverse else edges.forward).indptr).astype(np.float64)
            self._popularity[key] = _smoothed(degree)
        return self._popularity[key]


def fewest_reasons(explanation: Explanation, limit: float) -> int:
    """Return how many reasons, the largest first, it takes to reach a score; one more than there are where all of them do not."""
    sums = explanation.score * np.cumsum([reason.share for reason in sorted(explanation.reasons, key=lambda reason: -reason.share)])
    enough = np.flatnonzero(sums >= limit)
    return int(enough[0]) + 1 if len(enough) else len(explanation.reasons) + 1


def _smoothed_times(times: Mapping[int, float]) -> dict[int, float]:
    """Return the smoothed recency of each item of a history; nothing where times are unknown or all the same."""
    values = np.asarray(list(times.values()), dtype=np.float64)
    if len(values) < 2 or not np.isfinite(values).all() or values.min() == values.max():
        return {}
    return dict(zip(times, _smoothed(values).tolist(), strict=True))


def _smoothed(values: npt.NDArray[np.float64]) -> FloatArray:
    """Smooth values in ascending order and bring them to 0…1, each at its own place again.

    Shapes:
        [n] → [n].
    """
    order = np.argsort(values, kind="stable")
    smooth = np.empty(len(values))
    current = float(values[order[0]]) if len(values) else 0.0
    for place in order:
        current = (1 - BETA) * current + BETA * float(values[place])
        smooth[place] = current
    spread = float(np.ptp(smooth)) if len(smooth) else 0.0
    return np.asarray((smooth - smooth.min()) / spread if spread else np.ones(len(smooth)), dtype=np.float32)
