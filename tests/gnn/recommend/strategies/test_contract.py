"""What every registered strategy holds to, and a shop's own strategy as the how-to page has it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.graph.arrays import GraphArrays
from gnn.recommend.query import Recommendations, RecQuery
from gnn.recommend.recommender import Recommender
from gnn.recommend.strategies.base import Context
from gnn.recommend.strategies.registry import STRATEGIES, strategy_of, table, user_strategies
from gnn.users.users import User, with_anchors
from kg.errors import InputError
from tests.gnn.recommend.test_lists import at_clock
from tests.gnn.small import small_model, small_tables
from tests.small_shop import publish_small_shop

ROOT = Path(__file__).parents[4]
NAMES = STRATEGIES.names()


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    graph = at_clock(GraphArrays.from_tables(small_tables(1)))
    model = small_model(graph, 1, half_life=20 * 86_400.0)
    return Recommender(load_artifact(save_artifact(tmp_path_factory.mktemp("s") / "a", graph, model, build_id="20240101T000000-abcdef")))


def user_of(recommender: Recommender, name: str) -> User:
    anchor = STRATEGIES.get(name).anchor
    return with_anchors(recommender.artifact, [3, 5], anchor) if anchor else recommender.users.user("u1")


def answer(recommender: Recommender, name: str, query: RecQuery) -> Recommendations:
    anchored = bool(STRATEGIES.get(name).anchor)
    if anchored:
        return recommender.around(name, ["i03", "i05"], query)
    return recommender.answer(recommender.users.user("u1"), replace(query, strategy=name))


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_one_finite_number_per_item_the_same_each_time_and_of_the_declared_parameters_alone(recommender: Recommender, name: str) -> None:
    strategy, context = STRATEGIES.get(name), Context(recommender.snapshot.scoring, user_of(recommender, name))
    query = RecQuery(strategy=name)
    scored = strategy.score(context, query)
    assert scored.scores.shape == (recommender.artifact.n_items,)
    assert np.isfinite(scored.scores).all()
    np.testing.assert_array_equal(scored.scores, strategy.score(context, query).scores)
    assert set(strategy.parameters) <= {field.name for field in fields(RecQuery)}
    assert strategy.by_sentence == (scored.sentence is not None)
    assert strategy.by_sentence or (scored.history is not None and scored.explainer is not None)
    for parameter, other in (("window_days", 1.0), ("session_s", 1.0), ("k", 3), ("seed", 4), ("diversity", 0.5)):
        if parameter not in strategy.parameters:
            changes: dict[str, Any] = {parameter: other}
            changed = strategy.score(context, replace(query, **changes))
            np.testing.assert_array_equal(scored.scores, changed.scores)


@pytest.mark.parametrize("name", NAMES)
def test_lists_leave_out_what_is_excluded_and_shares_add_up(recommender: Recommender, name: str) -> None:
    strategy, query = STRATEGIES.get(name), RecQuery(k=14)
    result = answer(recommender, name, query)
    assert result == answer(recommender, name, query)
    assert result.strategy == name
    assert result.items
    met = {recommender.artifact.item_ids[num] for num in user_of(recommender, name).events.met()}
    listed = {item.item_id for item in result.items}
    assert listed <= met if strategy.lists_seen else not listed & met
    scores = [item.score for item in result.items]
    assert scores == sorted(scores, reverse=True)
    for item in result.items:
        assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1, abs=1e-6)
        assert all(reason.sentence for reason in item.reasons)
        if strategy.by_sentence and item.score > 0:
            assert {reason.kind for reason in item.reasons} == {name}
    for item in result.items:
        own = recommender.artifact.item_nums[item.item_id]
        away = recommender.artifact.available.copy()
        away[own] = False
        gone = Recommender(replace(recommender.artifact, available=away))
        assert item.item_id not in {other.item_id for other in answer(gone, name, query).items}
        break


@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_that_needs_a_clock_refuses_order_numbers_and_no_other_does(tmp_path: Path, name: str) -> None:
    graph = GraphArrays.from_tables(small_tables(1))
    ordered = Recommender(load_artifact(save_artifact(tmp_path / "a", graph, small_model(graph, 1), build_id="20240101T000000-abcdef")))
    if STRATEGIES.get(name).needs_clock or name == "session":
        # A session is only refused where nothing the user did has a time.
        with pytest.raises(InputError, match="needs times"):
            answer(ordered, name, RecQuery())
    else:
        assert answer(ordered, name, RecQuery()).strategy == name


def test_a_strategy_of_the_other_kind_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="no strategy 'similar'") as refused:
        strategy_of("similar")
    assert refused.value.hint == "strategies are " + ", ".join(user_strategies())
    with pytest.raises(InputError, match="no strategy 'personal'"):
        strategy_of("personal", around_items=True)


def test_the_documentation_has_the_table() -> None:
    assert table() in (ROOT / "docs/api.md").read_text(encoding="utf-8")


SCRIPT = """
import json, sys
from pathlib import Path
from starlette.testclient import TestClient
from kg.workspace import Workspace
from tests.small_shop import key_of, small_app
workspace = Workspace.open(Path(sys.argv[1]))
with TestClient(small_app(workspace), headers=key_of(workspace)) as client:
    print(json.dumps([client.get("/v1/users/u/recommendations?strategy=undiscovered&exclude_seen=false").json(), client.get("/openapi.json").json()]))
"""


def test_a_package_brings_a_strategy_of_its_own(tmp_path: Path) -> None:
    """The how-to page, followed literally: its file and its entry point, on the path of a new process."""
    page = (ROOT / "docs/how-to/add-a-strategy.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    points = re.search(r"```toml\n\[project\.entry-points\.\"(.*?)\"\]\n(.*?)```", page, re.DOTALL)
    assert code is not None
    assert points is not None
    plugin = tmp_path / "plugin"
    info = plugin / "myshop-1.0.dist-info"
    info.mkdir(parents=True)
    (plugin / "myshop_undiscovered.py").write_text(code[1], encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: myshop\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{points[1]}]\n" + points[2].replace('"', ""), encoding="utf-8")
    workspace = publish_small_shop(tmp_path / "shop")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(plugin), str(ROOT)]), "COLUMNS": "200", "NO_COLOR": "1"}

    def run(*command: str) -> str:
        done = subprocess.run([sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    result, document = json.loads(run("-c", SCRIPT, str(workspace.root)).splitlines()[-1])
    assert result["strategy"] == "undiscovered"
    counts = [int(item["reasons"][0]["sentence"].split()[2]) for item in result["items"]]
    assert counts == sorted(counts)
    assert {reason["kind"] for item in result["items"] for reason in item["reasons"]} == {"undiscovered"}
    parameters = document["paths"]["/v1/users/{user_id}/recommendations"]["get"]["parameters"]
    assert "undiscovered" in next(each for each in parameters if each["name"] == "strategy")["schema"]["enum"]
    assert "undiscovered" in document["components"]["schemas"]["RecommendationList"]["properties"]["strategy"]["enum"]
    assert "undiscovered: what few shoppers have chosen yet" in run("-m", "etl", "recommend", "--help")
    assert "Chosen by " in run("-m", "etl", "recommend", "u", "-w", str(workspace.root), "--strategy", "undiscovered")
