"""Quality of explanations: the measures on cases whose answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gnn.artifact.artifact import Artifact
from gnn.evaluation.explanation_quality import _smoothed, _smoothed_times, fewest_reasons, quality
from gnn.explain.contributions import Contributions
from gnn.explain.explainer import Explainer, History
from gnn.explain.reasons import MOST_IN_A_ROW, Explanation, Reason
from gnn.graph.arrays import GraphArrays
from tests.gnn.model.test_scoring_laws import artifact_of
from tests.gnn.small import small_model, small_tables


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    graph = GraphArrays.from_tables(small_tables(0))
    return artifact_of(tmp_path, graph, small_model(graph, 0))


def test_the_explanations_of_a_sound_build_pass(artifact: Artifact) -> None:
    measured = quality(artifact, np.arange(len(artifact.user_ids)), 1)
    passed = {gate["name"]: gate["passed"] for gate in measured.gates()}
    assert measured.users == len(artifact.user_ids)
    assert measured.paths > measured.items > 0
    assert passed["completeness_error"]
    assert passed["path_validity"]
    assert passed["coverage"]
    assert measured.score_error < 1e-5
    assert all(0 <= value <= 1 for value in (measured.lir, measured.sep, measured.etd, measured.top_deleted, measured.random_deleted))


def test_deletion_by_rank_adds_up_to_the_whole_and_leads_shrink_down_the_list(tmp_path: Path) -> None:
    graph = GraphArrays.from_tables(small_tables(0, n_items=40))
    artifact = artifact_of(tmp_path, graph, small_model(graph, 0))
    measured = quality(artifact, np.arange(len(artifact.user_ids)), 1)
    ranks = [at.rank for at in measured.by_rank]
    items = np.array([at.items for at in measured.by_rank])
    assert ranks == list(range(1, len(ranks) + 1))
    for name in ("top_deleted", "random_deleted"):
        assert np.average([getattr(at, name) for at in measured.by_rank], weights=items) == pytest.approx(getattr(measured, name))
    leads = [at.lead for at in measured.by_rank]
    assert leads[0] > leads[-1] >= 0
    assert all(at.random_deleted <= at.top_deleted for at in measured.by_rank)


def test_the_same_seed_measures_the_same(artifact: Artifact) -> None:
    users = np.arange(len(artifact.user_ids))
    assert quality(artifact, users, 3) == quality(artifact, users, 3)


def test_a_path_over_an_edge_that_is_gone_is_noticed(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check reads the edges themselves: an explainer that invents a value is caught."""
    truly = Explainer.addends_all

    def inventive(self: Explainer, history: History, items: Sequence[int]) -> list[tuple[list[Contributions], np.ndarray]]:
        return [
            ([replace(p, middles=np.zeros_like(p.middles)) if p.walk.meta_path.relation == "has_brand" else p for p in parts], learned)
            for parts, learned in truly(self, history, items)
        ]

    monkeypatch.setattr(Explainer, "addends_all", inventive)
    measured = quality(artifact, np.arange(len(artifact.user_ids)), 1)
    assert measured.path_validity < 1
    assert not next(gate["passed"] for gate in measured.gates() if gate["name"] == "path_validity")


def test_without_attributes_and_links_nothing_but_shoppers_covers(artifact: Artifact) -> None:
    """With every walk closed the learned part alone ranks, and coverage says that no path is behind it."""
    closed = replace(artifact.model, walks=tuple(replace(walk, gate=0.0) for walk in artifact.model.walks))
    neighbours = artifact.neighbours.copy()
    neighbours.data = np.zeros_like(neighbours.data)
    measured = quality(replace(artifact, model=closed, neighbours=neighbours), np.arange(len(artifact.user_ids)), 1)
    assert measured.coverage == 0
    assert measured.learned_share == pytest.approx(1)
    assert np.isnan(measured.path_validity)
    assert not all(gate["passed"] for gate in measured.gates())


def test_smoothing_is_that_of_the_source() -> None:
    """v = 1, 2, 4 in order: x = 1, 0.7 + 0.6 = 1.3, 0.91 + 1.2 = 2.11, then brought to 0…1."""
    assert _smoothed(np.array([4.0, 1.0, 2.0])) == pytest.approx([1.0, 0.0, 0.3 / 1.11])
    assert _smoothed_times({7: 1.0, 3: 2.0, 5: 4.0}) == pytest.approx({7: 0.0, 3: 0.3 / 1.11, 5: 1.0})
    assert _smoothed_times({7: 1.0, 3: float("nan")}) == {}


def test_few_reasons_are_enough_where_they_carry_the_score() -> None:
    reasons = tuple(Reason("graph", share, "x") for share in (0.5, 0.1, 0.3, -0.2, 0.3))
    explanation = Explanation(10.0, reasons, 0.0, 5)
    assert [fewest_reasons(explanation, limit) for limit in (0.0, 5.0, 5.1, 8.1, 11.9)] == [1, 1, 2, 3, 4]
    assert fewest_reasons(explanation, 12.1) == 6


def test_what_a_brief_answer_shows_is_measured(artifact: Artifact) -> None:
    measured = quality(artifact, np.arange(len(artifact.user_ids)), 1)
    assert 0 < measured.longest_run <= MOST_IN_A_ROW
    assert 0.9 < measured.concrete <= 1
    assert 0 < measured.etd_shown <= 1
    assert 0 <= measured.sep_shown <= 1


def test_items_count_where_their_lead_is_larger_than_a_random_fifth_takes(tmp_path: Path) -> None:
    graph = GraphArrays.from_tables(small_tables(0, n_items=40))
    artifact = artifact_of(tmp_path, graph, small_model(graph, 0))
    measured = quality(artifact, np.arange(len(artifact.user_ids)), 1)
    assert 0 < measured.adjusted_items < measured.items
    assert measured.random_deleted_adjusted <= measured.random_deleted
    assert measured.sufficiency_adjusted <= measured.sufficiency
    assert 0 <= measured.comprehensiveness <= 1
    assert {"random_deleted_adjusted", "sufficiency_adjusted"} <= {gate["name"] for gate in measured.gates()}
