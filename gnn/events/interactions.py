"""When shoppers met items: counted once per build, so that trending and new items cost a request nothing but a count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from gnn.graph.arrays import GraphArrays
from gnn.model.season import Factor, Season
from kg.schema import is_choice


@dataclass(frozen=True)
class Interactions:
    """Each shopper and item that met, once, at the time of their last meeting; impressions, dislikes and low ratings do not count.

    Attributes:
        items: item_nums in the order of `times`, int32.
        times: When, ascending, float64.
        first: When each item was first met by anybody, [n_items]; NaN where it never was or no time is known.
    """

    items: npt.NDArray[np.int32]
    times: npt.NDArray[np.float64]
    first: npt.NDArray[np.float64]

    @classmethod
    def of(cls, graph: GraphArrays) -> Interactions:
        """Gather them from the interactions of a graph."""
        columns = pl.Schema({"source_num": pl.Int64, "target_num": pl.Int64, "first_time": pl.Float64, "last_time": pl.Float64})
        frames = [pl.DataFrame(schema=columns)]
        for edge_type, frame in graph.edges.items():
            if is_choice(edge_type):
                first = pl.col("first_time" if "first_time" in frame.columns else "last_time")
                frames.append(frame.select("source_num", "target_num", first_time=first, last_time="last_time").cast(columns))
        met = pl.concat(frames).drop_nulls("last_time")
        pairs = met.group_by("source_num", "target_num").agg(pl.col("last_time").max()).sort("last_time", "source_num", "target_num")
        first_met = np.full(graph.n_items, np.nan)
        firsts = met.group_by("target_num").agg(pl.col("first_time").min())
        first_met[firsts["target_num"].to_numpy()] = firsts["first_time"].to_numpy()
        return cls(pairs["target_num"].cast(pl.Int32).to_numpy(), pairs["last_time"].to_numpy(), first_met)

    @property
    def end(self) -> float:
        """The last meeting there is; NaN without any."""
        return float(self.times[-1]) if len(self.times) else float("nan")

    def season(self, season: Season) -> Factor:
        """Return what the season multiplies the scores of each item with.

        Shapes:
            [n_items].
        """
        return season.factor(self.items, self.times, len(self.first))

    def within(self, seconds: float) -> npt.NDArray[np.int64]:
        """Count the shoppers who last met each item within the last seconds before the last meeting.

        Shapes:
            [n_items].
        """
        start = int(np.searchsorted(self.times, self.end - seconds, side="right")) if len(self.times) else 0
        return np.bincount(self.items[start:], minlength=len(self.first)).astype(np.int64)
