"""Exact explanations: the addends of one score, found again path by path.

For a history with weights c_j and an item i every addend is

    c_j · g_m · |N(j)|^-a · Π h_v |N(v)|^-b · |N(i)|^-c      one path j → v → i of meta-path m, if (j, i) is among the pairs the score keeps
    c_j · g_L · ⟨a_j, b_i⟩ + c_j · g_B · B_ji             the learned part of history item j

and share = addend / s. What of the learned part runs over paths through shoppers who met both is added to those paths (`gnn.explain.learned_paths`).
Nothing is estimated: the addends are enumerated from the same arrays that the scorer multiplies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.explain.contributions import Contributions, PathContributions, WalkArrays, kept_pairs, through
from gnn.explain.groups import Groups
from gnn.explain.live_contributions import LiveContributions
from gnn.explain.reason_builder import ReasonBuilder
from gnn.explain.reasons import MAX_PATHS, MAX_REASONS, Edge, Explanation, Limits, Node, Path, Reason, varied, worth_listing
from gnn.graph.walks import FloatArray, WalkWeights
from gnn.live.overlay import Overlay
from gnn.model.history import History
from gnn.model.learned_paths import LearnedPaths
from gnn.types import IntArray
from kg.schema import EdgeType, meta_paths


class Explainer:
    """Enumerates the addends of scores.

    Args:
        artifact: The build.
        walks: Explain the sum over these walks alone: every pair with all its paths, nothing learned. By default what the model ranks by.
        support: What walks through shoppers add to an item is multiplied with n / (n + support), n the shoppers on its paths.
        overlay: What changed since the build.
        current: The build with it (`gnn.live.current_artifact.current_artifact`): what names the nodes.
        arrays: The arrays of the walks, where another explainer of the build has prepared them.
    """

    def __init__(
        self,
        artifact: Artifact,
        *,
        walks: Sequence[WalkWeights] | None = None,
        support: float = 0.0,
        overlay: Overlay | None = None,
        current: Artifact | None = None,
        arrays: Sequence[WalkArrays] | None = None,
    ) -> None:
        self._build, self._chosen, self._whole, self._support = artifact, walks, walks is None, support
        self._walks = walk_arrays(artifact, walks) if arrays is None else list(arrays)
        self._artifact = artifact if current is None else current
        self._live = LiveContributions(overlay, self._walks) if overlay is not None and overlay.arrays.items else None

    def adding_up(self, many: int) -> Explainer:
        """Return an explainer of the build that adds up paths through other shoppers wherever more than so many set out from a history."""
        arrays = [WalkArrays(self._build, walk.walk, many=many, learned=walk.learned) for walk in self._walks]
        return Explainer(self._build, walks=self._chosen, support=self._support, arrays=arrays)

    def over(self, overlay: Overlay, current: Artifact) -> Explainer:
        """Return an explainer that also knows what changed since the build; what this one has worked out is shared.

        Args:
            overlay: What changed.
            current: The build with it.
        """
        return Explainer(self._build, walks=self._chosen, support=self._support, overlay=overlay, current=current, arrays=self._walks)

    def scores(self, history: History) -> FloatArray:
        """Score all items by the sum over the walks: what `explain` explains where `walks` were given.

        Shapes:
            [n_items], float32.
        """
        total = np.zeros(self._artifact.n_items)
        built = history if self._live is None else self._live.as_built(history)
        for walk in self._walks:
            total[: self._build.n_items] += walk.propagated(built) * self._supported(walk, built)
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
        return self.explain_all(history, [item], Limits(max_reasons, max_paths, max_history, show_ids=show_ids))[0]

    def explain_all(self, history: History, items: Sequence[int], limits: Limits) -> list[Explanation]:
        """Explain the scores of several items at once.

        Args:
            history: Whose scores they are.
            items: item_nums, each once.
            limits: How much is stated.
        """
        nums = np.asarray(items, dtype=np.int64)
        contributions, learned = self._contributions(history, nums, added_up=not limits.show_ids)
        groups = Groups.of(contributions)
        totals = np.bincount(groups.places, weights=groups.totals, minlength=len(nums)) + learned.sum(axis=1)
        n_paths = sum((part.n_paths(len(nums)) for part in contributions), np.zeros(len(nums), dtype=np.int64))
        reason_builder = ReasonBuilder(self._artifact, history, limits)
        alike = self._alike(history, nums)
        by_learned = reason_builder.learned(nums.tolist(), learned if alike is None else learned - alike, totals.tolist())
        by_likeness = reason_builder.learned(nums.tolist(), alike, totals.tolist(), alike=True) if alike is not None else [[] for _ in items]
        explanations = []
        for place, item in enumerate(nums.tolist()):
            total, own = float(totals[place]), groups.of_item(place)
            if not total:
                explanations.append(Explanation(0.0, (), 1.0, 0))
                continue
            others = by_learned[place] + by_likeness[place]
            reasons, left = reason_builder.reasons(item, groups, own, total, alone=not others)
            # What counts against an item never comes first, whatever the sign of its score.
            reasons = varied(sorted(reasons + others, key=lambda reason: -reason.share * total))
            worth = worth_listing(reasons, limits)
            shown = tuple(compress(reasons, worth))
            remainder = float(left / total + sum(reason.share for reason, listed in zip(reasons, worth, strict=True) if not listed))
            explanations.append(Explanation(total, shown, remainder, int(n_paths[place])))
        return explanations

    def addends(self, history: History, item: int) -> tuple[list[Contributions], npt.NDArray[np.float64]]:
        """Return every addend of a score: those of the paths, one entry per meta-path, and those of the learned part, one per history item."""
        return self.addends_all(history, [item])[0]

    def addends_all(self, history: History, items: Sequence[int]) -> list[tuple[list[Contributions], npt.NDArray[np.float64]]]:
        """Return the same of several items: what their paths have in common is walked once."""
        walks, learned = self._contributions(history, np.asarray(items, dtype=np.int64))
        return [([part.of(place) for part in walks], learned[place]) for place in range(len(items))]

    def _contributions(self, history: History, items: IntArray, *, added_up: bool = False) -> tuple[list[PathContributions], npt.NDArray[np.float64]]:
        """Return the addends of several items, and of the learned part [n items, n history items].

        Args:
            history: Whose scores they are.
            items: item_nums.
            added_up: Paths that differ by nothing but the shopper between may be added up.
        """
        if self._live is not None and self._whole and self._live.concerns(history, items):
            by_walk: dict[str, list[PathContributions]] = {}
            rest = []
            for place, item in enumerate(items.tolist()):
                shares = self._live.split(history, item)
                rest.append(self._live.learned(history, item) - (0.0 if shares is None else shares.moved[0]))
                for part in self._live.addends(history, item, shares):
                    by_walk.setdefault(part.walk.meta_path.name, []).append(PathContributions.about(part, place))
            return [PathContributions.joined(of_walk) for of_walk in by_walk.values()], np.stack(rest)
        built = history if self._live is None else self._live.as_built(history)
        # What is new since the build has no paths of the build.
        known = items < self._build.n_items
        kept = np.zeros((len(items), len(built.nums)), dtype=bool)
        kept[known] = kept_pairs(self._build.neighbours, built.nums, items[known]) if self._whole else True
        nums = np.where(known, items, 0)
        learned, walks = self._learned(history, items), []
        for walk in self._walks:
            shares = None if walk.learned is None or not known.all() else walk.learned.split(history, self._sources(history), built, nums)
            learned = learned if shares is None else learned - shares.moved
            walks.append((walk.together if added_up and walk.adds_up(built) else walk.among)(built, kept, nums, shares))
        if self._support:
            factors = ((part, self._supported(walk, built)[nums]) for walk, part in zip(self._walks, walks, strict=True))
            walks = [replace(part, values=part.values * factor[part.places]) for part, factor in factors]
        return walks, learned

    def _sources(self, history: History) -> npt.NDArray[np.float64]:
        """Return the embeddings of a history, [n history items, d]."""
        return self._build.model.source_embeddings[history.nums].astype(np.float64)

    def _supported(self, walk: WalkArrays, history: History) -> npt.NDArray[np.float64]:
        """Return what a walk is multiplied with for each item of the build, [n_items]."""
        if not self._support or walk.walk.meta_path.family != "interaction":
            return np.ones(self._build.n_items)
        counts = walk.count_users(history)
        return np.asarray(counts / (counts + self._support))

    def through_edge(self, history: History, item: int, edge_type: EdgeType, source: int, target: int) -> float:
        """Return what the paths over the edge source → target add to the score: what it loses without the edge, all weights held fixed."""
        addends, _ = self.addends(history, item)
        return float(sum(part.values[through(part, history, item, edge_type, source, target)].sum() for part in addends))

    def _alike(self, history: History, items: IntArray) -> npt.NDArray[np.float64] | None:
        """Return what of the learned part items take from those that they read like, [n items, n history items]; None where none does."""
        if self._live is None or not self._whole or not self._live.concerns(history, items):
            return None
        alike = np.stack([self._live.alike(history, item) for item in items.tolist()])
        return alike if alike.any() else None

    def _learned(self, history: History, items: IntArray) -> npt.NDArray[np.float64]:
        if not self._whole:
            return np.zeros((len(items), len(history.nums)))
        return np.asarray(history.weights * self._build.model.learned_among(history.nums, items))


def walk_arrays(artifact: Artifact, walks: Sequence[WalkWeights] | None = None) -> list[WalkArrays]:
    """Return the arrays of the walks that count, and of the one over whose paths a part of what was learned runs.

    Args:
        artifact: The build.
        walks: These, with nothing learned; None for those of the model.
    """
    if walks is not None:
        return [WalkArrays(artifact, walk) for walk in walks if walk.gate > 0]
    model, through = artifact.model, learned_walk(artifact)
    counted = [walk for walk in model.walks if walk.gate > 0]
    if through is None or model.copurchases is None:
        return [WalkArrays(artifact, walk) for walk in counted]
    step, factor = through.meta_path.steps[-1], None if model.factor is None else np.asarray(model.factor)
    gates = model.learned_gate if model.has_embeddings else 0.0, model.weights_gate if model.has_weights else 0.0
    begins, ends = artifact.oriented(step)[1], artifact.onward(step, through)[1]
    learned = LearnedPaths(model.copurchases, begins, ends, model.target_embeddings, model.item_weights, gates, factor)
    apart = [] if through in counted else [WalkArrays(artifact, through, learned=learned)]
    return [*(WalkArrays(artifact, walk, learned=learned if walk == through else None) for walk in counted), *apart]


def learned_walk(artifact: Artifact) -> WalkWeights | None:
    """Return the walk over whose paths a part of what was learned runs, its gate closed where it counts nothing itself; None where nothing does."""
    model, copurchases = artifact.model, artifact.model.copurchases
    embedded = copurchases is not None and model.has_embeddings and bool(copurchases.through.shape[1])
    if copurchases is None or not (embedded or model.has_weights):
        return None
    own = next(
        (walk for walk in model.walks if walk.meta_path.family == "interaction" and walk.meta_path.steps[-1].edge_type == copurchases.edge_type), None
    )
    paths = (path for path in meta_paths([copurchases.edge_type]) if path.family == "interaction")
    return next((WalkWeights(path, 0.0) for path in paths), None) if own is None else own


__all__ = ["Edge", "Explainer", "Explanation", "History", "Limits", "Node", "Path", "Reason"]
