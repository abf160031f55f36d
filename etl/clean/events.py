"""The rules over all events of a shop: duplicates, cancellations, outliers, bots. Each is one query over files, so memory stays bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import polars as pl

from etl.clean.cancellations import net_out
from etl.clean.config import FLAGS, CleanConfig
from gnn.events.timing import CLOCK_FROM
from kg.validation.ratings import RatingScale

CODES = {flag: code for code, flag in enumerate(FLAGS, start=1)}
"""Flag → its number in a verdict; 0 is a good row."""

_MAD_TO_SIGMA = 0.6745
_MIN_SPREAD = log(2)
"""Quantities are mostly 1 and prices mostly the same, so that their spread is often 0: it counts as at least a factor of two."""
_MIN_VALUES = 5
"""An item with fewer events has no usual quantity and no usual price."""
_DAY_S, _HOUR_S = 86_400, 3_600
_USUAL_USERS = 10
_NOBODY_NAMES = (
    "0 -1 00000000-0000-0000-0000-000000000000 guest anonymous anon anonym visitor user test default public gast invité invitado 游客 匿名"
)
_NOBODY = frozenset(_NOBODY_NAMES.split())
"""User ids that many shops give to whoever is not signed in, in lower case; one with few events is taken for a user."""


@dataclass(frozen=True)
class Verdicts:
    """What is to become of each event, in the order of the files.

    Attributes:
        codes: 0 for a good row, else the number of its flag.
        reduced: `row` and `quantity`: purchases that were taken back in part, and what is left.
    """

    codes: pl.Series
    reduced: pl.DataFrame


def verdicts(events: pl.LazyFrame, config: CleanConfig, ratings: RatingScale | None = None) -> Verdicts:
    """Judge all events.

    Args:
        events: `kg.tables.INTERACTION_COLUMNS`, `order`, `cancels` (whether the row is a cancellation), `flag` (what the row itself showed, or null).
        config: The rules.
        ratings: What a rating may be, where the shop says so; else the ratings show it, and absurd ones are flagged.
    """
    codes = events.select(pl.col("flag").replace_strict(CODES, default=0, return_dtype=pl.UInt8)).collect(engine="streaming").to_series()
    reduced = pl.DataFrame(schema={"row": pl.UInt32(), "quantity": pl.Float64()})
    if not len(codes):
        return Verdicts(codes, reduced)
    numbered = events.with_row_index("row")
    if ratings is None:
        codes = _flagged(codes, _odd_ratings(numbered, codes), "outlier_rating")
    if config.duplicates:
        codes = _flagged(codes, _duplicates(numbered, codes), "duplicate")
    netted = net_out(_purchases(numbered, codes))
    for flag, rows in (("cancellation", netted.matched), ("cancellation_unmatched", netted.unmatched), ("cancelled", netted.cancelled)):
        codes = _flagged(codes, pl.Series(rows, dtype=pl.UInt32), flag)
    if netted.reduced:
        reduced = pl.DataFrame({"row": [*netted.reduced], "quantity": [*netted.reduced.values()]}, schema=reduced.schema)
    if config.outlier_z:
        codes = _flagged(codes, _odd_quantities(numbered, codes, config.outlier_z), "outlier_quantity")
        codes = _flagged(codes, _odd_prices(numbered, codes, config.outlier_z), "outlier_price")
    if config.bot_events_per_hour:
        codes = _flagged(codes, _of_bots(numbered, codes, config.bot_events_per_hour), "bot")
    if config.shared_user_events:
        codes = _flagged(codes, _of_shared_users(numbered, codes, config.shared_user_events), "shared_user")
    return Verdicts(codes, reduced)


def _flagged(codes: pl.Series, rows: pl.Series, flag: str) -> pl.Series:
    return codes.scatter(rows, CODES[flag]) if len(rows) else codes


def _good(events: pl.LazyFrame, codes: pl.Series, *columns: pl.Expr | str, where: pl.Expr | None = None) -> pl.DataFrame:
    """Return `row` and columns of the rows that are good so far."""
    chosen = events.select("row", *columns) if where is None else events.filter(where).select("row", *columns)
    frame = chosen.collect(engine="streaming")
    return frame.filter(codes.gather(frame["row"]) == 0)


def _duplicates(events: pl.LazyFrame, codes: pl.Series) -> pl.Series:
    time = pl.col("time")
    distinguishable = pl.col("order").is_not_null() | (time.is_not_null() & (time % _DAY_S != 0))
    columns = ("user_id", "item_id", "kind", "time", "quantity", "rating", "price_cents", "order", "event_id")
    frame = _good(events, codes, pl.struct(columns).hash(1).alias("hash"), where=distinguishable & ~pl.col("cancels")).sort("row")
    repeated = frame.filter(~pl.col("hash").is_first_distinct())["row"]
    return pl.concat([repeated, *(_sent_again(events, codes, *rule) for rule in _SAME)]).unique()


_SAME: Sequence[tuple[tuple[str, ...], pl.Expr, float]] = (
    (
        ("user_id", "item_id", "kind", "quantity", "price_cents", "order", "event_id"),
        pl.col("order").is_not_null() & (pl.col("kind") == "purchase"),
        60.0,
    ),
    (("event_id", "item_id"), pl.col("event_id").is_not_null(), float("inf")),
)
"""What makes two rows one event though their times differ, and by how many seconds they may: a line of an order that is sent again, an event's id."""


def _sent_again(events: pl.LazyFrame, codes: pl.Series, columns: Sequence[str], where: pl.Expr, within_s: float) -> pl.Series:
    frame = _good(events, codes, pl.struct(columns).hash(1).alias("hash"), "time", where=where & ~pl.col("cancels")).sort("time", "row")
    apart = pl.col("time") - pl.col("time").shift(1).over("hash")
    again = (apart < within_s).fill_null(False) if within_s < float("inf") else ~pl.col("hash").is_first_distinct()
    return frame.filter(again)["row"]


def _purchases(events: pl.LazyFrame, codes: pl.Series) -> pl.DataFrame:
    columns = (pl.col("user_id").hash(1).alias("user"), pl.col("item_id").hash(1).alias("item"), "time", "quantity", "cancels")
    cancellations = _good(events, codes, *columns, where=pl.col("cancels"))
    if not cancellations.height:
        return cancellations
    about = events.select("row", "kind", *columns).filter(~pl.col("cancels") & (pl.col("kind") == "purchase")).drop("kind")
    pairs = cancellations.lazy().select("user", "item").unique()
    purchases = about.join(pairs, on=["user", "item"], how="semi").collect(engine="streaming")
    return pl.concat([cancellations, purchases.filter(codes.gather(purchases["row"]) == 0)])


def _odd_ratings(events: pl.LazyFrame, codes: pl.Series) -> pl.Series:
    """Return the rows whose rating lies outside the scale that the others show."""
    frame = _good(events, codes, "rating", where=pl.col("rating").is_not_null())
    if not frame.height:
        return pl.Series(dtype=pl.UInt32)
    scale = RatingScale.learned(frame["rating"].to_numpy())
    return frame["row"].filter(~frame["rating"].is_between(scale.lowest, scale.highest))


def _odd_quantities(events: pl.LazyFrame, codes: pl.Series, z: float) -> pl.Series:
    """Return the rows whose quantity is far from the usual one of the same item, or of the shop where the item has hardly any other."""
    if events.select((pl.col("quantity") != 1).any()).collect(engine="streaming").item() is not True:
        return pl.Series(dtype=pl.UInt32)
    frame = _by_item(events, codes, "quantity")
    return frame["row"].filter(_far(frame, z, frame["x"].median(), frame["x"]))


def _odd_prices(events: pl.LazyFrame, codes: pl.Series, z: float) -> pl.Series:
    """Return the rows whose price is far from the usual one of the same item: a dear item is no outlier."""
    frame = _by_item(events, codes, "price_cents")
    return frame["row"].filter(_far(frame, z, None, frame["x"]))


def _by_item(events: pl.LazyFrame, codes: pl.Series, name: str) -> pl.DataFrame:
    """Return `row`, `item` and the logarithm `x` of a column, where it is positive."""
    x = pl.col(name).log().cast(pl.Float32).alias("x")
    return _good(events, codes, pl.col("item_id").hash(1).alias("item"), x, where=pl.col(name) > 0)


def _far(frame: pl.DataFrame, z: float, shop_centre: object, x: pl.Series) -> pl.Series:
    """Say which values lie further than `z` robust deviations from the centre of their item, or of the shop where that is given."""
    deviation = (pl.col("x") - pl.col("x").median()).abs().median()
    usual = frame.group_by("item").agg(centre=pl.col("x").median(), spread=deviation, n=pl.len()).filter(pl.col("n") >= _MIN_VALUES)
    of_item = frame.select("item").join(usual.drop("n"), on="item", how="left", maintain_order="left")
    centre, spread = of_item["centre"], of_item["spread"]
    if isinstance(shop_centre, float):
        shop_spread = (x - shop_centre).abs().median()
        centre, spread = centre.fill_null(shop_centre), spread.fill_null(shop_spread if isinstance(shop_spread, float) else 0.0)
    bound = spread.clip(lower_bound=_MIN_SPREAD) * (z / _MAD_TO_SIGMA)
    return ((x - centre).abs() > bound).fill_null(False)


def _of_shared_users(events: pl.LazyFrame, codes: pl.Series, most: int) -> pl.Series:
    """Return the rows of ids such as "guest" that have more events than one user has: more than `most`, and than ten users in the middle together."""
    named = events.filter(pl.col("user_id").str.to_lowercase().is_in(sorted(_NOBODY)))
    frame = named.select("row", "user_id").collect(engine="streaming")
    frame = frame.filter(codes.gather(frame["row"]) == 0)
    if frame.height <= most:
        return pl.Series(dtype=pl.UInt32)
    per_user = events.filter(pl.col("user_id").is_not_null()).group_by(pl.col("user_id").hash(1)).len().select(pl.col("len").median())
    usual = float(per_user.collect(engine="streaming").item() or 0)
    return frame.filter(pl.len().over("user_id") > max(most, _USUAL_USERS * usual))["row"]


def _of_bots(events: pl.LazyFrame, codes: pl.Series, most: int) -> pl.Series:
    """Return the rows of users who made more than `most` events within an hour of the clock. Orders have many lines: purchases do not count."""
    user = pl.col("user_id").hash(1).alias("user")
    hour = (pl.col("time") // _HOUR_S).cast(pl.UInt32)
    counted = events.filter((pl.col("kind") != "purchase") & (pl.col("time") > CLOCK_FROM) & pl.col("user_id").is_not_null())
    rates = counted.group_by(user, hour=hour).len().filter(pl.col("len") > most).select("user").unique()
    bots = rates.collect(engine="streaming")["user"]
    if not len(bots):
        return pl.Series(dtype=pl.UInt32)
    frame = events.filter(pl.col("user_id").hash(1).is_in(bots.implode())).select("row").collect(engine="streaming")
    return frame.filter(codes.gather(frame["row"]) == 0)["row"]
