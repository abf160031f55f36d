"""The commands `reckon search …` on the small shop."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from etl.search.commands import search
from kg.errors import InputError
from kg.workspace import Workspace
from tests.small_shop import publish_small_shop


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The published small shop."""
    return publish_small_shop(tmp_path_factory.mktemp("small") / "shop")


def run(*arguments: str) -> str:
    done = CliRunner().invoke(search, [*arguments], catch_exceptions=False, standalone_mode=False)
    return done.output


def test_a_query_prints_what_was_found_and_why(published: Workspace) -> None:
    printed = run("blck tea", "-k", "2", "--explain", "-w", str(published.root))
    assert "“blck” is not in the catalogue" not in printed  # one item only has "black": nothing is corrected to what is that rare
    printed = run("black tea", "-k", "2", "--explain", "-w", str(published.root))
    assert "Black tea 500 g" in printed
    assert "title 0–5: 'Black'" in printed
    assert "Black tea 500 g" in run("query", "black tea", "-w", str(published.root))


def test_a_file_of_queries_is_answered(published: Workspace, tmp_path: Path) -> None:
    pl.DataFrame({"query": ["tea", "coffee", "tea", "", None]}).write_parquet(tmp_path / "q.parquet")
    run("--queries", str(tmp_path / "q.parquet"), "--out", str(tmp_path / "r.parquet"), "-k", "100", "-w", str(published.root))
    results = pl.read_parquet(tmp_path / "r.parquet")
    assert results.schema == {"query": pl.String, "item_id": pl.String, "rank": pl.Int64, "score": pl.Float64}
    assert results["query"].unique(maintain_order=True).to_list() == ["tea", "coffee"]
    tea = results.filter(pl.col("query") == "tea")
    assert tea["rank"].to_list() == list(range(1, tea.height + 1))
    assert set(tea["item_id"].head(4)) == {"1", "2", "3", "4"}
    assert tea["score"].is_sorted(descending=True)


def test_a_file_that_cannot_be_answered_writes_nothing(published: Workspace, tmp_path: Path) -> None:
    pl.DataFrame({"text": ["tea"]}).write_parquet(tmp_path / "q.parquet")
    with pytest.raises(InputError, match="lacks the column query"):
        run("--queries", str(tmp_path / "q.parquet"), "--out", str(tmp_path / "r.parquet"), "-w", str(published.root))
    with pytest.raises(InputError, match="go together"):
        run("--queries", str(tmp_path / "q.parquet"), "-w", str(published.root))
    assert not (tmp_path / "r.parquet").exists()


def test_training_keeps_weights_and_evaluation_compares(published: Workspace, tmp_path: Path) -> None:
    queries = ["tea", "green tea", "black tea", "herbal tea", "white tea", "coffee", "coffee beans", "ground coffee", "kettle", "hose", "garden hose"]
    good = ["1", "1", "2", "3", "4", "5", "5", "6", "7", "8", "8"]
    pl.DataFrame({"query": queries, "docid": good, "rating": [3] * len(good)}).write_parquet(tmp_path / "j.parquet")
    printed = run("train", "--judgements", str(tmp_path / "j.parquet"), "-w", str(published.root))
    assert "queries that were kept out" in printed
    assert (published.root / "search" / "weights.json").is_file()
    printed = run("evaluate", "--judgements", str(tmp_path / "j.parquet"), "-w", str(published.root))
    assert "11 queries" in printed
    assert "recall@100 1.0000" in printed
    (published.root / "search" / "weights.json").unlink()
