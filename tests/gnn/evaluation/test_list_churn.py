"""How much lists change between builds, on builds whose difference is known."""

from __future__ import annotations

from gnn.artifact.artifact import load_artifact
from gnn.evaluation.list_churn import list_churn
from gnn.recommend.recommender import Recommender
from kg.workspace import Workspace
from tests.small_shop import BUILD_ID


def test_a_build_does_not_differ_from_itself(small_shop: Workspace) -> None:
    recommender = Recommender(load_artifact(small_shop.build(BUILD_ID) / "artifact"))
    found = list_churn(recommender, recommender)
    assert found["users"] == len(recommender.artifact.user_ids)
    assert (found["changed"], found["churn"]) == (0, 0.0)
