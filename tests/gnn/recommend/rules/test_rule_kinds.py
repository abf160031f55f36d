"""What every registered kind of business rule holds to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.explain.messages.languages import english
from gnn.graph.arrays import GraphArrays
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender
from gnn.recommend.rules.definition import RuleBody, rule_of
from gnn.recommend.rules.kinds.base import RULE_KINDS, IdentifiedRule, RuleEffect, RuleItems, RuleKind, adjustment, summaries, table
from gnn.recommend.rules.selection import Selection
from gnn.recommend.snapshot import assemble
from tests.gnn.small import small_model, small_tables

ROOT = Path(__file__).parents[4]
ALL = pytest.mark.parametrize("kind", RULE_KINDS.all(), ids=RULE_KINDS.names())
COMPLETE: dict[str, Any] = {"boost": {"factor": 2.0}, "bury": {"factor": 0.5}, "cap": {"per": "has_brand", "most": 1}}
"""What a rule of some kinds needs beside its items."""


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    graph = GraphArrays.from_tables(small_tables(1))
    return Recommender(load_artifact(save_artifact(tmp_path_factory.mktemp("k") / "a", graph, small_model(graph, 1), build_id="20240101T000000-abc")))


def body(kind: RuleKind, **more: Any) -> dict[str, Any]:
    return {"name": "Tea week", "action": kind.name, **COMPLETE.get(kind.name, {}), **more}


@ALL
def test_a_complete_rule_is_taken_and_an_empty_one_refused(kind: RuleKind) -> None:
    assert RuleBody.model_validate(body(kind, items=["i01"])).action == kind.name
    assert set(kind.fields) <= set(RuleBody.model_fields)
    with pytest.raises(ValidationError, match="needs"):
        RuleBody.model_validate({"name": "Nothing", "action": kind.name})


@ALL
def test_it_does_something_and_the_answer_names_the_rule(recommender: Recommender, kind: RuleKind) -> None:
    user = recommender.users.user("u1")
    plain = recommender.answer(user, RecQuery(k=5))
    wanted = [plain.items[1].item_id] if kind.name != "cap" else []
    rule = rule_of("week", body(kind, items=wanted))
    answer = Recommender(assemble(recommender.snapshot.engine, rules=[rule])).answer(user, RecQuery(k=5))
    (effect,) = answer.rules
    assert (effect.rule_id, effect.name, effect.action) == ("week", "Tea week", kind.name)
    assert effect.items or effect.n_left_out
    for item in answer.items:
        assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1, abs=1e-6)
        named = any("Tea week" in english().text(reason.message) for reason in item.reasons if reason.kind == "rule")
        assert named == (item.item_id in effect.items)


@ALL
def test_its_effect_names_items_of_the_build_and_says_why(recommender: Recommender, kind: RuleKind) -> None:
    rule = rule_of("week", body(kind, items=["i01", "i02", "not here"]))
    effect = kind.effect(rule, Selection(recommender.artifact, recommender.snapshot.masks.matching))
    assert any((effect.exclusion, effect.adjustment, effect.pins, effect.cap))
    if effect.exclusion is not None:
        assert len(effect.exclusion) == 2
        assert "Tea week" in english().text(effect.exclusion.why)
    if effect.adjustment is not None:
        assert len(effect.adjustment.items) == len(effect.adjustment.factors) == len(effect.adjustment.messages) == 2
        assert (effect.adjustment.factors > 0).all()
    assert len({pin.position for pin in effect.pins}) == len(effect.pins) == len({pin.num for pin in effect.pins})


@ALL
def test_it_is_described_once(kind: RuleKind) -> None:
    assert kind.summary
    assert not kind.summary.endswith(".")
    assert f"{kind.name}: {kind.summary}" in summaries()


def test_an_unknown_kind_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValidationError) as refused:
        RuleBody.model_validate({"name": "Up", "action": "levitate", "items": ["1"]})
    assert all(f"'{name}'" in str(refused.value) for name in RULE_KINDS.names())


class Broken(RuleKind):
    """Fails, or answers what cannot rank."""

    name, summary = "boost", "stands for boost"

    def __init__(self, factor: float | None) -> None:
        self.factor = factor

    def effect(self, rule: IdentifiedRule, items: RuleItems) -> RuleEffect:
        if self.factor is None:
            raise KeyError("surprise")
        return RuleEffect(adjustment=adjustment(items.selected(rule), self.factor, "x"))


@pytest.mark.parametrize(("factor", "problem"), [(None, "KeyError: 'surprise'"), (-1.0, "finite factor above 0"), (float("nan"), "finite factor")])
def test_a_kind_that_fails_stops_no_other_rule(recommender: Recommender, monkeypatch: pytest.MonkeyPatch, factor: float | None, problem: str) -> None:
    first = recommender.answer(recommender.users.user("u1"), RecQuery(k=1)).items[0].item_id
    rules = [rule_of("up", {"name": "Up", "action": "boost", "factor": 2, "items": ["i01"]})]
    rules += [rule_of("out", {"name": "Out", "action": "exclude", "items": [first]})]
    monkeypatch.setitem(RULE_KINDS._things, "boost", Broken(factor))
    snapshot = assemble(recommender.snapshot.engine, rules=rules)
    assert list(snapshot.rules.problems) == ["up"]
    assert problem in snapshot.rules.problems["up"]
    assert [effect.rule_id for effect in Recommender(snapshot).answer(recommender.users.user("u1"), RecQuery(k=5)).rules] == ["out"]


def test_the_documentation_has_the_table() -> None:
    assert table() in (ROOT / "docs/api.md").read_text(encoding="utf-8")
