"""Configuration of training and evaluation: the sections `[model]` and `[evaluate]` of reckon.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from gnn.gates.base import GATES
from kg.config import Section
from kg.errors import ConfigError, InputError
from kg.schema import checked_name

KIND_WEIGHTS: Mapping[str, float] = {
    "purchase": 1.0,
    "rating": 1.0,
    "cart": 0.6,
    "click": 0.3,
    "view": 0.3,
    "search": 0.2,
    "impression": 0.0,
    "dislike": 0.0,
}
"""Interaction kind → how much one event of it counts in a shopper's history; `[model] kind_weights` changes them and adds the shop's own."""

NegativeSampling = Literal["uniform", "popularity", "inverse_popularity", "stratified"]
TargetWeights = Literal["even", "inverse_popularity"]
SplitMethod = Literal["auto", "time", "last", "random"]


class ModelConfig(Section):
    """Training of the path-sum model."""

    seed: int = Field(default=1, ge=0, description="Seed of everything random; the same seed gives the same model.")
    kind_weights: dict[str, Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=dict, description="How much an event of a kind counts, in place of or beside the built-in kinds: { wishlist = 0.8 }."
    )
    factors: int | None = Field(
        default=None, ge=0, le=1024, description="Width of the learned item embeddings; 0 trains none; unset by catalogue size."
    )
    factor_iterations: int = Field(default=10, ge=1, le=200, description="Alternating least squares iterations of the embeddings.")
    factor_regularization: float = Field(default=50.0, ge=0, description="Regularisation of the embeddings.")
    factor_confidence: float | None = Field(
        default=None, gt=0, description="Confidence that one interaction adds (alpha of Hu et al. 2008); unset by the length of the histories."
    )
    smoothing: float = Field(default=0.3, ge=0, le=1, description="Share of an item's embedding that comes from its neighbours in the graph.")
    text_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of an item's embedding that its text gives, where the build has text vectors; items without events take it in any case.",
    )
    regression_items: int = Field(
        default=12_500,
        ge=0,
        le=40_000,
        description="Most items with two shoppers that are regressed on each other; a shop with more does without. Memory grows with the square.",
    )
    regression_regularization: float = Field(
        default=5.0, gt=0, description="Regularisation of that regression, as a multiple of the mean number of shoppers per item."
    )
    regression_neighbours: int = Field(default=100, ge=1, le=10_000, description="Weights kept per item of that regression.")
    neighbours: int = Field(default=300, ge=10, le=100_000, description="Targets kept per history item in the graph sum.")
    season: bool = Field(default=True, description="Multiply scores by how recent an item's popularity is, where past windows show that it helps.")
    graph_first: float = Field(
        default=0.005,
        ge=0,
        le=0.1,
        description="Share of the best ndcg that tuning may give up for scores that run over paths of the graph and not over learned similarity.",
    )
    max_degree: int = Field(
        default=5_000, ge=2, description="Nodes between with more neighbours than this count less, such as a value that half the shop shares."
    )
    hub_fanout: int = Field(default=300, ge=1, description="Neighbours that a path goes on to from such a node: the most popular items.")
    validation_fraction: float = Field(default=0.1, gt=0, lt=0.9, description="Share of the training events that tunes gates and exponents.")
    validation_split: SplitMethod = Field(default="auto", description="How validation is carved from the training events.")
    tuning_users: int = Field(default=8_000, ge=10, description="Most users whose withheld items tune the gates.")
    candidates: int = Field(default=200, ge=10, description="Items nominated per user when gates are tuned.")
    negatives: int = Field(default=200, ge=0, description="Further items drawn per user for the sampled softmax; a small shop takes all.")
    negative_sampling: NegativeSampling = Field(
        default="uniform", description="How they are drawn: uniform, popularity (to the 3/4), inverse_popularity, or stratified by popularity."
    )
    target_weights: TargetWeights = Field(
        default="even", description="How much a tuning user counts: even, or inverse_popularity of what they should find."
    )
    epochs: int = Field(default=60, ge=1, le=10_000, description="Most epochs of gradient steps on the gates.")
    patience: int = Field(default=8, ge=1, description="Epochs without a better validation ndcg after which the gradient steps stop.")
    learning_rate: float = Field(default=0.1, gt=0, description="Step size of Adam on the gates.")

    @field_validator("kind_weights")
    @classmethod
    def _named(cls, given: dict[str, float]) -> dict[str, float]:
        for kind in given:
            try:
                checked_name(f"did_{kind}", what="interaction kind")
            except InputError as error:
                raise ValueError(str(error)) from None
        return given

    @property
    def kinds(self) -> dict[str, float]:
        """Every kind that has a weight of its own, and the weight."""
        return {**KIND_WEIGHTS, **self.kind_weights}


class EvaluateConfig(Section):
    """The hold-out and what is measured on it."""

    split: SplitMethod = Field(
        default="auto",
        description="time: the last events of all shoppers; last: the last events of each shopper; random; auto: by what the times allow.",
    )
    test_fraction: float = Field(default=0.1, gt=0, lt=0.9, description="Share of the events that is held out.")
    seed: int = Field(default=1, ge=0, description="Seed of a random split and of the bootstrap.")
    cutoffs: tuple[int, ...] = Field(default=(5, 10, 20, 50), min_length=1, description="The k of recall@k and the other measures.")
    max_users: int = Field(default=20_000, ge=10, description="Most users to score; a seeded sample beyond.")
    bootstrap: int = Field(default=1_000, ge=0, description="Bootstrap samples for the 95 % intervals; 0 leaves them out.")
    baselines: tuple[str, ...] = Field(
        default=("popularity", "recent_popularity", "item_knn", "rp3beta", "ease", "ials"),
        description="Baselines trained and reported beside the model.",
    )
    ablations: bool = Field(default=True, description="Also report the model without the graph, with shuffled attributes and without each relation.")
    explanations: bool = Field(default=True, description="Also measure the explanations of 500 users.")
    require: tuple[str, ...] = Field(
        default=(), description="Gates that a build must pass to be published, beside those that are on by default; docs/operations.md lists them."
    )
    waive: tuple[str, ...] = Field(default=(), description="Gates that are on by default and shall hold no build back.")
    limits: dict[str, float] = Field(default_factory=dict, description="Gate → its limit, in place of the default one: { graph_helps = 0.001 }.")

    @field_validator("require", "waive", "limits")
    @classmethod
    def _gates(cls, given: Any) -> Any:
        for name in given:
            try:
                GATES.get(name)
            except ConfigError as error:
                raise ValueError(f"{error.message}; {error.hint}") from None
        return given

    @model_validator(mode="after")
    def _measured(self) -> EvaluateConfig:
        if 10 not in self.cutoffs or min(self.cutoffs) < 1:
            raise ValueError("cutoffs must be 1 or more and contain 10: builds are compared by ndcg@10")
        for name in self.require:
            missing = [part for part in GATES.get(name).needs or () if getattr(self, part, True) is False]
            if missing:
                raise ValueError(f"require = {name} needs {missing[0]} = true")
        if "stale_fraction" in self.limits:
            raise ValueError("the limit of stale_fraction is [graph] max_stale_fraction")
        return self
