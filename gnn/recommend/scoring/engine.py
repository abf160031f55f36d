"""What scores and explains: prepared once per build, and once more over the items that changed since.

What is bought together is the sum over the paths that say so and nothing else: through shoppers who bought both, and over the links that a
ready-made graph brings. A gate that tuning closed counts 1, for a walk that does not help to guess what a shopper wants is still a fact.

One shopper may have bought any two items by chance. Walks through shoppers are therefore multiplied with n / (n + 5), n the shoppers who bought the
item and one at least of those that the list starts from, and discount busy shoppers and popular items by a quarter power at most: seven shoppers
outweigh one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from gnn.artifact.artifact import Artifact
from gnn.artifact.duplicates import DuplicateGroups
from gnn.explain.explainer import Explainer
from gnn.graph.walks import FloatArray, WalkWeights
from gnn.live.overlay import Overlay
from gnn.model.history import History
from gnn.model.scorer import score
from gnn.recommend.query import PERSONAL
from gnn.recommend.rerankers.neighbourhoods import Neighbourhoods
from gnn.recommend.scoring.popularity import Popularity
from gnn.recommend.scoring.pruned_top_k import PrunedScorer
from gnn.recommend.scoring.scored import Scored

TOGETHER = ("purchased", "added_to_cart", "also_bought", "bought_together")
"""Relations whose paths say that items are bought together."""
SUPPORT = 5.0
"""Shoppers in common that count half of what very many would."""
_MOST_DISCOUNT = 0.25


@dataclass(frozen=True, eq=False)
class Engine:
    """What answers need of one build: worked out once, and shared by all snapshots over the build.

    Attributes:
        artifact: The build.
        duplicates: Its items that are listed more than once.
        explainer: Explains the scores that rank.
        together: Scores and explains what is bought together.
        pruned: Scores only what can be in a list.
    """

    artifact: Artifact
    duplicates: DuplicateGroups
    explainer: Explainer
    together: Explainer
    pruned: PrunedScorer

    @classmethod
    def of(cls, artifact: Artifact) -> Engine:
        """Prepare a build.

        Args:
            artifact: The build.
        """
        together = Explainer(artifact, walks=_together(artifact), support=SUPPORT)
        return cls(artifact, DuplicateGroups.of(artifact), Explainer(artifact), together, PrunedScorer(artifact))


@dataclass(frozen=True, eq=False)
class Scoring:
    """The engine of a build over the items that changed since.

    Attributes:
        engine: Of the build.
        artifact: The build with what changed.
        overlay: Items that are scored otherwise than in the build; None where there are none.
        explainer: Explains the scores that rank.
        together: Scores and explains what is bought together.
        popularity: What shoppers at large chose.
        neighbourhoods: Attribute values of items, for re-ranking.
    """

    engine: Engine
    artifact: Artifact
    overlay: Overlay | None
    explainer: Explainer
    together: Explainer
    popularity: Popularity
    neighbourhoods: Neighbourhoods

    @classmethod
    def of(cls, engine: Engine, overlay: Overlay | None = None, current: Artifact | None = None) -> Scoring:
        """Prepare what changed since a build; what the engine has worked out is shared.

        Args:
            engine: Of the build.
            overlay: What changed.
            current: The build with it (`gnn.live.current_artifact.current_artifact`).
        """
        artifact = engine.artifact if current is None else current
        explainer, together = engine.explainer, engine.together
        if overlay is not None:
            explainer, together = explainer.over(overlay, artifact), together.over(overlay, artifact)
        return cls(engine, artifact, overlay, explainer, together, Popularity(artifact), Neighbourhoods(artifact))

    def from_history(self, history: History) -> Scored:
        """Score all items by the whole sum over a history."""
        scored = Scored(PERSONAL, lambda: self.scores(history), history, self.explainer)
        pruned = self.engine.pruned
        if not pruned.applies:
            return scored
        overlay = None if self.overlay is None or not self.overlay.arrays.items else self.overlay
        return replace(scored, pruned=partial(pruned.scores, history, overlay=overlay), above=partial(pruned.scores_from, history, overlay=overlay))

    def scores(self, history: History) -> FloatArray:
        """Score every item for a history.

        Shapes:
            [n_items], float32.
        """
        if self.overlay is not None:
            return self.overlay.scores(history)
        scores: FloatArray = score(history.row(self.artifact.n_items), self.artifact.neighbours, self.artifact.model)[0]
        return scores


def _together(artifact: Artifact) -> tuple[WalkWeights, ...]:
    """Return the walks that say what is bought together."""
    walks = [walk for walk in artifact.model.walks if walk.meta_path.relation in TOGETHER and walk.meta_path.family in ("interaction", "item_item")]
    return tuple(_counting(walk if walk.gate > 0 else replace(walk, gate=1.0)) for walk in walks)


def _counting(walk: WalkWeights) -> WalkWeights:
    if walk.meta_path.family != "interaction":
        return walk
    return replace(walk, middle_exponent=min(walk.middle_exponent, _MOST_DISCOUNT), end_exponent=min(walk.end_exponent, _MOST_DISCOUNT))
