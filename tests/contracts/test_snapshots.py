"""Nothing changes or copies what answers: a change is another snapshot, and both doors assemble it by one function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.graph.arrays import GraphArrays
from gnn.recommend.recommender import Recommender
from gnn.recommend.rules.definition import rule_of
from gnn.recommend.scoring.engine import Engine
from gnn.recommend.snapshot import Snapshot, assemble
from tests.gnn.small import small_model, small_tables

ROOT = Path(__file__).parents[2]
SERVED = ("recommender", "snapshot", "explainer", "scoring", "engine", "users", "shoppers", "masks", "columns")
FOLDERS = ("gnn/recommend", "gnn/explain", "gnn/users", "api", "etl")


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def faults(name: str, tree: ast.Module) -> list[str]:
    """Return where a module copies an object, or assigns to an attribute of something that answers."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "copy":
            found.append(f"{name}:{node.lineno} imports copy")
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []
        for target in (one for each in targets for one in (each.elts if isinstance(each, ast.Tuple) else [each])):
            if not isinstance(target, ast.Attribute):
                continue
            owner = target.value
            owner_name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            if owner_name.lstrip("_") in SERVED:
                found.append(f"{name}:{target.lineno} assigns {owner_name}.{target.attr}")
    return found


def test_nothing_is_copied_and_patched() -> None:
    found = [line for name, tree in modules() for line in faults(name, tree)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "code",
    ["from copy import copy", "recommender.rules = 1", "self._recommender.rules = 1", "a.users.interests, b = 1, 2", "snapshot.version += 1"],
)
def test_the_check_sees_each_kind_of_patch(code: str) -> None:
    assert faults("x", ast.parse(code))


def test_both_doors_assemble_by_one_function() -> None:
    """A `Snapshot` is constructed in its own module alone, and each door calls `assemble` once or twice."""
    made, called = set(), set()
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id == "Snapshot":
                    made.add(name)
                if node.func.id == "assemble":
                    called.add(name)
    assert made == {"gnn/recommend/snapshot.py"}
    assert {"api/serving/served_build.py", "etl/published.py"} <= called


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    graph = GraphArrays.from_tables(small_tables(1))
    return assemble(load_artifact(save_artifact(tmp_path / "a", graph, small_model(graph, 1), build_id="20240101T000000-abcdef")))


def test_a_snapshot_and_its_recommender_refuse_assignment(snapshot: Snapshot) -> None:
    recommender = Recommender(snapshot)
    with pytest.raises(FrozenInstanceError):
        snapshot.rules = snapshot.rules  # type: ignore[misc]
    for name in ("snapshot", "rules", "artifact", "overlay", "users", "explainer"):
        with pytest.raises(AttributeError):
            setattr(recommender, name, None)


def test_another_set_of_rules_is_another_version_that_shares_what_is_expensive(snapshot: Snapshot) -> None:
    first = Recommender(snapshot).recommend("u0", 3).items[0].item_id
    rule = rule_of("out", {"name": "Out", "action": "exclude", "items": [first]})
    ruled = assemble(snapshot.engine, rules=[rule], previous=snapshot)
    assert ruled.version != snapshot.version == snapshot.version
    assert ruled.scoring is snapshot.scoring
    assert ruled.masks is snapshot.masks
    assert first not in [item.item_id for item in Recommender(ruled).recommend("u0", 14).items]
    assert first in [item.item_id for item in Recommender(snapshot).recommend("u0", 14).items]
    assert isinstance(snapshot.engine, Engine)
