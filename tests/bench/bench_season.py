"""The factor of the season on a build's events: which one past windows choose, and iALS without and with it on the withheld end.

PYTHONPATH=. python tests/bench/bench_season.py BUILD     BUILD is a folder under builds/ whose import is done, as of `make demo`
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from gnn.config import EvaluateConfig, ModelConfig
from gnn.evaluation.baselines import ALS, InSeason, Ranker
from gnn.evaluation.evaluate import TestUsers, evaluate
from gnn.events.interactions import Interactions
from gnn.events.split import split_interactions
from gnn.graph.arrays import GraphArrays
from gnn.model.history import HistoryWeights
from gnn.model.scorer import history_weights
from gnn.model.season import Season
from gnn.training.factors import confidence_for
from gnn.training.season_choice import choose_season
from kg.graph.build import build_graph
from kg.tables import ATTRIBUTE_COLUMNS, Catalog, empty
from tests.bench.real_shops import cost

EVALUATE = EvaluateConfig(bootstrap=0)


def main() -> None:
    """Print what was chosen and one table."""
    parser = argparse.ArgumentParser(description="The factor of the season.")
    parser.add_argument("build", type=Path)
    parser.add_argument("--season", nargs=2, type=float, metavar=("DAYS", "EXPONENT"), help="this factor, in place of the choice")
    arguments = parser.parse_args()
    catalog = Catalog.read(arguments.build / "catalog")
    split = split_interactions(catalog.interactions)
    graph = GraphArrays.from_tables(build_graph(catalog, empty(ATTRIBUTE_COLUMNS)))
    with cost("choice"):
        season = Season(*arguments.season) if arguments.season else choose_season(graph, split.train, ModelConfig())
    print(f"chosen: {season}")
    known = graph.with_interactions(split.train)
    seen = history_weights(known, HistoryWeights(count_exponent=0.0))
    seen.data[:] = 1.0
    users, nums = ({name: num for num, name in enumerate(names)} for names in (graph.keys["user"], graph.item_ids))
    found: dict[int, list[int]] = {}
    for user, item in split.new_items().iter_rows():
        if user in users and item in nums and seen.indptr[users[user]] < seen.indptr[users[user] + 1]:
            found.setdefault(users[user], []).append(nums[item])
    asked = TestUsers(np.asarray(sorted(found)), tuple(np.asarray(sorted(found[user])) for user in sorted(found)), seen)
    plain = ALS(seen, confidence=confidence_for(seen))
    rankers: list[Ranker] = [plain] if season is None else [plain, InSeason(plain, Interactions.of(known).season(season))]
    with cost("iALS"):
        results = evaluate(rankers, asked, EVALUATE)
    print(f"{len(asked.users):,} shoppers\n| model | ndcg@10 | recall@10 | hit@10 |\n| --- | --- | --- | --- |")
    for one in results:
        print(f"| {one.name} | " + " | ".join(f"{one.metrics[name]:.4f}" for name in ("ndcg@10", "recall@10", "hit@10")) + " |")


if __name__ == "__main__":
    main()
