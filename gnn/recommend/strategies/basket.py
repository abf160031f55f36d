"""What completes a basket: what is bought together with its items."""

from __future__ import annotations

from gnn.recommend.query import RecQuery
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.strategies.base import Context, Strategy
from gnn.recommend.strategies.registry import STRATEGIES

BASKET = "basket"


class Basket(Strategy):
    """Scores by the paths that say what is bought together, from all items of a basket."""

    name = BASKET
    summary = "what completes a basket"
    anchor = "in_basket"
    order = 90

    def score(self, context: Context, query: RecQuery) -> Scored:
        """Score all items by what is bought together with those of the basket."""
        together = context.scoring.together
        return Scored(self.name, together.scores(context.user.history), context.user.history, together)


STRATEGY = STRATEGIES.register(Basket())
