"""A shop's own package brings one of each kind of plug-in, written as docs/how-to says: each is found by its name and used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EVENTS, ITEMS, write_shop

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PAGES = ("add-an-importer.md", "add-an-exporter.md", "add-a-metric.md", "add-a-gate.md", "add-a-reranker.md", "add-a-rule-kind.md", "add-a-reason.md")
TOML = """
[shop]
name = "tea shop"

[model]
factors = 4

[[source]]
table = "interactions"
path = "events.csv"
columns = { user_id = "user", item_id = "item", kind = "kind", time = "at" }

"""
MEASURED = 'bootstrap = 0\nablations = false\nexplanations = false\nbaselines = []\nsplit = "last"\ntest_fraction = 0.3\n'


def blocks(page: str, language: str) -> list[str]:
    """Return the code of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (HOW_TO / page).read_text(encoding="utf-8"), re.M | re.S)


@dataclass(frozen=True)
class PluginShop:
    """A shop with a package of its own.

    Attributes:
        root: The workspace.
        packages: The folder on the search path.
    """

    root: Path
    packages: Path

    def reckon(self, *arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run the command line with the shop's package."""
        environment = {**os.environ, **settings, "PYTHONPATH": str(self.packages), "COLUMNS": "200", "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-m", "etl", *map(str, arguments)]
        return subprocess.run(command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=200)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> PluginShop:
    """The package and the configuration as the pages have them, and one plug-in more that cannot be imported."""
    folder = tmp_path_factory.mktemp("plugins")
    packages = folder / "packages"
    info = packages / "shop_plugins-1.0.dist-info"
    info.mkdir(parents=True)
    (packages / "shop_plugins").mkdir()
    (packages / "shop_plugins" / "__init__.py").write_text("")
    settings: list[str] = []
    points = ['[reckon.gates]\nbroken = "shop_plugins.nowhere:Broken"\n']
    for page in PAGES:
        for code in blocks(page, "python"):
            named = re.match(r"# (shop_plugins/\w+\.py)\n", code)
            assert named, f"{page}: the first line of a module is its path"
            (packages / named[1]).write_text(code, encoding="utf-8")
        for code in blocks(page, "toml"):
            (settings if code.startswith("# reckon.toml\n") else points).append(code)
    text = "\n".join(points).replace('[project.entry-points."', "[").replace('"]', "]").replace('"', "")
    grouped: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            group = grouped.setdefault(line, [])
        elif line:
            group.append(line)
    (info / "entry_points.txt").write_text("\n".join("\n".join([group, *lines]) for group, lines in grouped.items()) + "\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-plugins\nVersion: 1.0\n")
    root = write_shop(folder / "shop", events=EVENTS, toml=TOML + "\n".join(settings) + MEASURED)
    rows = [line.split(",") for line in ITEMS.splitlines()[1:]]
    (root / "items.stock").write_text("".join(f"{row[0]};{row[1]};{row[2]}\n" for row in rows), encoding="utf-8")
    return PluginShop(root, packages)


SERVED = """
import json, sys
from pathlib import Path
from starlette.testclient import TestClient
from tests.small_shop import key_of, publish_small_shop, small_app
workspace = publish_small_shop(Path(sys.argv[1]))
with TestClient(small_app(workspace), headers=key_of(workspace, "admin")) as client:
    path = "/v1/users/u/recommendations"
    rule = {"name": "Summer", "action": "clearance", "items": ["4"]}
    answers = [client.get(path), client.get(path + "?rerank=by_title"), client.get(path + "?rerank=unheard"), client.put("/v1/rules/sale", json=rule)]
    answers += [client.get(path), client.get("/v1/rules"), client.get("/openapi.json")]
    print(json.dumps([answer.json() for answer in answers]))
"""


@pytest.fixture(scope="module")
def served(shop: PluginShop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Answers of the API of a published shop, asked in a process that has the package."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(shop.packages), str(root)]), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", SERVED, str(tmp_path_factory.mktemp("served") / "shop")]
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    names = ("plain", "reranked", "refused", "stored", "ruled", "rules", "openapi")
    return dict(zip(names, json.loads(done.stdout.splitlines()[-1]), strict=True))


def test_the_reranker_orders_a_list_and_is_in_openapi(shop: PluginShop, served: dict[str, Any]) -> None:
    answer = served["reranked"]
    titles = [item["title"] for item in answer["items"]]
    assert titles == sorted(titles) != [item["title"] for item in served["plain"]["items"]]
    assert answer["reranked"] == ["by_title"]
    assert "by_title" in json.dumps(served["refused"])
    parameters = served["openapi"]["paths"]["/v1/users/{user_id}/recommendations"]["get"]["parameters"]
    assert "by_title" in next(each for each in parameters if each["name"] == "rerank")["schema"]["items"]["enum"]
    assert "by_title: sorts the list by title" in " ".join(shop.reckon("recommend", "--help").stdout.split())


def test_the_rule_kind_holds_over_the_api_and_is_in_openapi(served: dict[str, Any]) -> None:
    before = next(item["score"] for item in served["plain"]["items"] if item["item_id"] == "4")
    after = next(item for item in served["ruled"]["items"] if item["item_id"] == "4")
    assert after["score"] == pytest.approx(2 * before, rel=1e-6)
    assert "Clearance: Summer, while it lasts" in [reason["sentence"] for reason in after["reasons"]]
    assert [(rule["action"], rule["items"]) for rule in served["ruled"]["rules"]] == [("clearance", ["4"])]
    assert [each["rule"]["action"] for each in served["rules"]["rules"]] == ["clearance"]
    assert "clearance" in served["openapi"]["components"]["schemas"]["RuleBody"]["properties"]["action"]["enum"]


@pytest.fixture(scope="module")
def build(shop: PluginShop) -> Path:
    """The shop's build, evaluated."""
    done = shop.reckon("evaluate", "-w", shop.root)
    assert done.returncode == 0, done.stderr
    assert "the gate plug-in 'broken' is left out" in done.stderr
    assert "No module named 'shop_plugins.nowhere'" in done.stderr
    found = [path for path in (shop.root / "builds").iterdir() if path.is_dir()]
    assert len(found) == 1
    return found[0]


def test_the_importer_reads_the_sources(shop: PluginShop) -> None:
    done = shop.reckon("check", "-w", shop.root)
    assert done.returncode == 0, done.stderr
    assert "PASS items.stock (items): stock_list; 8 rows" in done.stdout


def test_the_metric_is_in_the_report(build: Path) -> None:
    report = json.loads((build / "report.json").read_text())
    assert 0 <= report["models"]["path sum"]["metrics"]["first_hit@10"] <= 1
    assert "first_hit@10" in (build / "report.md").read_text(encoding="utf-8")


def test_the_gate_is_asked_and_recorded(shop: PluginShop, build: Path) -> None:
    gates = json.loads((build / "run.json").read_text())["gates"]
    assert gates["enough_users"]["passed"]
    assert gates["enough_users"]["limit"] == 2
    assert "| enough_users | passed |" in (build / "report.md").read_text(encoding="utf-8")


def test_the_exporter_writes_a_build(shop: PluginShop, build: Path, tmp_path: Path) -> None:
    done = shop.reckon("export", "--format", "price_list", "--out", tmp_path / "prices.csv", "--build", build.name, "-w", shop.root)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "prices.csv").read_text(encoding="utf-8").splitlines()[:2] == ["item_id,title", "1,Green tea 250 g"]
    assert "price_list" in shop.reckon("export", "--help").stdout


ASK = """
import sys
from pathlib import Path
from gnn.artifact.artifact import load_artifact
from gnn.explain.messages.languages import Languages
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender

recommender = Recommender(load_artifact(Path(sys.argv[1]) / "artifact"))
answer = recommender.similar(recommender.artifact.item_ids[0], RecQuery(k=8))
for language in ("en", "zh"):
    for reason in (reason for item in answer.items for reason in item.reasons):
        print(reason.kind, reason.relation, Languages.of()[language].text(reason.message))
"""


def test_the_kind_of_reason_tells_the_brand(shop: PluginShop, build: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(shop.packages)}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(build)], env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert "graph has_brand By Leafy, who make ‘Green tea 250 g’" in done.stdout
    assert "graph has_brand Leafy出品，与“Green tea 250 g”相同" in done.stdout
    assert "Same brand as" not in done.stdout


def test_the_gate_holds_a_build_back(shop: PluginShop, build: Path) -> None:
    done = shop.reckon("evaluate", "-w", shop.root, RECKON__EVALUATE__LIMITS='{"enough_users": 1000}')
    assert done.returncode == 14, done.stderr
    told = " ".join(done.stderr.split())
    assert "enough_users:" in told
    assert "at least 1000 wanted" in told
    assert 'take "enough_users" out of [evaluate] require' in told


def test_a_broken_plugin_that_is_asked_for_is_named(shop: PluginShop) -> None:
    done = shop.reckon("check", "-w", shop.root, RECKON__EVALUATE__REQUIRE='["broken"]')
    assert done.returncode == 2
    assert "the gate 'broken' cannot be used" in " ".join(done.stderr.split())
