from __future__ import annotations

from pathlib import Path

import pytest

from kg.config import GraphConfig, ShopConfig, load_config
from kg.errors import ConfigError

ISSUE_FORM = """
[shop]
name = "beauty"
language = "en"

[[source]]
table = "items"                       # items | interactions | users | triples
path = "items.parquet"                # relative to reckon.toml; csv, tsv, jsonl, parquet, each also .gz
columns = { item_id = "item_id", title = "title", brand = "brand", categories = "categories" }
split = { categories = "|" }          # one cell, many values

[[source]]
table = "interactions"
path = "interactions.parquet"
columns = { user_id = "user_id", item_id = "item_id", time = "position" }
kind = "purchase"

[[source]]
table = "triples"
path = "kg_triples.parquet"
columns = { head = "head", relation = "relation", tail = "tail" }
"""


def write(folder: Path, text: str) -> Path:
    (folder / "reckon.toml").write_text(text)
    return folder


def test_the_documented_form_loads(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, ISSUE_FORM), {})
    assert config.section(ShopConfig).name == "beauty"
    assert len(config.sources) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[shp]\n", "did you mean 'shop'"),
        ("[shop]\nnmae = 'x'\n", "did you mean 'name'"),
        ("[shop]\nlanguage = 'english'\n", "language"),
        ("[[source]]\ntable = 'items'\npath = 'a.csv'\ncolumns = {title = 't'}\n", "item_id"),
        ("[[source]]\ntable = 'itms'\npath = 'a.csv'\ncolumns = {item_id = 't'}\n", "table"),
        ("[[source]]\ntable = 'interactions'\npath = 'a.csv'\ncolumns = {user_id = 'u', item_id = 't'}\n", "kind"),
        ("[shop\n", "not valid TOML"),
        ("source = 3\n", r"\[\[source\]\]"),
    ],
)
def test_mistakes_are_named_with_a_suggestion(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load_config(write(tmp_path, text), {})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "[shop]\nname = 'a'\n"), {"RECKON__SHOP__NAME": "b", "RECKON__GRAPH__PORT": "17000", "OTHER": "x"})
    assert config.section(ShopConfig).name == "b"
    assert config.section(GraphConfig).port == 17000


def test_secrets_are_masked_and_numbers_stay_text_in_passwords(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, ""), {"RECKON__GRAPH__PASSWORD": "12345"})
    graph = config.section(GraphConfig)
    assert graph.password.get_secret_value() == "12345"
    assert "12345" not in repr(config)


def test_a_misspelt_variable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'graph'"):
        load_config(write(tmp_path, ""), {"RECKON__GRPAH__URI": "x"})
