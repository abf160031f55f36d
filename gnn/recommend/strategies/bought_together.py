"""What is bought together with an item: the sum over the paths that say so, and nothing else; see `gnn.recommend.scoring.engine`."""

from __future__ import annotations

from gnn.recommend.query import RecQuery
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.strategies.base import Context, Strategy
from gnn.recommend.strategies.registry import STRATEGIES

BOUGHT_TOGETHER = "bought_together"


class BoughtTogether(Strategy):
    """Scores by the paths that say what is bought together."""

    name = BOUGHT_TOGETHER
    summary = "what is bought together with an item"
    anchor = "looked_at"
    order = 80

    def score(self, context: Context, query: RecQuery) -> Scored:
        """Score all items by the paths that say so."""
        together = context.scoring.together
        return Scored(self.name, together.scores(context.user.history), context.user.history, together)


STRATEGY = STRATEGIES.register(BoughtTogether())
