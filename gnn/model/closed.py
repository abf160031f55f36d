"""What tuning closed, and why."""

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
