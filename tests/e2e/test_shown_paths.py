"""Two hundred explained recommendations whose every step is found in the database, on every database there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from api.recommendations.render import replayed
from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.recommend.recommender import Recommender
from gnn.training.fit import fit
from kg.catalog.records import StoredEvent
from kg.embedded import EmbeddedGraph
from kg.extract.pipeline import Extractor
from kg.graph.build import build_graph
from kg.store import GraphStore
from kg.tables import INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog

BUILD, N_USERS, K = "20260101T000000-abc123", 40, 5
TERMS = ("zulo vant", "miro kest", "tarn opil", "quib lorr", "fesk dunn", "hovo plin")


def a_shop() -> Catalog:
    """Sixty items in six categories, forty shoppers who each keep to two of them; ids with quotes and letters of other scripts.

    Two hundred more items that nobody chose make the shop large enough for terms.
    """
    rng = np.random.default_rng(3)
    items = [
        {
            "item_id": f"item '{n}' ü",
            "title": f"{['Frozen', 'Organic', 'Fresh'][n % 3]} food no. {n} {n % 4 + 1} oz, {TERMS[n % 6]}",
            "brand": f"Brand {n % 7}",
            "categories": [f"Category {n % 6}"],
        }
        for n in range(60)
    ]
    items += [{"item_id": f"rest {n}", "title": f"Rest{chr(97 + n // 26)}{chr(97 + n % 26)}", "categories": []} for n in range(200)]
    events = []
    for user in range(N_USERS):
        liked = [n for n in range(60) if n % 6 in (user % 6, (user + 1) % 6)]
        for place, item in enumerate(rng.choice(liked, 8, replace=False)):
            kind = "view" if place % 3 == 0 else "purchase"
            events.append(
                {"user_id": f"user {user}", "item_id": f"item '{item}' ü", "kind": kind, "time": 1.7e9 + user * 100 + place, "quantity": 1.0}
            )
    return Catalog(pl.DataFrame(items, schema=dict(ITEM_COLUMNS)), pl.DataFrame(events, schema=dict(INTERACTION_COLUMNS)))


@pytest.fixture(params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    if request.param == "neo4j":
        with GraphStore(request.getfixturevalue("neo4j_connection")) as opened:
            yield opened
        return
    with EmbeddedGraph(tmp_path / "graph", heap_mb=512) as connection, GraphStore(connection) as opened:
        opened.wait(60)
        yield opened


def steps_of(answer: Any) -> set[tuple[str, str, str, str, str, str, str]]:
    """Return (label, key name, key, edge type, label, key name, key) of every step of every path."""
    found = set()
    for item in answer.items:
        for path in (path for reason in item.reasons for path in reason.paths):
            for left, edge, right in zip(path.nodes, path.edges, path.nodes[1:], strict=False):
                source, target = (right, left) if edge.reverse else (left, right)
                (a, a_key), (b, b_key) = next(iter(source.key.items())), next(iter(target.key.items()))
                found.add((source.label, a, str(a_key), edge.type, target.label, b, str(b_key)))
    return found


@pytest.mark.parametrize("hubs", [{}, {"max_degree": 4, "hub_fanout": 6}], ids=["no hubs", "every value a hub"])
def test_every_step_of_two_hundred_recommendations_is_in_the_database(store: GraphStore, tmp_path: Path, hubs: dict[str, Any]) -> None:
    catalog = a_shop()
    store.load(build_graph(catalog, Extractor().extract(catalog.items)), BUILD)
    graph = GraphArrays.from_tables(store.read(evidence=False))
    model = fit(graph, catalog.interactions, ModelConfig(factors=4, **hubs)).model
    save_artifact(tmp_path / "artifact", graph, model, build_id=BUILD)
    recommender = Recommender(load_artifact(tmp_path / "artifact"))
    answers = [recommender.recommend(f"user {user}", K, show_ids=True) for user in range(N_USERS)]
    assert sum(len(answer.items) for answer in answers) == N_USERS * K
    assert all(answer.strategy == "personal" for answer in answers)
    by_shape: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for a_label, a, a_key, edge, b_label, b, b_key in set().union(*map(steps_of, answers)):
        by_shape[a_label, a, edge, b_label, b].append({"a": a_key, "b": b_key})
    assert len(by_shape) >= 3
    assert ("Item", "item_id", "MENTIONS", "Term", "value") in by_shape
    for (a_label, a, edge, b_label, b), rows in by_shape.items():
        text = f"UNWIND $rows AS row MATCH (x:{a_label})-[r:{edge}]->(y:{b_label}) WHERE x.{a} = row.a AND y.{b} = row.b RETURN count(r) AS n"
        assert store.query(text, {"rows": rows}).rows == [[len(rows)]], (a_label, edge, b_label)
    every_path_is_replayed(store, recommender)


def every_path_is_replayed(store: GraphStore, recommender: Recommender) -> None:
    """The Cypher of a path finds it, and finds as many as a grouped hop counts; after a fresh purchase it begins at the item."""
    fresh = [StoredEvent(1, "user 1", "item '0' ü", "purchase", 1.8e9)]
    n_grouped = n_fresh = 0
    for show_ids, user_id, since in ((True, "user 0", []), (False, "user 0", []), (False, "user 1", fresh)):
        saved = recommender.saved(user_id)
        [first] = recommender.recommend(user_id, 1, fresh=since).items
        told = recommender.explain(user_id, first.item_id, fresh=since, max_paths=12, show_ids=show_ids)
        paths = [path for reason in told.reasons for path in reason.paths]
        assert paths
        for path in paths:
            replay = replayed(path, saved, BUILD)
            counted = next((node.count for node in path.nodes if node.count is not None), 1)
            assert store.query(replay["cypher"], replay["parameters"]).rows == [[counted, None]], replay
            n_grouped += counted > 1
            n_fresh += "MATCH (n0:Item)" in replay["cypher"]
    assert n_grouped
    assert n_fresh
