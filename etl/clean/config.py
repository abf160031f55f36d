"""The `[clean]` section and the flags that a row can carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from kg.config import Section

Flag = Literal[
    "no_user",
    "service_line",
    "no_quantity",
    "duplicate",
    "cancellation",
    "cancellation_unmatched",
    "cancelled",
    "outlier_quantity",
    "outlier_price",
    "outlier_rating",
    "bot",
    "shared_user",
]

FLAGS: Mapping[str, str] = {
    "no_user": "names no user: nobody's history",
    "service_line": "postage, fees, manual corrections, vouchers or tests: no item of the shop",
    "no_quantity": "of nothing: its quantity is 0",
    "duplicate": "repeats an event in every column, or has its event id, or is a line of its order sent again",
    "cancellation": "takes an earlier purchase back, whole or in part",
    "cancellation_unmatched": "takes back what the files never saw bought",
    "cancelled": "was taken back whole by a later cancellation",
    "outlier_quantity": "has a quantity far beyond that of other events",
    "outlier_price": "has a price far from its item's other prices",
    "outlier_rating": "has a rating far outside the scale of the others; [shop] rating_scale names the shop's own",
    "bot": "is of a user with more events in an hour than a person makes",
    "shared_user": "is of a user id that stands for nobody known (guest, 0), with far more events than a user has",
}
"""Flag → what it means. A row carries the first one that applies, in this order."""

UsableFlag = Literal["no_quantity", "duplicate", "cancelled", "outlier_quantity", "outlier_price", "bot", "shared_user"]


class CleanConfig(Section):
    """Cleaning of what was imported. Flagged rows are kept in `flagged.parquet` of the build, and out of the graph and the training."""

    use_flagged: tuple[UsableFlag, ...] = Field(default=(), description="Flags whose rows enter the graph and the training all the same.")
    duplicates: bool = Field(default=True, description="Flag events that repeat another in every column, where they have a time of day or an order.")
    cancelled_order: str = Field(default=r"^C\d", description="Pattern of the `order` of a cancellation; it nets out earlier purchases of the item.")
    future_days: float = Field(default=1.0, ge=0, description="An event later than this from now is rejected.")
    outlier_z: float = Field(
        default=3.5, ge=0, description="Robust z-score, on a log scale, beyond which quantities and prices are outliers; 0: never."
    )
    bot_events_per_hour: int = Field(default=600, ge=0, description="More events than this in an hour, purchases not counted, make a bot; 0: never.")
    shared_user_events: int = Field(
        default=50,
        ge=0,
        description="More events than this, and than ten usual users have together, make a user id such as guest or 0 a shared one; 0: never.",
    )
    service_lines: bool = Field(default=True, description="Flag postage, fees, corrections and tests by the rules that Reckon brings.")
    rules: str = Field(default="", description="File of further rules for such lines, relative to reckon.toml, as etl/clean/lines.jsonl has them.")

    @field_validator("cancelled_order")
    @classmethod
    def _pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a pattern: {error}") from None
        return pattern
