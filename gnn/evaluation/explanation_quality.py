"""Quality of the explanations, measured at every build: are they exact, do they exist, do they carry the ranking, are they worth reading?

    completeness   max |1 - Σ shares - remainder|, and the relative difference between the explained and the ranked score
    validity       share of path steps that are edges of the graph
    coverage       share of recommended items with at least one path
    deletion       how often an item leaves the list when the top 20 % of its paths are taken away, and a random 20 %; the other items keep
                   theirs, and the learned part, which has no paths, stays
    LIR, SEP, ETD  recency of the linking interaction, popularity of the shared entity, diversity of path types

The last three are over the strongest path of each item: the times of a shopper's events, or the degrees of the entities of one type, in ascending
order are smoothed, x_1 = v_1, x_n = (1 - β) x_{n-1} + β v_n with β = 0.3, and brought to 0…1; ETD is distinct types over min(k, all types).

Source: Balloccu et al. 2022, "Post Processing Recommender Systems with Knowledge Graphs for Recency, Popularity, and Diversity of Explanations"
(doi:10.1145/3477495.3532041); the deletion test is comprehensiveness of DeYoung et al. 2020 (doi:10.18653/v1/2020.acl-main.408).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.explain.contributions import Contributions
from gnn.explain.explainer import Explainer
from gnn.explain.reasons import Explanation, Limits
from gnn.graph.walks import FloatArray
from gnn.model.history import History
from gnn.recommend.ranking import top
from gnn.recommend.recommender import Recommender
from gnn.types import IntArray
from gnn.users.events import Events, weighted
from kg.schema import EdgeType, Step

MAX_USERS = 500
K = 10
DELETED = 0.2
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

    def gates(self) -> list[dict[str, float | str | bool]]:
        """Return each demand with its limit and whether it is met."""
        demands = (
            ("completeness_error", "at most", 1e-6),
            ("path_validity", "at least", 1.0),
            ("coverage", "at least", 0.95),
            ("top_deleted", "at least", 0.8),
            ("random_deleted", "at most", 0.2),
        )
        values = asdict(self)
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
        return float(np.mean(self.values[name])) if self.values.get(name) else float("nan")

    def by_rank(self) -> tuple[Deletion, ...]:
        """Return the deletion test per rank, first rank first."""
        names = ("lead", "top_deleted", "random_deleted")
        ranks, columns = np.asarray(self.values.get("rank", ())), [np.asarray(self.values.get(name, ())) for name in names]
        return tuple(
            Deletion(int(rank), int((ranks == rank).sum()), *(float(column[ranks == rank].mean()) for column in columns)) for rank in np.unique(ranks)
        )

    def most(self, name: str) -> float:
        return max(self.values.get(name, [0.0]))


def quality(artifact: Artifact, users: IntArray, seed: int) -> Quality:
    """Measure the explanations of a build.

    Args:
        artifact: The build.
        users: User numbers to draw `MAX_USERS` from.
        seed: Seed of the draw and of the random deletion.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.choice(users, min(MAX_USERS, len(users)), replace=False)
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
    )


class _Measure:
    def __init__(self, artifact: Artifact, rng: np.random.Generator) -> None:
        self._artifact, self._rng = artifact, rng
        self._recommender, self._explainer = Recommender(artifact), Explainer(artifact)
        self._n_types = sum(walk.gate > 0 for walk in artifact.model.walks)
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
        explanations = self._explainer.explain_all(history, items, Limits())
        addends = self._explainer.addends_of(history, items)
        types = [
            self._item(history, item, rank, float(scores[item]), limit, recency, of_item, explanation)
            for rank, (item, of_item, explanation) in enumerate(zip(items, addends, explanations, strict=True), start=1)
        ]
        distinct = {name for name in types if name is not None}
        if distinct:
            self.tally.add(etd=len(distinct) / min(len(types), self._n_types))

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
        if not len(values):
            return None
        n_deleted = max(1, round(DELETED * len(values)))
        self.tally.add(
            rank=rank,
            lead=(total - limit) / total,
            validity=self._valid(parts, history, item),
            top_deleted=float(total - np.sort(values)[-n_deleted:].sum() < limit),
            random_deleted=float(total - self._rng.choice(values, n_deleted, replace=False).sum() < limit),
        )
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
