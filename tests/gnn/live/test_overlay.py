"""Items that changed since the build: their scores are those of a build that had them, and every addend is a path that exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.explain.contributions import WalkArrays
from gnn.explain.live_contributions import LiveContributions
from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import WalkWeights
from gnn.live.current_artifact import current_artifact
from gnn.live.overlay import Overlay, base_facts, column
from gnn.live.rows import LiveItem
from gnn.model.history import History
from gnn.model.scorer import PathModel, score
from kg.schema import EdgeType
from kg.tables import GraphTables
from tests.gnn.small import small_model, small_tables, with_hubs

BUILD = "20240101T000000-abcdef"
BRAND: EdgeType = ("item", "has_brand", "brand")
COLOR: EdgeType = ("item", "has_color", "color")


def artifact_of(folder: Path, tables: GraphTables, model: PathModel) -> Artifact:
    save_artifact(folder, GraphArrays.from_tables(tables), model, build_id=BUILD)
    return load_artifact(folder)


def changed(tables: GraphTables, items: list[LiveItem]) -> GraphTables:
    """Return the tables as a rebuild would have them: the items' attribute edges replaced, new values and items added."""
    nodes, edges = dict(tables.nodes), dict(tables.edges)
    ids = [item.item_id for item in items]
    new = pl.DataFrame({"key": [i for i in ids if i not in set(nodes["item"]["key"])]}, schema={"key": pl.String})
    nodes["item"] = pl.concat([nodes["item"], new], how="diagonal")
    for edge_type in (BRAND, COLOR):
        rows = [(item.item_id, value) for item in items for value in item.facts.get(edge_type, ())]
        added = pl.DataFrame(rows, schema={"source": pl.String, "target": pl.String}, orient="row")
        edges[edge_type] = pl.concat([edges[edge_type].filter(~pl.col("source").is_in(ids)), added], how="diagonal")
        value_type = edge_type[2]
        nodes[value_type] = pl.concat([nodes[value_type], added.select(key="target")], how="diagonal").unique("key")
    return GraphTables(nodes, edges)


def live_items(seed: int) -> list[LiveItem]:
    """A new item of known values, one with a value nobody knows, two edited ones, and one whose edit changes nothing."""
    return [
        LiveItem("i03", "Edited", {BRAND: ("brand0",), COLOR: (f"color{seed % 4}", "color9")}),
        LiveItem("i07", "Bare now", {}),
        LiveItem("n1", "New", {BRAND: ("brand1", "brand2"), COLOR: ("color1",)}),
        LiveItem("n2", "Newer", {BRAND: ("brand new",), COLOR: ("color9", "color2")}),
    ]


def histories(overlay: Overlay, seed: int) -> list[History]:
    """Histories of base items, live items and both, by positions of the overlay."""
    rng = np.random.default_rng(seed)
    live = np.sort(overlay.arrays.positions)
    usable = np.setdiff1d(np.arange(overlay.n_items), live)
    found = []
    for nums in (usable[:3], live, np.union1d(live[:1], usable[4:7]), np.union1d(live[1:], usable[1:9])):
        weights = rng.uniform(0.1, 1, len(nums))
        found.append(History(nums.astype(np.int64), weights, ["purchased"] * len(nums), "u0"))
    return found


@pytest.fixture(params=range(3))
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_scores_are_those_of_a_rebuild_with_the_same_weights(tmp_path: Path, seed: int) -> None:
    """Where values' degrees do not count (exponent 0), nothing but the changed edges differs between overlay and rebuild."""
    tables = small_tables(seed)
    graph = GraphArrays.from_tables(tables)
    model = small_model(graph, seed, learned=0.0)
    model = replace(model, walks=tuple(_flat(walk) for walk in model.walks))
    items = live_items(seed)
    overlay = Overlay.of(artifact_of(tmp_path / "before", tables, model), items)
    after_tables = changed(tables, items)
    n_after = after_tables.nodes["item"].height
    none = np.zeros((n_after, 3), dtype=np.float32)
    after = artifact_of(tmp_path / "after", after_tables, replace(model, source_embeddings=none, target_embeddings=none))
    current = current_artifact(overlay)
    for history in histories(overlay, seed):
        nums = np.asarray([after.item_nums[current.item_ids[num]] for num in history.nums.tolist()])
        order = np.argsort(nums)
        row = History(nums[order], history.weights[order], ()).row(n_after)
        expected = score(row, after.neighbours, after.model)[0]
        found = overlay.scores(history)
        # What new items take from those that they read like is of the overlay alone: a rebuild knows them.
        found[overlay.arrays.positions] -= overlay.arrays.alike[history.nums].T @ history.weights + overlay.raised(history)[0]
        for item_id, num in current.item_nums.items():
            assert found[num] == pytest.approx(expected[after.item_nums[item_id]], rel=1e-4, abs=1e-5)


def _flat(walk: WalkWeights) -> WalkWeights:
    """Without degrees of values, and of what is linked: only the changed items' own degrees count, which are theirs in both."""
    return replace(walk, middle_exponent=0.0) if walk.meta_path.family == "attribute" else walk


@pytest.mark.parametrize(("neighbours", "max_degree", "fanout"), [(100, 1_000, 1), (3, 1_000, 300), (100, 3, 300), (100, 2, 2), (3, 1, 1)])
def test_attribute_walks_are_the_sums_of_enumerated_paths_and_all_addends_add_up(
    tmp_path: Path, seed: int, neighbours: int, max_degree: int, fanout: int
) -> None:
    tables = small_tables(seed)
    model = with_hubs(small_model(GraphArrays.from_tables(tables), seed, neighbours=neighbours), max_degree, fanout)
    artifact = artifact_of(tmp_path / "a", tables, model)
    overlay = Overlay.of(artifact, live_items(seed))
    explainer = LiveContributions(overlay, [WalkArrays(artifact, walk) for walk in artifact.model.walks])
    current, n_paths = current_artifact(overlay), 0
    for history in histories(overlay, seed):
        scores = overlay.scores(history)
        for num in range(current.n_items):
            parts, learned = explainer.addends(history, num), explainer.learned(history, num)
            assert sum(float(part.values.sum()) for part in parts) + learned.sum() == pytest.approx(scores[num], rel=1e-4, abs=1e-5)
            for part in parts:
                if part.walk.meta_path.family != "attribute":
                    continue
                edge_type = part.walk.meta_path.steps[0].edge_type
                expected = enumerated(overlay, tables, part.walk, history, num)
                got: dict[tuple[str, str], float] = {}
                for at, middle, value in zip(part.positions.tolist(), part.middles[:, 0].tolist(), part.values.tolist(), strict=True):
                    if overlay.arrays.is_live[num] or overlay.arrays.is_live[history.nums[at]]:
                        got[current.item_ids[history.nums[at]], current.node_key(edge_type[2], middle)] = value
                assert got == {key: pytest.approx(value, rel=1e-5) for key, value in expected.items()}
                n_paths += len(got)
    assert n_paths > 5


def enumerated(overlay: Overlay, tables: GraphTables, walk: WalkWeights, history: History, num: int) -> dict[tuple[str, str], float]:
    """Add up the paths of which one end is live, from plain sets: (history item, value) → addend."""
    edge_type = walk.meta_path.steps[0].edge_type
    before: dict[str, set[str]] = {}
    for source, target in tables.edges[edge_type].select("source", "target").iter_rows():
        before.setdefault(source, set()).add(target)
    live = {item.item_id: set(item.facts.get(edge_type, ())) for item in overlay.arrays.items}
    now = before | live
    popularity: dict[str, set[str]] = {}
    for (source_type, _, _), frame in tables.edges.items():
        if source_type == "user":
            for user, item in frame.select("source", "target").iter_rows():
                popularity.setdefault(item, set()).add(user)
    item_ids, found = current_artifact(overlay).item_ids, {}
    goal = item_ids[num]
    for at, weight in zip(history.nums.tolist(), history.weights.tolist(), strict=True):
        start = item_ids[at]
        if start == goal or not (start in live or goal in live):
            continue
        for value in now.get(start, set()) & now.get(goal, set()):
            build, those = [item for item, values in before.items() if value in values], [item for item, values in live.items() if value in values]
            degree = len(build) or len(those)
            first = sorted(build or those, key=lambda item: (-len(popularity.get(item, ())), item_ids.index(item)))
            if degree > max(walk.max_degree, walk.hub_fanout) and goal not in first[: walk.hub_fanout]:
                continue
            product = len(now[start]) ** -walk.start_exponent * degree**-walk.middle_exponent * len(now[goal]) ** -walk.end_exponent
            product *= min(1.0, walk.max_degree / degree)
            product *= max(1, len(popularity.get(goal, ()))) ** walk.popularity_exponent
            found[start, value] = walk.gate * weight * product
    return found


def test_a_column_holds_what_each_item_gives_to_one(tmp_path: Path, seed: int) -> None:
    tables = small_tables(seed)
    overlay = Overlay.of(artifact_of(tmp_path / "a", tables, small_model(GraphArrays.from_tables(tables), seed)), live_items(seed))
    is_live = overlay.arrays.is_live
    rows = [overlay.scores(History(np.asarray([num]), np.ones(1), ["purchased"], None)) for num in range(overlay.n_items)]
    for item in range(overlay.n_items):
        found = column(overlay.artifact, item, overlay)
        for num in range(overlay.n_items):
            if num != item and (is_live[item] or not is_live[num]):
                assert found[num] == pytest.approx(rows[num][item], rel=1e-4, abs=1e-5)


def test_an_edit_that_changes_no_fact_changes_no_score(tmp_path: Path) -> None:
    tables = small_tables(0)
    artifact = artifact_of(tmp_path / "a", tables, small_model(GraphArrays.from_tables(tables), 0))
    same = LiveItem("i02", "A better title", base_facts(artifact, "i02"))
    overlay = Overlay.of(artifact, [same])
    assert not overlay.arrays.items
    assert current_artifact(overlay).titles[artifact.item_nums["i02"]] == "A better title"


def test_an_edit_keeps_what_was_learned_and_bought(tmp_path: Path, seed: int) -> None:
    """An item whose facts are taken away and given back, by two overlays, scores what it scored before, up to pruned attribute paths."""
    tables = small_tables(seed)
    artifact = artifact_of(tmp_path / "a", tables, small_model(GraphArrays.from_tables(tables), seed))
    facts = base_facts(artifact, "i05")
    more = LiveItem("i05", "x", {**facts, BRAND: (*facts.get(BRAND, ()), "nobody has this")})
    flat = replace(artifact.model, walks=tuple(replace(walk, start_exponent=0.0, end_exponent=0.0) for walk in artifact.model.walks))
    artifact = artifact_of(tmp_path / "b", tables, flat)
    overlay = Overlay.of(artifact, [more])
    others = np.setdiff1d(np.arange(artifact.n_items), [artifact.item_nums["i05"]])
    history = History(others[:6], np.linspace(0.1, 0.6, 6), ["purchased"] * 6, "u0")
    before = score(history.row(artifact.n_items), artifact.neighbours, artifact.model)[0][artifact.item_nums["i05"]]
    assert overlay.scores(history)[artifact.item_nums["i05"]] == pytest.approx(before, rel=1e-4)


def test_the_current_artifact_has_the_edges_of_a_rebuild(tmp_path: Path, seed: int) -> None:
    tables, items = small_tables(seed), live_items(seed)
    model = small_model(GraphArrays.from_tables(tables), seed)
    overlay = Overlay.of(artifact_of(tmp_path / "before", tables, model), items, available={"i01": False, "n1": False}, gone={"i02", "never there"})
    none = np.zeros((tables.nodes["item"].height + 2, 3), dtype=np.float32)
    expected = artifact_of(tmp_path / "after", changed(tables, items), replace(model, source_embeddings=none, target_embeddings=none))
    current = current_artifact(overlay)
    assert sorted(current.item_ids) == expected.item_ids
    assert set(current.edges) == set(expected.edges)
    for edge_type in expected.edges:
        assert named_edges(current, edge_type) == named_edges(expected, edge_type)
    unavailable = {item_id for item_id, num in current.item_nums.items() if not current.available[num]}
    assert unavailable == {"i01", "n1", "i02"}
    again = Overlay.of(overlay.artifact, overlay.arrays.items, available={"i01": True}, previous=overlay)
    assert again.arrays is overlay.arrays
    assert current_artifact(again).available.all()


def named_edges(artifact: Artifact, edge_type: EdgeType) -> set[tuple[str, str]]:
    """Return the edges of a type by keys, the same read both ways round."""
    edges, source, target = artifact.edges[edge_type], edge_type[0], edge_type[2]
    found = {(artifact.node_key(source, int(s)), artifact.node_key(target, int(t))) for s, t in zip(*edges.forward.nonzero(), strict=True)}
    assert found == {(artifact.node_key(source, int(s)), artifact.node_key(target, int(t))) for t, s in zip(*edges.reverse.nonzero(), strict=True)}
    return found


def test_a_new_item_takes_its_neighbours_embedding_as_training_would_give_it(tmp_path: Path) -> None:
    """The oracle is training's own smoothing, in PyTorch Geometric, on the rebuilt graph: unknown items take their neighbours' mean whole."""
    from gnn.model.path_sum import smoothed

    tables = small_tables(2)
    graph = GraphArrays.from_tables(tables)
    model = small_model(graph, 2)
    artifact = artifact_of(tmp_path / "a", tables, model)
    new = LiveItem("n1", "New", {BRAND: ("brand1", "unheard of"), COLOR: ("color1", "color2")})
    overlay = Overlay.of(artifact, [new])
    after = GraphArrays.from_tables(changed(tables, [new])).without("also_bought")
    padded = np.zeros((after.n_items, 3), dtype=np.float32)
    padded[[after.item_ids.index(item_id) for item_id in graph.item_ids]] = model.target_embeddings
    expected = smoothed(after, padded, 0.0, max_degree=1_000)[0][after.item_ids.index("n1")]
    assert overlay.arrays.embeddings[1][0] == pytest.approx(expected, abs=1e-5)


def test_hubs_say_less_of_a_new_item_than_its_other_values(tmp_path: Path, seed: int) -> None:
    tables = small_tables(seed)
    model = with_hubs(small_model(GraphArrays.from_tables(tables), seed), 2, 1)
    artifact = artifact_of(tmp_path / "a", tables, model)
    facts = {BRAND: ("brand0", "brand1", "brand2", "brand3"), COLOR: ("color1", "color2")}
    means, weights_seen = [], set()
    for edge_type, values in facts.items():
        parts, weights = [], []
        for value in values:
            items = tables.edges[edge_type].filter(target=value)["source"].to_list()
            if items:
                parts.append(model.target_embeddings[[artifact.item_nums[item] for item in items]].mean(axis=0))
                weights.append(min(1.0, 2 / len(items)))
        means.append(sum(weight * part for weight, part in zip(weights, parts, strict=True)) / sum(weights))
        weights_seen.update(weights)
    assert len(weights_seen) > 1
    overlay = Overlay.of(artifact, [LiveItem("n1", "New", facts)])
    assert overlay.arrays.embeddings[1][0] == pytest.approx(np.mean(means, axis=0), abs=1e-5)


VALUES: Mapping[EdgeType, tuple[str, ...]] = {BRAND: ("brand0", "brand1", "nova"), COLOR: ("color0", "color1", "color2", "hue")}
FACTS = st.fixed_dictionaries({edge_type: st.sets(st.sampled_from(values)).map(lambda s: tuple(sorted(s))) for edge_type, values in VALUES.items()})


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    tables = small_tables(0)
    return artifact_of(tmp_path_factory.mktemp("small") / "a", tables, small_model(GraphArrays.from_tables(tables), 0))


@pytest.fixture(scope="module")
def small_with_hubs(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    tables = small_tables(0)
    return artifact_of(tmp_path_factory.mktemp("hubs") / "a", tables, with_hubs(small_model(GraphArrays.from_tables(tables), 0), 2, 2))


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from(["i00", "i04", "i09", "n0", "n1"]), FACTS, max_size=4), st.integers(0, 3))
def test_all_addends_add_up_where_items_change_and_values_are_hubs(
    small_with_hubs: Artifact, facts: dict[str, dict[EdgeType, tuple[str, ...]]], which: int
) -> None:
    artifact = small_with_hubs
    overlay = Overlay.of(artifact, [LiveItem(item_id, item_id, found) for item_id, found in facts.items()])
    explainer = LiveContributions(overlay, [WalkArrays(artifact, walk) for walk in artifact.model.walks])
    for history in histories(overlay, which):
        scores = overlay.scores(history)
        for num in range(overlay.n_items):
            total = sum(float(part.values.sum()) for part in explainer.addends(history, num)) + explainer.learned(history, num).sum()
            assert total == pytest.approx(scores[num], rel=1e-4, abs=2e-6)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(["i00", "i04", "i09", "n0", "n1"]), FACTS, max_size=4), st.integers(0, 3))
def test_step_by_step_is_as_at_once(small: Artifact, facts: dict[str, dict[EdgeType, tuple[str, ...]]], which: int) -> None:
    """What overlays pass on to each other changes nothing."""
    items = [LiveItem(item_id, item_id, found) for item_id, found in facts.items()]
    grown = Overlay.of(small)
    for n in range(len(items) + 1):
        grown = Overlay.of(small, items[:n], previous=grown)
        grown.scores(histories(grown, 1)[which % 4])
    at_once = Overlay.of(small, items)
    for history in histories(at_once, which):
        np.testing.assert_allclose(grown.scores(history), at_once.scores(history), rtol=1e-6, atol=1e-7)
