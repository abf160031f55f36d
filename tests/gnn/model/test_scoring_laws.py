"""Every score is a sum over graph paths: checked against enumerations that share no code with the scorer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl
import pytest

from gnn.artifact.artifact import SCHEMA_VERSION, Artifact, load_artifact, save_artifact
from gnn.explain.explainer import Explainer, Limits
from gnn.graph.arrays import GraphArrays
from gnn.model.scorer import PathModel
from gnn.recommend.recommender import Recommender
from kg.errors import ArtifactError, InputError, NotFoundError
from tests.gnn.small import in_season, small_model, small_tables, with_hubs

BUILD = "20240101T000000-abcdef"


def artifact_of(folder: Path, graph: GraphArrays, model: PathModel) -> Artifact:
    save_artifact(folder / "artifact", graph, model, build_id=BUILD)
    return load_artifact(folder / "artifact")


@pytest.fixture(params=range(4))
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=[(1_000, 300), (2, 300), (2, 2), (1, 1)], ids=lambda limits: f"hubs above {limits[0]} lead on to {limits[1]}")
def artifact(request: pytest.FixtureRequest, tmp_path: Path, seed: int) -> Artifact:
    graph = GraphArrays.from_tables(small_tables(seed))
    model = with_hubs(small_model(graph, seed), *request.param)
    return artifact_of(tmp_path, graph, in_season(model, seed) if seed % 2 else model)


def enumerated(artifact: Artifact, graph: GraphArrays, user_id: str, item_id: str) -> dict[tuple[str, str, str], float]:
    """Add up all simple paths with networkx: (meta-path, history item, shared node) → addend."""
    model, history = artifact.model, Recommender(artifact).history(user_id)
    assert history is not None
    found: dict[tuple[str, str, str], float] = {}
    for walk in model.walks:
        net = nx.DiGraph()
        steps = walk.meta_path.steps
        for place, step in enumerate(steps):
            frame = graph.edges[step.edge_type]
            for source, target in frame.select("source_num", "target_num").iter_rows():
                left, right = (target, source) if step.reverse else (source, target)
                net.add_edge((place, left), (place + 1, right))
        degrees = {node: (net.in_degree(node), net.out_degree(node)) for node in net}
        for place, step in list(enumerate(steps))[1:]:
            for hub in [node for node in net if node[0] == place and degrees[node][1] > walk.max_degree]:
                liked = {node: -graph.popularity[node[1]] if step.end == "item" else degrees[node][0] for node in net[hub]}
                net.remove_edges_from([(hub, node) for node in sorted(liked, key=lambda node: (liked[node], node))[walk.hub_fanout :]])
        goal = (len(steps), graph.item_ids.index(item_id))
        for num, weight in zip(history.nums.tolist(), history.weights.tolist(), strict=True):
            if num == goal[1] or (0, num) not in net or goal not in net:
                continue
            for path in nx.all_simple_paths(net, (0, num), goal, cutoff=len(steps)):
                if len(path) == 4 and path[1][1] == goal[1]:
                    continue  # steps back from the shoppers to where they were reached
                value = walk.gate * weight * degrees[path[0]][1] ** -walk.start_exponent * degrees[goal][0] ** -walk.end_exponent
                value *= max(1.0, float(graph.popularity[goal[1]])) ** walk.popularity_exponent * model.factor_of(goal[1])
                for node in path[1:-1]:
                    value *= degrees[node][1] ** -walk.middle_exponent * min(1.0, walk.max_degree / degrees[node][1])
                shared = "/".join(str(node[1]) for node in path[1:-1])
                key = (walk.meta_path.name, graph.item_ids[num], shared)
                found[key] = found.get(key, 0.0) + value
    return found


def test_scores_are_the_sums_of_enumerated_paths(artifact: Artifact, seed: int) -> None:
    graph = GraphArrays.from_tables(small_tables(seed))
    recommender = Recommender(artifact)
    for user_id in artifact.user_ids[:3]:
        history = recommender.history(user_id)
        assert history is not None
        scores = recommender.scores(history)
        for item_id in graph.item_ids:
            num = artifact.item_nums[item_id]
            learned = artifact.model.learned_gate * float(
                (history.weights @ artifact.model.source_embeddings[history.nums].astype(float)) @ artifact.model.target_embeddings[num].astype(float)
            )
            assert artifact.model.item_weights is not None
            learned += artifact.model.weights_gate * float(history.weights @ artifact.model.item_weights.toarray()[history.nums, num])
            expected = sum(enumerated(artifact, graph, user_id, item_id).values()) + learned
            assert scores[num] == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_the_explainer_finds_the_same_paths(artifact: Artifact, seed: int) -> None:
    graph = GraphArrays.from_tables(small_tables(seed))
    recommender = Recommender(artifact)
    n_paths = 0
    for item in recommender.recommend(artifact.user_ids[0], 8).items:
        expected = enumerated(artifact, graph, artifact.user_ids[0], item.item_id)
        told = recommender.explain(artifact.user_ids[0], item.item_id, show_ids=True)
        n_paths += len(expected)
        assert sum(len(reason.paths) + reason.n_not_shown for reason in told.reasons) == len(expected)
        graph_share = sum(reason.share for reason in told.reasons if reason.kind == "graph")
        assert graph_share == pytest.approx(sum(expected.values()) / told.score, abs=1e-6)
    assert n_paths


def test_shares_add_up_whatever_is_listed(artifact: Artifact) -> None:
    recommender, explainer = Recommender(artifact), Explainer(artifact)
    for user_id in artifact.user_ids:
        history = recommender.history(user_id)
        assert history is not None
        for item in range(artifact.n_items):
            for most in (1, 1_000):
                told = explainer.explain(history, item, max_reasons=most, max_paths=most)
                assert sum(reason.share for reason in told.reasons) + told.remainder == pytest.approx(1, abs=1e-6)
                for reason in told.reasons:
                    shown = sum(path.share for path in reason.paths)
                    if reason.kind == "graph":
                        assert shown + reason.share_not_shown == pytest.approx(reason.share, abs=1e-9)
                if most > 1:
                    assert told.remainder == 0


def test_removing_an_edge_lowers_the_score_by_the_shares_through_it(artifact: Artifact) -> None:
    """The build's degree weights and pruning are held fixed: only the edge goes."""
    recommender = Recommender(artifact)
    checked = 0
    for user_id in artifact.user_ids:
        for item in recommender.recommend(user_id, 5).items:
            for reason in item.reasons:
                if reason.relation != "has_brand":
                    continue
                full = recommender.explain(user_id, item.item_id)
                through = next(r for r in full.reasons if r.sentence == reason.sentence)
                without = _score_without_brand(artifact, recommender, user_id, item.item_id, through.paths[0].nodes[2].key)
                assert full.score - without == pytest.approx(through.share * full.score, abs=1e-9)
                checked += 1
    assert checked


def _score_without_brand(artifact: Artifact, recommender: Recommender, user_id: str, item_id: str, key: object) -> float:
    """Add up the addends of all paths but those over the edge item → brand."""
    told = recommender.explain(user_id, item_id, max_paths=10_000)
    kept = [path for r in told.reasons for path in r.paths if not (path.edges[-1].type == "HAS_BRAND" and path.nodes[-2].key == key)]
    rest = sum(path.share for path in kept) + sum(r.share for r in told.reasons if r.kind == "learned")
    return rest * told.score


def test_an_item_whose_brand_edge_is_gone_scores_what_the_shares_said(tmp_path: Path, seed: int) -> None:
    """The same law on two real artifacts: exponents of 0 make all degree weights 1, so removing the edge changes nothing else."""
    tables = small_tables(seed)
    graph = GraphArrays.from_tables(tables)
    model = small_model(graph, seed)
    flat = replace(model, walks=tuple(replace(w, start_exponent=0.0, middle_exponent=0.0, end_exponent=0.0) for w in model.walks))
    before = Recommender(artifact_of(tmp_path / "before", graph, flat))
    edge_type = ("item", "has_brand", "brand")
    source, target = graph.edges[edge_type].select("source_num", "target_num").row(0)
    fewer = graph.edges[edge_type].filter((pl.col("source_num") != source) | (pl.col("target_num") != target))
    after = Recommender(artifact_of(tmp_path / "after", replace(graph, edges={**graph.edges, edge_type: fewer}), flat))
    item_id, brand = graph.item_ids[source], graph.keys["brand"][target]
    for user_id in before.artifact.user_ids:
        history = before.history(user_id)
        assert history is not None
        if source in history.nums:
            continue
        told = before.explain(user_id, item_id, max_paths=10_000)
        through = sum(p.share for r in told.reasons for p in r.paths if p.edges[-1].type == "HAS_BRAND" and p.nodes[-2].key == {"value": brand})
        after_score = after.explain(user_id, item_id).score
        assert told.score - after_score == pytest.approx(through * told.score, abs=1e-6)


def test_every_shown_path_exists_edge_by_edge(artifact: Artifact, seed: int) -> None:
    tables = small_tables(seed)
    edges = {(relation.upper(), s, t) for (_, relation, _), frame in tables.edges.items() for s, t in frame.select("source", "target").iter_rows()}
    shown = 0
    recommender = Recommender(artifact)
    for user_id in artifact.user_ids:
        for item in recommender.recommend(user_id, 10, show_ids=True).items:
            for path in (p for r in item.reasons for p in r.paths):
                for left, edge, right in zip(path.nodes, path.edges, path.nodes[1:], strict=False):
                    source, target = (right, left) if edge.reverse else (left, right)
                    assert source.key is not None
                    assert target.key is not None
                    assert (edge.type, next(iter(source.key.values())), next(iter(target.key.values()))) in edges
                    shown += 1
    assert shown


def test_nobody_is_an_other_shopper_of_herself(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    for user_id in artifact.user_ids:
        for item in recommender.recommend(user_id, 20, show_ids=True).items:
            others = [(n.key or {})["user_id"] for r in item.reasons for p in r.paths for n in p.nodes[2:-1] if n.label == "User"]
            assert user_id not in others


def test_one_is_as_all_and_nothing_seen_comes_back(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    everybody = recommender.recommend_all(6)
    for user_id in artifact.user_ids:
        rows = everybody.filter(user_id=user_id).sort("rank")
        answer = recommender.recommend(user_id, 6)
        assert rows["item_id"].to_list() == [item.item_id for item in answer.items]
        assert not {artifact.item_nums[item.item_id] for item in answer.items} & set(recommender.seen(user_id).tolist())


def test_an_ad_hoc_history_is_scored_like_a_known_one(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    answer = recommender.recommend_history([(artifact.item_ids[0], "purchase", None)], 5)
    assert answer.strategy == "personal"
    assert artifact.item_ids[0] not in [item.item_id for item in answer.items]
    assert recommender.recommend_history([], 3).strategy == "popular"
    with pytest.raises(NotFoundError, match="nothing like it"):
        recommender.recommend_history([("nothing like it", "view", None)])


def test_pruned_pairs_are_dropped_whole(tmp_path: Path, seed: int) -> None:
    graph = GraphArrays.from_tables(small_tables(seed))
    artifact = artifact_of(tmp_path, graph, small_model(graph, seed, neighbours=3))
    recommender = Recommender(artifact)
    assert np.diff(artifact.neighbours.indptr).max() <= 3
    for user_id in artifact.user_ids:
        history = recommender.history(user_id)
        assert history is not None
        scores = recommender.scores(history)
        for item in recommender.recommend(user_id, 10).items:
            if item.score:
                assert item.score == pytest.approx(scores[artifact.item_nums[item.item_id]], rel=1e-4, abs=1e-6)


def test_k_below_one_is_refused(artifact: Artifact) -> None:
    with pytest.raises(InputError, match="k is 0"):
        Recommender(artifact).recommend("nobody", 0)


@pytest.mark.parametrize("name", ["neighbours_data.npy", "items.arrow", "edges_0_forward_indices.npy"])
def test_a_corrupt_file_is_refused(tmp_path: Path, name: str) -> None:
    graph = GraphArrays.from_tables(small_tables(0))
    save_artifact(tmp_path / "a", graph, small_model(graph, 0), build_id=BUILD)
    data = bytearray((tmp_path / "a" / name).read_bytes())
    data[-1] ^= 0xFF
    (tmp_path / "a" / name).write_bytes(data)
    with pytest.raises(ArtifactError, match=name):
        load_artifact(tmp_path / "a")
    (tmp_path / "a" / name).unlink()
    with pytest.raises(ArtifactError, match="missing"):
        load_artifact(tmp_path / "a")


def test_another_schema_version_is_refused(tmp_path: Path) -> None:
    graph = GraphArrays.from_tables(small_tables(0))
    save_artifact(tmp_path / "a", graph, small_model(graph, 0), build_id=BUILD)
    manifest = tmp_path / "a" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"schema_version": {SCHEMA_VERSION}', '"schema_version": 99'))
    with pytest.raises(ArtifactError, match="schema version 99"):
        load_artifact(tmp_path / "a")


def test_adding_up_paths_tells_what_enumerating_them_tells(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    adding, single = Explainer(artifact).adding_up(0), Explainer(artifact).adding_up(1_000_000)
    items = list(range(artifact.n_items))
    for user_id in artifact.user_ids:
        history = recommender.history(user_id)
        assert history is not None
        for one, other in zip(*(explainer.explain_all(history, items, Limits(1_000, 2)) for explainer in (adding, single)), strict=True):
            assert (one.n_paths, one.remainder) == (other.n_paths, other.remainder)
            assert one.score == pytest.approx(other.score, abs=1e-12)
            told, expected = ([(r.kind, r.sentence, r.n_not_shown) for r in sorted(each.reasons, key=str)] for each in (one, other))
            assert sorted(told) == sorted(expected)
            assert {r.sentence: r.share for r in one.reasons} == pytest.approx({r.sentence: r.share for r in other.reasons}, abs=1e-9)
            counts = [sorted(n.count or 0 for r in each.reasons for p in r.paths for n in p.nodes) for each in (one, other)]
            assert counts[0] == counts[1]


def test_all_items_at_once_are_told_as_one_by_one(tmp_path: Path) -> None:
    """More items than fit into one word of bits."""
    graph = GraphArrays.from_tables(small_tables(1, n_items=140))
    artifact = artifact_of(tmp_path, graph, small_model(graph, 1))
    history = Recommender(artifact).history(artifact.user_ids[1])
    assert history is not None
    items = list(range(artifact.n_items))[::-1]
    for explainer in (Explainer(artifact), Explainer(artifact).adding_up(0)):
        assert explainer.explain_all(history, items, Limits()) == [explainer.explain(history, item) for item in items]
