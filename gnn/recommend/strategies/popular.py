"""The list for everybody: the items that most shoppers chose, of all time."""

from __future__ import annotations

from gnn.recommend.query import POPULAR, RecQuery
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.strategies.base import Context, Strategy
from gnn.recommend.strategies.registry import STRATEGIES


class Popular(Strategy):
    """Scores by how many shoppers chose an item."""

    name = POPULAR
    summary = "what most shoppers chose, of all time"
    filled = True
    by_sentence = True
    order = 40

    def score(self, context: Context, query: RecQuery) -> Scored:
        """Score all items by their shoppers."""
        return context.popular()


STRATEGY = STRATEGIES.register(Popular())
