"""What was chosen more than usual lately; the formula is that of `gnn.recommend.scoring.popularity`."""

from __future__ import annotations

from gnn.recommend.query import RecQuery
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.strategies.base import Context, Strategy
from gnn.recommend.strategies.registry import STRATEGIES

TRENDING = "trending"


class Trending(Strategy):
    """Scores by how much more than usual an item was chosen."""

    name = TRENDING
    summary = "what was chosen more than usual in the last days of the build"
    parameters = ("window_days",)
    needs_clock = True
    by_sentence = True
    order = 50

    def score(self, context: Context, query: RecQuery) -> Scored:
        """Score all items by how much they trend."""
        popularity, days = context.scoring.popularity, query.window_days
        return Scored(self.name, popularity.trending(days), sentence=lambda num: popularity.trending_sentence(num, days))


STRATEGY = STRATEGIES.register(Trending())
