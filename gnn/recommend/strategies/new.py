"""What was first chosen lately."""

from __future__ import annotations

from gnn.recommend.query import RecQuery
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.strategies.base import Context, Strategy
from gnn.recommend.strategies.registry import STRATEGIES


class New(Strategy):
    """Scores by how lately an item was first chosen."""

    name = "new"
    summary = "what was first chosen most lately"
    needs_clock = True
    by_sentence = True
    order = 60

    def score(self, context: Context, query: RecQuery) -> Scored:
        """Score all items by how new they are."""
        popularity = context.scoring.popularity
        return Scored(self.name, popularity.newest, sentence=popularity.newest_sentence)


STRATEGY = STRATEGIES.register(New())
