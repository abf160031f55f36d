"""What a shopper would rate an item: a rating head over the score, measured where interactions carry ratings.

    r(u, i) = μ + b_u + b_i + κ · f(s(u, i)) ,   within the range of the ratings

Biases are shrunken means, b_i = Σ_u (r_ui - μ) / (n_i + λ) and b_u = Σ_i (r_ui - μ - b_i) / (n_u + λ). f never falls: isotonic regression of what the
biases leave on the score. All of it is learned from the training part: a fifth of its ratings is set aside, the learned parts of the model are
learned again without them (their own edges would give them away), λ and f are fitted on them, and κ between 0 and 1 is what five-fold
cross-fitting says f is worth. The head ranks nothing; μ, b_u and b_i alone are the baseline beside it.

Source: the bias model is that of Koren, Bell and Volinsky 2009, doi:10.1109/MC.2009.263 (section "Adding biases"), with the shrinkage of Koren 2008,
doi:10.1145/1401890.1401944; isotonic regression as calibration: Zadrozny and Elkan 2002, doi:10.1145/775047.775151.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp
from sklearn.isotonic import IsotonicRegression

from gnn.artifact.artifact import Artifact
from gnn.config import EvaluateConfig, ModelConfig
from gnn.evaluation.ablation import graph_of
from gnn.events.split import Split, split_interactions
from gnn.metrics import IntArray
from gnn.model.scorer import PathModel, history_weights, neighbour_matrix, score
from gnn.recommend.recommender import Recommender
from gnn.training.fit import refit
from gnn.types import Values

HEAD, BIASES, MEAN = "rating head", "user and item means", "global mean"
MIN_RATINGS = 100
"""With fewer ratings set aside, f would be fitted to chance: nothing is reported."""
SHRINKAGES = (2.0, 5.0, 10.0, 25.0, 100.0)
SET_ASIDE = 0.2
_FOLDS = 5
_BATCH_CELLS = 10_000_000


@dataclass(frozen=True)
class RatingResults:
    """What the rating head and its baselines reached.

    Attributes:
        ratings: Withheld ratings that were predicted.
        score_share: κ, what the score is worth beside the means.
        models: Name → "mae" and "rmse", in units of the ratings.
    """

    ratings: int
    score_share: float
    models: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Ratings:
    """Ratings by position: users, items and values, each [n]; a user or item unknown to the build has number -1."""

    users: IntArray
    items: IntArray
    values: Values

    @classmethod
    def of(cls, events: pl.DataFrame, artifact: Artifact) -> Ratings:
        """Number the events that carry a rating; the mean where a shopper rated an item more than once."""
        rated = events.filter(pl.col("rating").is_finite()).group_by("user_id", "item_id").agg(pl.col("rating").mean()).sort("user_id", "item_id")
        users = [artifact.user_nums.get(user_id, -1) for user_id in rated["user_id"]]
        items = [artifact.item_nums.get(item_id, -1) for item_id in rated["item_id"]]
        return cls(np.asarray(users, dtype=np.int64), np.asarray(items, dtype=np.int64), rated["rating"].to_numpy().astype(np.float64))

    def chosen(self, chosen: np.ndarray) -> Ratings:
        """Return some of them, by position or by mask."""
        return Ratings(self.users[chosen], self.items[chosen], self.values[chosen])


@dataclass(frozen=True)
class Biases:
    """μ and how much shoppers and items differ from it: b_u [n_users + 1] and b_i [n_items + 1], the last of each 0 for who or what is unknown."""

    mean: float
    users: Values
    items: Values

    @classmethod
    def fit(cls, ratings: Ratings, n_users: int, n_items: int, shrinkage: float) -> Biases:
        """Average what remains, shrunken by λ."""
        mean = float(ratings.values.mean())
        items = _shrunken(ratings.items, ratings.values - mean, n_items, shrinkage)
        users = _shrunken(ratings.users, ratings.values - mean - items[ratings.items], n_users, shrinkage)
        return cls(mean, users, items)

    def predict(self, ratings: Ratings) -> Values:
        """Return μ + b_u + b_i of each, [n]."""
        return self.mean + self.users[ratings.users] + self.items[ratings.items]


def _shrunken(nums: IntArray, values: Values, size: int, shrinkage: float) -> Values:
    known = nums >= 0
    sums = np.bincount(nums[known], weights=values[known], minlength=size + 1)
    means: Values = sums / (np.bincount(nums[known], minlength=size + 1) + shrinkage)
    return means


@dataclass(frozen=True)
class ScoreMap:
    """κ · f(s): never falling in the score.

    Attributes:
        share: κ, within 0 and 1; 0 where cross-fitting finds nothing.
        isotonic: f.
    """

    share: float
    isotonic: IsotonicRegression

    @classmethod
    def fit(cls, scores: Values, left: Values, seed: int) -> ScoreMap:
        """Fit f to what the biases leave, and κ by least squares on predictions for ratings that their f had not seen."""
        folds = np.random.default_rng(seed).permutation(len(left)) % _FOLDS
        unseen = np.zeros(len(left))
        for fold in range(_FOLDS):
            here = folds == fold
            unseen[here] = _isotonic(scores[~here], left[~here]).predict(scores[here])
        length = float(unseen @ unseen)
        share = float(np.clip(unseen @ left / length, 0.0, 1.0)) if length > 0 else 0.0
        return cls(share, _isotonic(scores, left))

    def predict(self, scores: Values) -> Values:
        """Return what the scores add to the means, [n]."""
        added: Values = self.share * self.isotonic.predict(scores)
        return added


def _isotonic(scores: Values, left: Values) -> IsotonicRegression:
    return IsotonicRegression(increasing=True, out_of_bounds="clip").fit(scores, left)


def rating_results(artifact: Artifact, split: Split, config: EvaluateConfig, model: ModelConfig) -> RatingResults | None:
    """Fit the head on the training part and measure it on the withheld ratings; None where there are too few ratings.

    Args:
        artifact: The build fitted on the training part.
        split: The events; ratings beyond `max_users` are a seeded sample.
        config: Its `max_users` and `seed`.
        model: How the build was trained.
    """
    if split.train["rating"].null_count() == split.train.height or split.test["rating"].null_count() == split.test.height:
        return None
    carved = split_interactions(split.train, method="random", test_fraction=SET_ASIDE, seed=config.seed)
    aside = _sample(Ratings.of(carved.test, artifact), config)
    rest, test = Ratings.of(carved.train, artifact), _sample(Ratings.of(split.test, artifact), config)
    if min(len(rest.values), len(aside.values)) < MIN_RATINGS or not len(test.values):
        return None
    size = len(artifact.user_ids), artifact.n_items
    fits = [(Biases.fit(rest, *size, shrinkage), shrinkage) for shrinkage in SHRINKAGES]
    biases, shrinkage = min(fits, key=lambda fit: _rmse(fit[0].predict(aside), aside.values))
    added = ScoreMap.fit(_scores_without(artifact, carved.train, aside, model), aside.values - biases.predict(aside), config.seed)

    everything = Ratings.of(split.train, artifact)
    low, high = float(everything.values.min()), float(everything.values.max())
    means = Biases.fit(everything, *size, shrinkage)
    scores = _scores(Recommender(artifact).all_histories(), artifact.neighbours, artifact.model, test)
    predicted = {
        HEAD: means.predict(test) + added.predict(scores),
        BIASES: means.predict(test),
        MEAN: np.full(len(test.values), means.mean),
    }
    models = {name: _errors(np.clip(values, low, high), test.values) for name, values in predicted.items()}
    return RatingResults(len(test.values), added.share, models)


def _sample(ratings: Ratings, config: EvaluateConfig) -> Ratings:
    if len(ratings.values) <= config.max_users:
        return ratings
    return ratings.chosen(np.sort(np.random.default_rng(config.seed).choice(len(ratings.values), config.max_users, replace=False)))


def _scores_without(artifact: Artifact, rest: pl.DataFrame, aside: Ratings, config: ModelConfig) -> Values:
    """Score what was set aside by a model that has not seen it; gates and exponents stay."""
    graph = graph_of(artifact).with_interactions(rest)
    model = refit(graph, rest, artifact.model, config)
    return _scores(history_weights(graph, model.history), neighbour_matrix(graph, model), model, aside)


def _scores(histories: sp.csr_matrix, neighbours: sp.csr_matrix, model: PathModel, ratings: Ratings) -> Values:
    """Score pairs; 0 where a user or an item is unknown.

    Shapes:
        [n].
    """
    scores = np.zeros(len(ratings.values))
    known = np.flatnonzero((ratings.users >= 0) & (ratings.items >= 0))
    users, inverse = np.unique(ratings.users[known], return_inverse=True)
    size = max(1, _BATCH_CELLS // max(1, neighbours.shape[1]))
    for start in range(0, len(users), size):
        rows = score(histories[users[start : start + size]], neighbours, model)  # [B, n_items]
        here = (inverse >= start) & (inverse < start + size)
        scores[known[here]] = rows[inverse[here] - start, ratings.items[known[here]]]
    return scores


def _errors(predicted: Values, actual: Values) -> dict[str, float]:
    return {"mae": float(np.abs(predicted - actual).mean()), "rmse": _rmse(predicted, actual)}


def _rmse(predicted: Values, actual: Values) -> float:
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))
