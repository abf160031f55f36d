"""What completes a basket: what is bought together with its items, scored as `bought_together` scores from one."""

from __future__ import annotations

from gnn.recommend.strategies.bought_together import BoughtTogether
from gnn.recommend.strategies.registry import STRATEGIES

BASKET = "basket"


class Basket(BoughtTogether):
    """Scores by the paths that say what is bought together, from all items of a basket."""

    name = BASKET
    summary = "what completes a basket"
    anchor = "in_basket"
    order = 90


STRATEGY = STRATEGIES.register(Basket())
