"""New items that equal what a shopper has: planted variants of known models."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.live.likeness import words_of
from gnn.live.overlay import Overlay
from gnn.live.rows import LiveItem
from gnn.recommend.recommender import Recommender
from gnn.recommend.snapshot import assemble
from gnn.recommend.why_not import why_not
from gnn.training.fit import fit
from kg.graph.build import build_graph
from kg.schema import EdgeType
from kg.tables import ATTRIBUTE_COLUMNS, INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog

MAKERS = ("Corvo", "Lindqvist", "Ostra", "Penrith")
KINDS = ("gel pen", "fountain pen", "marker", "notebook", "stapler", "desk lamp", "paper tray", "label roll", "whiteboard", "envelope")
COLOURS = ("blue", "black", "red")
BRAND: EdgeType = ("item", "has_brand", "brand")
COLOR: EdgeType = ("item", "has_color", "color")


def title(maker: str, kind: str, colour: str) -> str:
    return f"{maker} {kind} model {MAKERS.index(maker)}{KINDS.index(kind)} {colour}"


def item_id(maker: str, kind: str, colour: str) -> str:
    return f"{maker}-{kind}-{colour}".replace(" ", "_").lower()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    """A stationer whose shoppers choose at random, so that nothing but the text can carry a new item."""
    rng, shop = np.random.default_rng(3), list(product(MAKERS, KINDS, COLOURS))
    items = [{"item_id": item_id(*one), "title": title(*one), "categories": []} for one in shop]
    facts = [(item_id(*one), relation, value) for one in shop for relation, value in (("has_brand", one[0]), ("has_color", one[2]))]
    events = []
    for user in range(150):
        for place, num in enumerate(rng.choice(len(shop), int(rng.integers(2, 25)), replace=False)):
            events.append({"user_id": f"u{user}", "item_id": item_id(*shop[num]), "kind": "purchase", "time": float(place), "quantity": 1.0})
    evidence = {"confidence": 1.0, "field": "x", "start": 0, "end": 1, "surface": "x", "extractor": "catalog", "extractor_version": "1"}
    attributes = [{"item_id": i, "relation": r, "value": v, **evidence} for i, r, v in sorted(facts)]
    interactions = pl.DataFrame(events, schema=dict(INTERACTION_COLUMNS))
    catalog = Catalog(pl.DataFrame(items, schema=dict(ITEM_COLUMNS)), interactions=interactions)
    graph = GraphArrays.from_tables(build_graph(catalog, pl.DataFrame(attributes, schema=dict(ATTRIBUTE_COLUMNS))))
    model = fit(graph, interactions, ModelConfig(factors=16, epochs=10)).model
    folder: Path = tmp_path_factory.mktemp("likeness") / "artifact"
    return Recommender(load_artifact(save_artifact(folder, graph, model, build_id="20240101T000000-abcdef")))


def variant(maker: str, kind: str) -> LiveItem:
    """Return the same model in a colour that the shop has never had."""
    return LiveItem(f"new-{maker}-{kind}", title(maker, kind, "teal"), {BRAND: (maker,), COLOR: ("teal",)})


@pytest.fixture(scope="module")
def live(base: Recommender) -> Recommender:
    return Recommender(
        assemble(base.snapshot.engine, Overlay.of(base.artifact, [variant(maker, kind) for maker, kind in product(MAKERS, KINDS)][::7]))
    )


def test_a_variant_of_what_a_shopper_has_is_among_the_first_ten(base: Recommender) -> None:
    ranks = []
    for maker, kind in list(product(MAKERS, KINDS))[::5]:
        new = variant(maker, kind)
        recommender = Recommender(assemble(base.snapshot.engine, Overlay.of(base.artifact, [new])))
        twins = {base.artifact.item_nums[item_id(maker, kind, colour)] for colour in COLOURS}
        histories = {user_id: recommender.users.user(user_id).history.nums.tolist() for user_id in base.artifact.user_ids[::3]}
        ranks += [why_not(recommender, user_id, new.item_id, 10).rank for user_id, nums in histories.items() if twins & set(nums)]
    assert len(ranks) > 50
    assert max(ranks) <= 10


def test_one_view_of_a_model_is_enough(base: Recommender) -> None:
    new = variant("Ostra", "marker")
    recommender = Recommender(assemble(base.snapshot.engine, Overlay.of(base.artifact, [new])))
    answer = recommender.recommend_history([(item_id("Ostra", "marker", "red"), "view", None)], 10)
    assert new.item_id in [item.item_id for item in answer.items]


def test_shares_add_up_and_likeness_is_no_path(live: Recommender) -> None:
    seen = 0
    for user_id in live.artifact.user_ids[:40]:
        for item in live.recommend(user_id, 30).items:
            assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1, abs=1e-6)
            told = live.explain(user_id, item.item_id)
            assert told.score == pytest.approx(item.score, rel=1e-5, abs=1e-6)
            for reason in told.reasons:
                if "title and details" in reason.sentence:
                    seen += 1
                    assert item.item_id.startswith("new-")
                    assert (reason.kind, reason.paths, reason.relation) == ("learned", (), None)
                    assert reason.history
    assert seen


def test_what_reads_like_nothing_takes_nothing(base: Recommender) -> None:
    odd = LiveItem("odd", "Kayak paddle 230 cm", {})
    recommender = Recommender(assemble(base.snapshot.engine, Overlay.of(base.artifact, [odd])))
    assert recommender.overlay is not None
    assert recommender.overlay.arrays.alike.nnz == 0


@pytest.mark.parametrize(
    ("text", "words"), [("Teal PEN, 0.7mm", ["teal", "pen", "0", "7mm"]), ("ＡＢ 铅笔盒", ["ab", "铅笔", "笔盒"]), ("", []), ("笔", ["笔"])]
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words
