"""What a shopper may want to buy again, by the shopper's own purchases: each purchase is one addend of the score, and nothing else is.

The formula, what was learned and its source are in `gnn.events.repeats`. A shopper whose purchases are known only in sum (what the ledger has
taken in since the build) counts each of them at the last time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gnn.artifact.artifact import Artifact
from gnn.events.repeats import RepeatModel
from gnn.explain.messages.message import Message, say
from gnn.explain.reasons import Reason
from gnn.graph.walks import FloatArray, largest
from gnn.model.scorer import IntArray, Values
from gnn.recommend.query import RecQuery
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.strategies.base import Context, Strategy
from gnn.recommend.strategies.registry import STRATEGIES
from gnn.users.events import Events
from gnn.users.users import User
from kg import schema

BUY_AGAIN = "buy_again"
MAX_PURCHASES = 20
"""OwnPurchases of one item that a reason lists; the others are counted."""
BOUGHT = schema.kind_relation("purchase")


class BuyAgain(Strategy):
    """Scores by the user's own purchases."""

    name = BUY_AGAIN
    summary = "what the user bought before and may need again"
    lists_seen = True
    by_sentence = True
    order = 30

    def score(self, context: Context, query: RecQuery) -> Scored:
        """Score all items by the purchases of each."""
        artifact = context.scoring.artifact
        purchases, ids, titles = OwnPurchases.of(context.user, artifact), artifact.item_ids, artifact.titles
        return Scored(self.name, purchases.scores, sentence=purchases.sentence, reason=lambda num: purchases.reason(num, ids[num], titles[num]))


STRATEGY = STRATEGIES.register(BuyAgain())


@dataclass(frozen=True)
class OwnPurchases:
    """A user's own purchases, each with what it adds to the score of its item.

    Attributes:
        items: item_num of each purchase, [n].
        times: When; NaN where unknown, [n].
        addends: What each adds to the score of its item, [n].
        n_items: Number of items.
    """

    items: IntArray
    times: Values
    addends: Values
    n_items: int

    @classmethod
    def of(cls, user: User, artifact: Artifact) -> OwnPurchases:
        """Score what the build knows of a user's purchases, and what has been bought since."""
        num = None if user.user_id is None else artifact.user_nums.get(user.user_id)
        if num is None or artifact.activity is None:
            parts = [_bought(user.events)]
        else:
            kept = np.unique(user.events.items)
            items, times = artifact.activity.bought_by(num)
            here = np.isin(items, kept)
            parts = [(items[here], times[here]), _bought(user.fresh)]
        items, times = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        model = RepeatModel() if artifact.repeats is None else artifact.repeats.model
        rates = np.ones(artifact.n_items) if artifact.repeats is None else np.pad(artifact.repeats.rates, (0, artifact.n_items - _known(artifact)))
        last = float(np.nanmax(times)) if np.isfinite(times).any() else 0.0
        return cls(items, times, model.addends(last - times, np.asarray(rates, dtype=np.float64)[items]), artifact.n_items)

    @property
    def scores(self) -> FloatArray:
        """The sum of each item's addends, [n_items]; 0 for what was never bought."""
        return np.bincount(self.items, weights=self.addends, minlength=self.n_items).astype(np.float32)

    def shares(self, num: int) -> list[tuple[float, float]]:
        """Return (time, share of the score) of each purchase of an item, the latest first; the shares add up to 1."""
        own = np.flatnonzero(self.items == num)
        own = own[largest(np.nan_to_num(self.times[own], nan=-np.inf), None, len(own))]
        return list(zip(self.times[own].tolist(), (self.addends[own] / self.addends[own].sum()).tolist(), strict=True))

    def sentence(self, num: int) -> Message:
        """Say how often an item was bought."""
        return say("buy_again.bought", count=int(np.count_nonzero(self.items == num)))

    def reason(self, num: int, item_id: str, title: str) -> Reason:
        """Explain the whole score of an item, purchase by purchase.

        Args:
            num: item_num.
            item_id: Its id.
            title: Its title.
        """
        purchases = self.shares(num)
        shown, rest = purchases[:MAX_PURCHASES], purchases[MAX_PURCHASES:]
        history = tuple((item_id, title, share) for _, share in shown)
        left = sum(share for _, share in rest)
        return Reason(BUY_AGAIN, 1.0, self.sentence(num), None, (), len(rest), left, history, tuple(time for time, _ in shown))


def _bought(events: Events) -> tuple[IntArray, Values]:
    chosen = np.flatnonzero(events.of_relations([BOUGHT]))
    counts = np.maximum(events.counts[chosen], 1).astype(np.int64)
    return np.repeat(events.items[chosen], counts), np.repeat(events.times[chosen], counts)


def _known(artifact: Artifact) -> int:
    return 0 if artifact.repeats is None else len(artifact.repeats.rates)
