"""Lists that start from items instead of a shopper: what is similar to an item, and what is bought together with it or with a basket.

Similar items are scored by the whole sum, with the item as the only history. What is bought together is the sum over the paths that say so and
nothing else: through shoppers who bought both, and over the links that a ready-made graph brings. A gate that tuning closed counts 1, for a walk that
does not help to guess what a shopper wants is still a fact.

One shopper may have bought any two items by chance. Walks through shoppers are therefore multiplied with n / (n + 5), n the shoppers who bought the
item and one at least of those that the list starts from, and discount busy shoppers and popular items by a quarter power at most: seven shoppers
outweigh one.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace

import numpy as np

from gnn.artifact.artifact import Artifact
from gnn.explain.explainer import Explainer
from gnn.graph.walks import WalkWeights
from gnn.live.overlay import Overlay
from gnn.recommend.strategies.base import Scored, Strategies
from gnn.users.events import NO_EVENTS, Events, Row, weighted
from gnn.users.users import User

SIMILAR, BOUGHT_TOGETHER, BASKET = "similar", "bought_together", "basket"
TOGETHER = ("purchased", "added_to_cart", "also_bought", "bought_together")
"""Relations whose paths say that items are bought together."""
SUPPORT = 5.0
"""Shoppers in common that count half of what very many would."""
_MOST_DISCOUNT = 0.25


class Related:
    """Lists around items.

    Args:
        artifact: The build.
        strategies: Score by the whole sum.
    """

    def __init__(self, artifact: Artifact, strategies: Strategies) -> None:
        self._artifact, self._strategies = artifact, strategies
        self._together = Explainer(artifact, walks=_walks(artifact), support=SUPPORT)

    def with_overlay(self, overlay: Overlay, current: Artifact, strategies: Strategies) -> Related:
        """Return the same over the build and what changed since.

        Args:
            overlay: What changed.
            current: The build with it.
            strategies: The same with it.
        """
        other = copy(self)
        other._artifact, other._strategies = current, strategies
        other._together = self._together.with_overlay(overlay, current)
        return other

    def anchored(self, nums: Sequence[int], anchor: str) -> User:
        """Return nobody in particular, who has these items before them.

        Args:
            nums: item_nums.
            anchor: One of `gnn.explain.sentences.ANCHORS`.
        """
        events = Events.of(Row(num, anchor, 1.0, np.nan) for num in sorted(set(nums)))
        return User(None, events, weighted(events, self._artifact.model.history, None), NO_EVENTS, NO_EVENTS)

    def similar(self, shopper: User) -> Scored:
        """Score all items by the whole sum."""
        return replace(self._strategies.from_history(shopper.history), strategy=SIMILAR)

    def together(self, shopper: User, strategy: str) -> Scored:
        """Score all items by the paths that say what is bought together."""
        return Scored(strategy, self._together.scores(shopper.history), shopper.history, self._together)


def _walks(artifact: Artifact) -> tuple[WalkWeights, ...]:
    walks = [walk for walk in artifact.model.walks if walk.meta_path.relation in TOGETHER and walk.meta_path.family in ("interaction", "item_item")]
    return tuple(_counting(walk if walk.gate > 0 else replace(walk, gate=1.0)) for walk in walks)


def _counting(walk: WalkWeights) -> WalkWeights:
    if walk.meta_path.family != "interaction":
        return walk
    return replace(walk, middle_exponent=min(walk.middle_exponent, _MOST_DISCOUNT), end_exponent=min(walk.end_exponent, _MOST_DISCOUNT))
