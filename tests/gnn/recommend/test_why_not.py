"""Why-not and what-if answers, each held against scores computed another way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gnn.artifact.artifact import Artifact
from gnn.explain.messages.languages import english
from gnn.graph.arrays import GraphArrays
from gnn.recommend.recommender import Recommender
from gnn.recommend.rules.definition import rule_of
from gnn.recommend.snapshot import assemble
from gnn.recommend.why_not import why_not, without_edge
from kg.errors import InputError, NotFoundError
from kg.schema import EdgeType
from tests.gnn.model.test_scoring_laws import artifact_of
from tests.gnn.small import small_model, small_tables, with_hubs


@pytest.fixture(params=range(4))
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def artifact(tmp_path: Path, seed: int) -> Artifact:
    graph = GraphArrays.from_tables(small_tables(seed))
    return artifact_of(tmp_path, graph, small_model(graph, seed))


@pytest.fixture
def with_hubs_in_it(tmp_path: Path, seed: int) -> Artifact:
    graph = GraphArrays.from_tables(small_tables(seed))
    return artifact_of(tmp_path, graph, with_hubs(small_model(graph, seed), 2, 2))


def outside(recommender: Recommender, user_id: str, k: int) -> list[str]:
    """Return what the user could be recommended but is not among the first k."""
    return [item.item_id for item in recommender.recommend(user_id, 1_000).items if item.rank > k and item.score > 0]


def test_the_rank_and_the_missing_score_are_those_of_the_list(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    for user_id in artifact.user_ids:
        everything = recommender.recommend(user_id, 1_000).items
        for item in everything:
            if item.score <= 0:
                continue
            answer = why_not(recommender, user_id, item.item_id, 3)
            assert answer.rank == item.rank
            assert answer.missing_score == pytest.approx(max(0.0, everything[2].score - item.score), abs=1e-5)


def test_what_is_lacking_adds_up_to_the_distance_from_the_listed_items(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    for user_id in artifact.user_ids:
        listed = [item.score for item in recommender.recommend(user_id, 3).items]
        for item_id in outside(recommender, user_id, 3)[:3]:
            answer = why_not(recommender, user_id, item_id, 3)
            assert sum(row.missing for row in answer.lacks) == pytest.approx(sum(listed) / len(listed) - answer.score, abs=1e-4)


def test_each_change_brings_the_item_in_and_no_part_of_it_does(artifact: Artifact) -> None:
    """Scored again through `recommend_history`, which takes events as a caller sends them."""
    recommender, found = Recommender(artifact), 0
    kind = {"purchased": "purchase", "viewed": "view"}
    for user_id in artifact.user_ids:
        events = [
            (artifact.item_ids[e.item], kind[e.relation], e.last_time)
            for e in recommender.events(artifact.user_nums[user_id])
            for _ in range(int(e.count))
        ]
        last = max(time for _, _, time in events)
        for item_id in outside(recommender, user_id, 2):
            for change in why_not(recommender, user_id, item_id, 2).changes:
                found += 1
                ids = [event[0] for event in change.events]
                for left_out in (None, *ids):
                    chosen = [event for event in change.events if event[0] != left_out]
                    if change.action == "add":
                        changed = [*events, *((i, kind[relation], last) for i, _, relation in chosen)]
                    else:
                        changed = [event for event in events if event[0] not in {i for i, _, _ in chosen}]
                    ranked = [item.item_id for item in recommender.recommend_history(changed, 2, explain=False).items]
                    assert (item_id in ranked) == (left_out is None)
    assert found > 10


def test_what_the_user_has_is_left_out_and_says_so(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    event = recommender.events(0)[0]
    answer = why_not(recommender, artifact.user_ids[0], artifact.item_ids[event.item])
    why = english().text(answer.filtered[0])
    assert why.startswith("already in the history")
    assert event.relation in why
    assert not answer.changes


def edges_of(graph: GraphArrays) -> list[tuple[EdgeType, int, int]]:
    return [
        (edge_type, *pair)
        for edge_type, frame in graph.edges.items()
        for pair in frame.select("source_num", "target_num").rows()[::3]
        if edge_type[0] != "category"
    ]


@pytest.mark.parametrize("name", ["artifact", "with_hubs_in_it"])
def test_an_edge_takes_exactly_its_shares_with_it(request: pytest.FixtureRequest, name: str, seed: int) -> None:
    artifact: Artifact = request.getfixturevalue(name)
    graph = GraphArrays.from_tables(small_tables(seed))
    recommender = Recommender(artifact)
    user_id, used = artifact.user_ids[0], 0
    item_id = outside(recommender, user_id, 0)[0]
    told = recommender.explain(user_id, item_id, max_paths=10_000, show_ids=True)
    paths = [path for reason in told.reasons for path in reason.paths]
    for edge_type, source, target in edges_of(graph):
        ends = artifact.node_key(edge_type[0], source), artifact.node_key(edge_type[2], target)
        through = 0.0
        for path in paths:
            names = [str(next(iter((node.key or {"": ""}).values()))) for node in path.nodes]
            walked = [
                (names[n + 1], names[n]) if edge.reverse else (names[n], names[n + 1])
                for n, edge in enumerate(path.edges)
                if n and edge.type == edge_type[1].upper()
            ]
            through += path.share * told.score if ends in walked else 0.0
        effect = without_edge(recommender, user_id, item_id, edge_type, *ends)
        used += through > 0
        assert effect.score == pytest.approx(told.score, abs=1e-6)
        assert effect.through_edge == pytest.approx(through, abs=1e-6)
        assert effect.fixed_score == pytest.approx(told.score - through, abs=1e-6)
    assert used


def test_counted_anew_the_score_is_that_of_a_graph_without_the_edge(artifact: Artifact, tmp_path: Path, seed: int) -> None:
    graph = GraphArrays.from_tables(small_tables(seed))
    recommender = Recommender(artifact)
    user_id = artifact.user_ids[0]
    history = recommender.history(user_id)
    assert history is not None
    for number, (edge_type, source, target) in enumerate(edges_of(graph)):
        gone = (pl.col("source_num") == source) & (pl.col("target_num") == target)
        frames = {name: frame.filter(~gone) if name == edge_type else frame for name, frame in graph.edges.items()}
        (tmp_path / str(number)).mkdir()
        cut = artifact_of(tmp_path / str(number), replace(graph, edges=frames), artifact.model)
        scores = Recommender(cut).scores(history)
        for item_id in outside(recommender, user_id, 0)[:2]:
            effect = without_edge(
                recommender, user_id, item_id, edge_type, artifact.node_key(edge_type[0], source), artifact.node_key(edge_type[2], target)
            )
            assert effect.renormalised_score == pytest.approx(float(scores[artifact.item_nums[item_id]]), rel=1e-4, abs=1e-5)


def test_an_edge_that_a_hub_does_not_lead_over_carries_nothing(with_hubs_in_it: Artifact) -> None:
    artifact, edge_type = with_hubs_in_it, ("item", "has_brand", "brand")
    recommender, whole = Recommender(artifact), artifact.edges[edge_type].reverse
    kept = next(pair[0] for (step, _, _), pair in artifact.hubs.items() if step.edge_type == edge_type)
    brand = int(np.argmax(np.diff(whole.indptr)))
    reached, everything = (set(m.indices[m.indptr[brand] : m.indptr[brand + 1]].tolist()) for m in (kept, whole))
    assert len(reached) == 2 < len(everything)
    history = recommender.history(artifact.user_ids[0])
    assert history is not None
    for item in sorted(everything - set(history.nums.tolist())):
        ends = artifact.item_ids[item], artifact.node_key("brand", brand)
        effect = without_edge(recommender, artifact.user_ids[0], artifact.item_ids[item], edge_type, *ends)
        if item not in reached:
            assert effect.through_edge == 0
            assert effect.fixed_score == effect.score
        elif everything & set(history.nums.tolist()):
            assert effect.through_edge > 0


def test_questions_about_nothing_are_refused(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    with pytest.raises(NotFoundError, match="no-such"):
        why_not(recommender, artifact.user_ids[0], "no-such")
    with pytest.raises(NotFoundError, match="no history"):
        why_not(recommender, "nobody", artifact.item_ids[0])
    with pytest.raises(InputError, match="k is 0"):
        why_not(recommender, artifact.user_ids[0], artifact.item_ids[0], 0)
    with pytest.raises(NotFoundError, match="no edge"):
        without_edge(recommender, artifact.user_ids[0], artifact.item_ids[0], ("item", "has_brand", "brand"), "i00", "no-such")


def test_the_rank_is_that_of_the_list_with_rules_and_the_one_by_score_is_told_beside_it(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    user_id = artifact.user_ids[0]
    before = recommender.recommend(user_id, 20).items
    first, second, last = before[0].item_id, before[1].item_id, [item for item in before if item.score > 0][-1].item_id
    rules = [
        rule_of("bury", {"name": "Bury", "action": "bury", "items": [first], "factor": 0.001}),
        rule_of("pin", {"name": "Pin", "action": "pin", "items": [last], "place": 1}),
    ]
    recommender = Recommender(assemble(artifact, rules=rules))
    served = {item.item_id: item for item in recommender.recommend(user_id, 20).items}
    assert (served[last].rank, served[second].rank) == (1, 2)
    for item_id in (first, second, last):
        answer = why_not(recommender, user_id, item_id, 2)
        assert (answer.rank, answer.rank_by_score) == (served[item_id].rank, {item.item_id: item.rank for item in before}[item_id])
        kth = next(item.score for item in served.values() if item.rank == 2)
        gap = 0.0 if served[item_id].rank <= 2 else max(0.0, kth - served[item_id].score)
        assert answer.missing_score == pytest.approx(gap, abs=1e-5)
    assert why_not(recommender, user_id, first, 2).changes == ()
