"""The list of a user: the sum over paths from everything the user did."""

from __future__ import annotations

from gnn.recommend.query import PERSONAL, RecQuery
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.strategies.base import Context, Strategy
from gnn.recommend.strategies.registry import STRATEGIES


class Personal(Strategy):
    """Scores by the whole history."""

    name = PERSONAL
    summary = "what the user's whole history leads to"
    filled = True
    order = 10

    def score(self, context: Context, query: RecQuery) -> Scored:
        """Score all items by the sum over paths from the history."""
        return context.path_sum(context.user.history, self.name)


STRATEGY = STRATEGIES.register(Personal())
