"""When each user did something and what was paid: what a profile shows beside interests. Kept event by event, so that fresh events join exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import polars as pl

from kg.catalog.records import StoredEvent

_NOT_DONE = ("impression",)
"""What happens to a shopper and is not done by one."""


@dataclass(frozen=True)
class UserActivity:
    """The events of one user, in no particular order.

    Attributes:
        times: Unix seconds or order numbers, [n]; NaN where unknown.
        paid_cents: What was paid, [n]; NaN where unknown.
        purchases: Whether it was a purchase, [n].
    """

    times: npt.NDArray[np.float64]
    paid_cents: npt.NDArray[np.float64]
    purchases: npt.NDArray[np.bool_]

    def joined(self, fresh: Sequence[StoredEvent]) -> UserActivity:
        """Return it with what happened since."""
        done = [event for event in fresh if event.kind not in _NOT_DONE]
        paid = [np.nan if event.price_cents is None else float(event.price_cents) for event in done]
        return UserActivity(
            np.concatenate([self.times, np.asarray([event.time for event in done], dtype=np.float64)]),
            np.concatenate([self.paid_cents, np.asarray(paid, dtype=np.float64)]),
            np.concatenate([self.purchases, np.asarray([event.kind == "purchase" for event in done], dtype=bool)]),
        )


@dataclass(frozen=True)
class Activity:
    """The events of all users, user by user.

    Attributes:
        ends: Where the events of each user end, [n_users].
        times: [n_events].
        paid_cents: [n_events], float32.
        purchases: [n_events].
        items: item_nums, -1 for items that are not in the graph, [n_events].
    """

    ends: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    paid_cents: npt.NDArray[np.float32]
    purchases: npt.NDArray[np.bool_]
    items: npt.NDArray[np.int32]

    @classmethod
    def of(cls, interactions: pl.DataFrame, user_ids: Sequence[str], item_ids: Sequence[str]) -> Activity:
        """Gather the events of users.

        Args:
            interactions: Events (`kg.tables.INTERACTION_COLUMNS`); those of other users are left out.
            user_ids: By user number.
            item_ids: By item_num.
        """
        numbers = pl.DataFrame({"user_id": list(user_ids)}, schema={"user_id": pl.String}).with_row_index("user_num")
        places = pl.DataFrame({"item_id": list(item_ids)}, schema={"item_id": pl.String}).with_row_index("item_num")
        known = interactions.filter(~pl.col("kind").is_in(_NOT_DONE)).join(numbers, on="user_id", how="inner")
        done = known.join(places, on="item_id", how="left").sort("user_num", "time", "kind", "item_id")
        counts = np.bincount(done["user_num"].to_numpy(), minlength=len(user_ids))
        return cls(
            np.cumsum(counts).astype(np.int64),
            done["time"].fill_null(np.nan).to_numpy(),
            done["price_cents"].cast(pl.Float32).fill_null(np.nan).to_numpy(),
            (done["kind"] == "purchase").to_numpy(),
            done["item_num"].cast(pl.Int32).fill_null(-1).to_numpy(),
        )

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return the names of the arrays, in order."""
        return tuple(field.name for field in fields(Activity))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name."""
        return {name: getattr(self, name) for name in self.names()}

    def bought_by(self, user: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the items and the times of a user's purchases, in the order of time."""
        part = slice(int(self.ends[user - 1]) if user else 0, int(self.ends[user]))
        chosen = np.flatnonzero(self.purchases[part] & (self.items[part] >= 0))
        return self.items[part][chosen].astype(np.int64), np.asarray(self.times[part][chosen], dtype=np.float64)

    def of_user(self, user: int) -> UserActivity:
        """Return the events of one user, by user number."""
        part = slice(int(self.ends[user - 1]) if user else 0, int(self.ends[user]))
        return UserActivity(np.array(self.times[part]), self.paid_cents[part].astype(np.float64), np.array(self.purchases[part]))


NOTHING = UserActivity(np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool))
