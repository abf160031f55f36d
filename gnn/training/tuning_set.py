"""Who tunes, and what is withheld from them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from gnn.config import ModelConfig
from gnn.events.split import split_interactions
from gnn.graph.arrays import GraphArrays
from gnn.metrics import IntArray


@dataclass(frozen=True)
class TuningSet:
    """Users whose withheld items are to be found.

    Attributes:
        graph: The graph with the interactions that remain.
        users: User numbers, [U].
        withheld: Item numbers that each of them met only later.
    """

    graph: GraphArrays
    users: IntArray
    withheld: tuple[IntArray, ...]

    def first(self, n: int) -> TuningSet:
        """Return the first `n` users; their order is random already."""
        return replace(self, users=self.users[:n], withheld=self.withheld[:n])


def tuning_set(graph: GraphArrays, interactions: pl.DataFrame, config: ModelConfig) -> TuningSet:
    """Withhold a part of the events and collect the users who have something to find and something to find it by."""
    split = split_interactions(interactions, method=config.validation_split, test_fraction=config.validation_fraction, seed=config.seed)
    users = pl.DataFrame({"user_id": list(graph.keys.get("user", ()))}, schema={"user_id": pl.String}).with_row_index("user_num")
    items = pl.DataFrame({"item_id": list(graph.item_ids)}, schema={"item_id": pl.String}).with_row_index("item_num")
    pairs = (
        split.new_items()
        .join(split.train.select("user_id").unique(), on="user_id", how="semi")
        .join(users, on="user_id")
        .join(items, on="item_id")
        .group_by("user_num")
        .agg(pl.col("item_num").sort())
        .sort("user_num")
        .sample(fraction=1.0, shuffle=True, seed=config.seed)
        .head(config.tuning_users)
    )
    withheld = tuple(np.asarray(row, dtype=np.int64) for row in pairs["item_num"].to_list())
    left = split.train
    if split.method != "time":
        # Who does not tune keeps everything, so that what tunes is nearly as dense as what is served.
        others = split.test.join(users, on="user_id").filter(~pl.col("user_num").is_in(pairs["user_num"].implode()))
        left = pl.concat([left, others.select(left.columns)])
    return TuningSet(graph.with_interactions(left), pairs["user_num"].to_numpy().astype(np.int64), withheld)
