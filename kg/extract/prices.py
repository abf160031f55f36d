"""Price bands: what is cheap and what is dear within a category."""

from __future__ import annotations

import polars as pl

MIN_ITEMS = 20
"""A category with fewer priced items has no bands of its own."""
BANDS = ("budget", "mid-range", "premium")
_CUTS = (0.25, 0.75)
_SPREAD = 1.2


def price_bands(items: pl.DataFrame, catalog: pl.DataFrame) -> pl.DataFrame:
    """Say in which band of its category each priced item lies.

    The category is the item's smallest one that has `MIN_ITEMS` priced items. The bands are its lower quarter, middle half and
    upper quarter; a category whose prices hardly differ has none. The value names the category, because "premium" alone would join a quarter
    of a shop.

    Args:
        items: Items (`kg.tables.items_table`) to place.
        catalog: Items whose prices make the bands.

    Returns:
        One row per item that has a band: `item_id`, `value` ("premium in Shampoos"), `surface` (the price in cents).
    """
    price = pl.col("price_cents")
    prices = _prices(catalog)
    cuts = prices.group_by("categories").agg(n=pl.len(), low=price.quantile(_CUTS[0], "linear"), high=price.quantile(_CUTS[1], "linear"))
    cuts = cuts.filter((pl.col("n") >= MIN_ITEMS) & (pl.col("high") > pl.col("low") * _SPREAD))
    rank_items = _prices(items).join(cuts, on="categories").sort("item_id", "n", "categories").unique("item_id", keep="first", maintain_order=True)
    band = pl.when(price < pl.col("low")).then(pl.lit(BANDS[0])).when(price > pl.col("high")).then(pl.lit(BANDS[2])).otherwise(pl.lit(BANDS[1]))
    return rank_items.select("item_id", value=band + " in " + pl.col("categories"), surface=price.cast(pl.String))


def _prices(items: pl.DataFrame) -> pl.DataFrame:
    priced = items.select("item_id", "price_cents", "categories").filter(pl.col("price_cents") > 0)
    return priced.explode("categories").drop_nulls("categories").unique(["item_id", "categories"])
