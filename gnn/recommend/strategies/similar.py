"""Items like one: the same sum over paths as for a user, with the item as the only history."""

from __future__ import annotations

from dataclasses import replace

from gnn.recommend.query import RecQuery
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.strategies.base import Context, Strategy
from gnn.recommend.strategies.registry import STRATEGIES

SIMILAR = "similar"


class Similar(Strategy):
    """Scores by the whole sum from an item."""

    name = SIMILAR
    summary = "what is most like an item"
    anchor = "looked_at"
    order = 70

    def score(self, context: Context, query: RecQuery) -> Scored:
        """Score all items by the sum over paths from the item."""
        return replace(context.scoring.from_history(context.user.history), strategy=self.name)


STRATEGY = STRATEGIES.register(Similar())
