"""The shapes of answers: the contract that OpenAPI shows and the tests check real answers against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field

from api.http.schemas import Answer
from gnn.recommend.rules.definition import Action
from gnn.recommend.strategies.registry import STRATEGIES, statement_kinds

if TYPE_CHECKING:
    StatementKind = str
    StrategyName = str
else:
    # The registry knows the strategies of installed packages, too; one that explains by a sentence is the kind of these reasons.
    StatementKind = Literal[(*statement_kinds(),)]
    StrategyName = Literal[tuple(STRATEGIES.names())]


class PathNode(Answer):
    """A node of a path; a hop through other shoppers is one node with a count."""

    label: str = Field(examples=["Item"])
    key: dict[str, str] | None = Field(default=None, description="Key property and its value; finds the node in the graph database.")
    title: str | None = None
    count: int | None = Field(default=None, description="Number of shoppers behind a grouped hop.")


class PathEdge(Answer):
    """An edge between two neighbouring nodes of a path."""

    type: str = Field(examples=["PURCHASED"])
    reverse: bool = Field(description="Walked from its target to its source.")


class GraphPath(Answer):
    """One path of the graph, from the user to the item, or one group of equal paths through other shoppers."""

    share: float
    nodes: list[PathNode]
    edges: list[PathEdge]
    cypher: str | None = Field(default=None, description="Finds the path in the graph database; answers how many such paths there are.")
    parameters: dict[str, str] | None = Field(default=None, description="Parameters of `cypher`.")


class HistoryShare(Answer):
    """What one item of the history adds, or one purchase of buy_again."""

    item_id: str
    title: str | None = None
    share: float
    time: float | None = Field(default=None, description="When the purchase was; unset in learned reasons, and where it is unknown.")


class PathsNotShown(Answer):
    """The rest of a reason's paths."""

    count: int
    share: float


class _Reason(Answer):
    """What every reason has."""

    share: float = Field(description="Part of the score, exact; below 0 for what lowers it.")
    sentence: str


class GraphReason(_Reason):
    """Addends of paths that exist, edge by edge."""

    kind: Literal["graph"]
    relation: str | None = Field(default=None, description="The relation that the paths are about.")
    paths: list[GraphPath] = Field(default=[])
    paths_not_shown: PathsNotShown | None = None


class LearnedReason(_Reason):
    """Addends of the learned part: what is chosen together. There is no path."""

    kind: Literal["learned"]
    history: list[HistoryShare] = Field(default=[])


class BuyAgainReason(_Reason):
    """The purchases of an item that was bought before."""

    kind: Literal["buy_again"]
    history: list[HistoryShare] = Field(default=[], description="The latest purchases; the others are in `paths_not_shown`.")
    paths_not_shown: PathsNotShown | None = None


class StatementReason(_Reason):
    """One sentence: a count of shoppers, what a business rule or ignored impressions did, or what a strategy of an installed package says."""

    kind: StatementKind


REASON_MODELS: tuple[type[Answer], ...] = (GraphReason, LearnedReason, BuyAgainReason, StatementReason)
_MODELS = {kind: model for model in REASON_MODELS for kind in get_args(model.model_fields["kind"].annotation)}


def model_of(kind: str) -> type[Answer]:
    """Return the model of a kind of reason."""
    return _MODELS[kind]


Reason = Annotated[GraphReason | LearnedReason | BuyAgainReason | StatementReason, Field(discriminator="kind")]


class RecommendedItem(Answer):
    """One item with its reasons: Σ reasons.share + remainder = 1."""

    item_id: str
    title: str
    display_title: str = Field(description="The title; where another item of the list has the same, with what differs: size, colour, price, id.")
    rank: int = Field(ge=1)
    rank_by_score: int = Field(ge=1, description="Rank before re-ranking; another than `rank` only where the list names what `reranked` it.")
    score: float
    trend: float | None = Field(
        description="What every addend was multiplied with, as the item's popularity is recent (above 1) or not; null where scores know no season."
    )
    remainder: float = Field(description="Share of the addends that are not listed.")
    reasons: list[Reason]


class RuleEffect(Answer):
    """What a business rule of the shop did to a list."""

    rule_id: str
    name: str
    action: Action
    items: list[str] = Field(description="Items of the list whose score or place it changed; each has a reason that names the rule.")
    left_out: int = Field(description="Items that it kept out of the list.")


class InterestEffect(Answer):
    """What an interest that the shopper edited did to a list."""

    relation: str = Field(examples=["has_brand"])
    value: str
    weight: float = Field(description="Factor on what items of this value in the history contribute; 0 hides the value.")
    history_items: int = Field(description="Items of the history that it weighs.")
    hidden_items: int = Field(description="Items of the catalogue that it keeps out of the shopper's lists.")


class RecommendationList(Answer):
    """A ranked list."""

    request_id: str = Field(description="Gives the same list again: GET /v1/recommendations/{request_id}.")
    build_id: str
    user_id: str | None = Field(description="None for an ad-hoc history, and for lists around items or for everybody.")
    strategy: StrategyName = Field(
        description="What the list is made from. popular, where something else was asked for: nothing is known of the user yet."
    )
    degraded: list[str] = Field(description="What did not work while this was answered; the answer itself is complete.")
    fresh_events: int = Field(description="Items of events since the build that the list reckons with.")
    reranked: list[str] = Field(description="What changed the order after scoring.")
    next_page_token: str | None = Field(description="Send it to get the next page; null at the end of the list.")
    rules: list[RuleEffect] = Field(default=[], description="What business rules of the shop did to the list.")
    interests: list[InterestEffect] = Field(default=[], description="What interests that the shopper edited did to the list.")
    items: list[RecommendedItem]


class Explanation(Answer):
    """The whole explanation of one item for one user."""

    request_id: str
    build_id: str
    user_id: str
    degraded: list[str]
    item: RecommendedItem
