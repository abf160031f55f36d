"""What tuning closed or made smaller, and what it gave up for scores that run over paths."""

from __future__ import annotations

from dataclasses import dataclass

LEARNED_EMBEDDINGS = "learned embeddings"


@dataclass(frozen=True, slots=True)
class ClosedGate:
    """A part of the score that is not counted, as it helps nobody.

    Attributes:
        name: Of the meta-path, or "learned embeddings".
        cost: ndcg that closing it alone costs shoppers who did not tune; below 0 where they gain.
        error: One standard error of that.
    """

    name: str
    cost: float
    error: float


@dataclass(frozen=True, slots=True)
class BoundedGate:
    """A part of the score that moved more of a list than it was worth, and counts less.

    Attributes:
        name: Of the meta-path.
        moved: Share of the first ten items that are others where it is closed.
        factor: What its gate was multiplied with.
        cost: ndcg that this costs shoppers who did not tune; below 0 where they gain.
        error: One standard error of that.
    """

    name: str
    moved: float
    factor: float
    cost: float
    error: float


@dataclass(frozen=True, slots=True)
class GraphFirstPoint:
    """One size of the gate of the learned embeddings, and what it gives.

    Attributes:
        factor: What the tuned gate was multiplied with.
        graph_share: Mean share of the scores of the first ten items that runs over paths of the graph.
        ndcg: Of shoppers who did not tune.
        chosen: Whether the model has this one.
    """

    factor: float
    graph_share: float
    ndcg: float
    chosen: bool = False
