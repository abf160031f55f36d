"""A catalogue without a single event becomes a build that is searched."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from etl.stages.search_index import write_index
from gnn.search.corpus import Corpus
from gnn.search.index import SearchIndex
from kg.tables import INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog


def test_the_index_follows_the_order_of_the_artifact_and_replaces_the_one_before(tmp_path: Path) -> None:
    items = pl.DataFrame([{"item_id": "b", "title": "Green tea"}, {"item_id": "a", "title": "Black tea"}], schema=dict(ITEM_COLUMNS))
    (tmp_path / "catalog").mkdir()
    Catalog(items, pl.DataFrame(schema=dict(INTERACTION_COLUMNS))).write(tmp_path / "catalog")
    for _ in range(2):
        counted = write_index(tmp_path, ["a", "b", "from triples alone"])
        assert counted == {"search_terms": 3}
    corpus = Corpus.of(SearchIndex.load(tmp_path / "search"))
    assert corpus.addends("black")[0].tolist() == [0]
    assert corpus.addends("green")[0].tolist() == [1]
    assert corpus.n_items == 3
    assert not list(tmp_path.glob("*.tmp"))
