from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier

from kg.errors import ArtifactError
from kg.models.forest import Forest


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 6)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] + 0.3 * rng.normal(size=400) > 0).astype(int)


@pytest.fixture(scope="module", params=["extra", "boosting"])
def fitted(request: pytest.FixtureRequest) -> tuple[Any, Forest]:
    x, y = _data()
    if request.param == "extra":
        model = ExtraTreesClassifier(20, random_state=0).fit(x, y)
        return model, Forest.extra_trees(model)
    model = GradientBoostingClassifier(n_estimators=20, random_state=0).fit(x, y)
    return model, Forest.boosting(model)


def test_predicts_what_scikit_learn_predicts(fitted: tuple[Any, Forest]) -> None:
    model, forest = fitted
    fresh = np.random.default_rng(4).normal(size=(9000, 6)).astype(np.float32)
    np.testing.assert_allclose(forest.predict(fresh), model.predict_proba(fresh)[:, 1], atol=1e-6)


def test_survives_its_arrays(fitted: tuple[Any, Forest]) -> None:
    x, _ = _data()
    again = Forest.from_arrays(fitted[1].arrays(), n_features=6)
    np.testing.assert_array_equal(again.predict(x), fitted[1].predict(x))


@pytest.mark.parametrize(("name", "value"), [("roots", 10**6), ("roots", -1), ("feature", 6), ("left", 10**6), ("right", 0), ("left", 0)])
def test_a_forest_that_cannot_be_walked_is_refused(fitted: tuple[Any, Forest], name: str, value: int) -> None:
    arrays = {key: array.copy() for key, array in fitted[1].arrays().items()}
    arrays[name][0] = value
    with pytest.raises(ArtifactError, match="inconsistent"):
        Forest.from_arrays(arrays, n_features=6)


def test_no_rows_give_no_scores(fitted: tuple[Any, Forest]) -> None:
    assert fitted[1].predict(np.empty((0, 6), dtype=np.float32)).shape == (0,)
