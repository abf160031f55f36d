"""What of the learned part runs over paths through other shoppers: checked against sums written out shopper by shopper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.explain.explainer import Explainer, Limits, learned_walk, walk_arrays
from gnn.graph.arrays import GraphArrays
from gnn.live.current_artifact import current_artifact
from gnn.live.overlay import Overlay
from gnn.live.rows import LiveItem
from gnn.model.copurchases import CoPurchases
from gnn.model.history import History
from gnn.model.learned_paths import net_fraction
from gnn.model.scorer import PathModel, score
from gnn.recommend.recommender import Recommender
from gnn.training.fit import refit
from kg.schema import EdgeType
from tests.gnn.small import in_season, small_model, small_tables, with_hubs

CONFIG = ModelConfig(factors=3, factor_regularization=0.5, factor_confidence=5.0, regression_regularization=0.5)
PURCHASED: EdgeType = ("user", "purchased", "item")


def shop(seed: int) -> tuple[GraphArrays, pl.DataFrame]:
    """Return the random shop, with the events that its graph was built from."""
    graph = GraphArrays.from_tables(small_tables(seed, n_users=12))
    rows: list[tuple[object, ...]] = []
    for edge_type, frame in graph.edges.items():
        if edge_type[0] == "user":
            kind = "purchase" if edge_type == PURCHASED else "view"
            for user, item in frame.select("source_num", "target_num").iter_rows():
                rows.append((graph.keys["user"][user], graph.item_ids[item], kind, float(len(rows)), 1.0, None, None))
    columns = {"user_id": pl.String, "item_id": pl.String, "kind": pl.String, "time": pl.Float64, "quantity": pl.Float64}
    events = pl.DataFrame(rows, schema={**columns, "rating": pl.Float64, "price_cents": pl.Int64}, orient="row")
    return graph.with_interactions(events), events


def fitted(seed: int, *, hubs: tuple[int, int] = (1_000, 300)) -> tuple[GraphArrays, PathModel]:
    graph, events = shop(seed)
    model = refit(graph, events, with_hubs(small_model(graph, seed, learned=0.8), *hubs), CONFIG)
    return graph, in_season(model, seed) if seed % 2 else model


@pytest.fixture(params=[(0, (1_000, 300)), (1, (1_000, 300)), (2, (2, 2))], ids=["plain", "season", "hubs"])
def artifact(request: pytest.FixtureRequest, tmp_path: Path) -> Artifact:
    seed, hubs = request.param
    graph, model = fitted(seed, hubs=hubs)
    return load_artifact(save_artifact(tmp_path / "a", graph, model, build_id="20240101T000000-abcdef"))


def split_of(artifact: Artifact) -> CoPurchases:
    found = artifact.model.copurchases
    assert found is not None
    return found


def history_of(artifact: Artifact, user_id: str) -> History:
    history = Recommender(artifact).history(user_id)
    assert history is not None
    return history


def written_out(artifact: Artifact, history: History, item: int) -> dict[tuple[int, int], float]:
    """Add up what the learned part has on each path: (history item, shopper) → addend, one after another."""
    model, split, walk = artifact.model, split_of(artifact), learned_walk(artifact)
    assert walk is not None
    assert model.item_weights is not None
    step = walk.meta_path.steps[-1]
    begins, ends = artifact.oriented(step)[1], artifact.onward(step, walk)[1]
    edges = {(k, u): n for k in range(artifact.n_items) for n, u in zip(*_row(begins, k), strict=True)}
    weights = model.item_weights.toarray()
    profile = history.weights @ model.source_embeddings[history.nums].astype(float)
    through: dict[tuple[int, int], float] = {}
    regressed: dict[tuple[int, int], float] = {}
    for place, k in enumerate(history.nums.tolist()):
        shared = sorted(set(_row(begins, k)[1]) & set(_row(ends, item)[1]))
        gram = sum(float(split.met[edges[k, u]] * split.met[edges[item, u]]) for u in shared)
        direct = model.factor_of(item) * gram / split.support[k] if split.support[k] else 0.0
        claim = min(float(weights[k, item]), direct)
        for u in shared:
            through[k, u] = float(profile @ split.through[k]) * float(split.taken[edges[k, u]]) * float(split.given[edges[item, u]])
            met = float(split.met[edges[k, u]] * split.met[edges[item, u]])
            regressed[k, u] = model.weights_gate * float(history.weights[place]) * claim * met / gram
    # Together no more than the embeddings give, and nothing of another sign.
    whole, learned = sum(through.values()), float(profile @ model.target_embeddings[item].astype(float))
    net = min(1.0, max(0.0, learned / whole)) if whole else 0.0
    return {path: net * model.learned_gate * through[path] + regressed[path] for path in through}


def test_paths_get_no_more_than_there_is() -> None:
    """More than the embeddings give, something of another sign, less, nothing."""
    assert net_fraction(np.asarray([4.0, 2.0, 1.0, 0.0, -2.0]), np.asarray([1.0, -1.0, 3.0, 1.0, -4.0])).tolist() == [0.25, 0.0, 1.0, 0.0, 1.0]


def _row(matrix: object, row: int) -> tuple[list[int], list[int]]:
    start, end = matrix.indptr[row : row + 2]  # type: ignore[attr-defined]  # a scipy matrix
    return list(range(start, end)), matrix.indices[start:end].tolist()  # type: ignore[attr-defined]


def test_paths_have_what_the_algebra_gives_them(artifact: Artifact) -> None:
    """The walk itself closed, its paths hold nothing but what was learned."""
    through = learned_walk(artifact)
    assert through is not None
    explainer, split = Explainer(artifact), next(walk for walk in walk_arrays(artifact) if walk.learned is not None)
    some = 0
    for user_id in artifact.user_ids[:4]:
        history = history_of(artifact, user_id)
        sources = artifact.model.source_embeddings[history.nums].astype(float)
        for item in range(artifact.n_items):
            assert split.learned is not None
            shares = split.learned.split(history, sources, history, np.asarray([item]))
            paths = split.addends(history, np.zeros(len(history.nums), dtype=bool), item, shares)
            expected = written_out(artifact, history, item)
            got = {(int(history.nums[p]), int(m)): v for p, m, v in zip(paths.positions, paths.middles[:, 0], paths.values, strict=True)}
            assert {key: value for key, value in expected.items() if value} == pytest.approx({k: v for k, v in got.items() if v}, rel=1e-9, abs=1e-12)
            assert float(shares.moved.sum()) == pytest.approx(sum(expected.values()), rel=1e-9, abs=1e-12)
            some += len(got)
            _, learned = explainer.addends(history, item)
            whole = history.weights * artifact.model.learned_among(history.nums, np.asarray([item]))[0]
            assert float(learned.sum()) == pytest.approx(float(whole.sum()) - sum(expected.values()), rel=1e-9, abs=1e-9)
    assert some


def test_shares_add_up_and_the_score_is_that_which_ranks(artifact: Artifact) -> None:
    recommender, explainer = Recommender(artifact), Explainer(artifact)
    for user_id in artifact.user_ids:
        history = history_of(artifact, user_id)
        scores = score(history.row(artifact.n_items), artifact.neighbours, artifact.model)[0]
        for explanation, item in zip(explainer.explain_all(history, range(artifact.n_items), Limits(3, 2)), range(artifact.n_items), strict=True):
            assert sum(reason.share for reason in explanation.reasons) + explanation.remainder == pytest.approx(1, abs=1e-9)
            assert explanation.score == pytest.approx(float(scores[item]), rel=1e-4, abs=1e-5)
        for one in recommender.recommend(user_id, 3).items:
            assert sum(reason.share for reason in one.reasons) + one.remainder == pytest.approx(1, abs=1e-9)


def test_adding_up_says_what_enumerating_says(artifact: Artifact) -> None:
    adding, single = Explainer(artifact).adding_up(0), Explainer(artifact).adding_up(1_000_000)
    items = list(range(artifact.n_items))
    for user_id in artifact.user_ids[:5]:
        history = history_of(artifact, user_id)
        for one, other in zip(*(explainer.explain_all(history, items, Limits(1_000, 2)) for explainer in (adding, single)), strict=True):
            assert one.n_paths == other.n_paths
            assert one.score == pytest.approx(other.score, abs=1e-12)
            shares = [{reason.sentence: reason.share for reason in each.reasons} for each in (one, other)]
            assert shares[0] == pytest.approx(shares[1], abs=1e-9)


def test_the_sentence_counts_shoppers_who_exist(artifact: Artifact) -> None:
    """All who met the item and something of the history are counted, and nobody else."""
    explainer, walk = Explainer(artifact).adding_up(0), learned_walk(artifact)
    assert walk is not None
    begins, ends = artifact.oriented(walk.meta_path.steps[-1])[1], artifact.onward(walk.meta_path.steps[-1], walk)[1]
    checked = 0
    for user_id in artifact.user_ids:
        history = history_of(artifact, user_id)
        for item in range(artifact.n_items):
            for reason in explainer.explain(history, item, max_reasons=1_000, max_paths=1_000).reasons:
                if reason.relation != walk.meta_path.relation:
                    continue
                for path in reason.paths:
                    count = next(node.count for node in path.nodes if node.count is not None)
                    keys = [next(iter(node.key.values())) for node in path.nodes if node.label == "Item" and node.key]
                    nums = [artifact.item_nums[key] for key in keys]
                    assert count == len(set(_row(begins, nums[0])[1]) & set(_row(ends, nums[-1])[1]))
                    checked += 1
    assert checked


def test_never_more_is_given_than_the_shoppers_of_both_are_worth(artifact: Artifact) -> None:
    """Of an item–item weight: neither more than the weight, nor more than the first term of its equation."""
    learned = next(walk.learned for walk in walk_arrays(artifact) if walk.learned is not None)
    split, model = split_of(artifact), artifact.model
    assert model.item_weights is not None
    nums = np.arange(artifact.n_items)
    gram = np.zeros((artifact.n_items, artifact.n_items))
    begins = artifact.oriented(learned_walk(artifact).meta_path.steps[-1])[1]  # type: ignore[union-attr]  # there is one
    gram = np.asarray((begins @ begins.T).todense(), dtype=float)
    claimed = learned.claimed(model.item_weights, nums, nums, gram)
    factor = np.asarray([model.factor_of(item) for item in nums.tolist()])[:, None]
    direct = np.divide(gram, np.asarray(split.support)[None, :], out=np.zeros_like(gram), where=np.asarray(split.support)[None, :] > 0) * factor
    assert (claimed <= model.item_weights.toarray().T + 1e-9).all()
    assert (claimed <= direct + 1e-9).all()
    assert claimed.any()


def test_events_and_items_since_the_build_keep_shares_exact(tmp_path: Path) -> None:
    graph, model = fitted(0)
    artifact = load_artifact(save_artifact(tmp_path / "a", graph, model, build_id="20240101T000000-abcdef"))
    brand: EdgeType = ("item", "has_brand", "brand")
    overlay = Overlay.of(artifact, [LiveItem("i03", "Edited", {brand: ("brand0",)}), LiveItem("new", "New", {brand: ("brand1",)})])
    explainer = Explainer(artifact).over(overlay, current_artifact(overlay))
    nums = np.asarray([1, 3, 5, artifact.n_items])
    history = History(nums, np.asarray([0.5, 0.5, 0.4, 0.3]), ["purchased"] * 4)
    moved = 0
    for item in range(artifact.n_items):
        explanation = explainer.explain(history, item)
        assert sum(reason.share for reason in explanation.reasons) + explanation.remainder == pytest.approx(1, abs=1e-9)
        parts, learned = explainer.addends(history, item)
        live = explainer._live
        assert live is not None
        shares = live.split(history, item)
        assert (shares is None) == (item == 3)
        whole = live.learned(history, item)
        if shares is not None:
            moved += int(shares.pairs.sum())
            np.testing.assert_allclose(whole - learned, shares.moved[0], atol=1e-12)
            assert float(shares.moved.sum()) == pytest.approx(float(shares.values.sum()), abs=1e-12)
        assert sum(float(part.values.sum()) for part in parts) + float(learned.sum()) == pytest.approx(explanation.score, abs=1e-9)
    assert moved
