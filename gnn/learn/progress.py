"""What training reports while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """What training reports while it runs.

    Attributes:
        step: "embeddings", "regression", "exponents", "history", "gates" or "ascent".
        number: Epoch, round or walk within the step, from 0.
        of: How many there are at most.
        loss: Mean negative log likelihood per withheld item, nats, where the step has one.
        ndcg: ndcg on the tuning users, where the step has one.
    """

    step: str
    number: int
    of: int
    loss: float | None = None
    ndcg: float | None = None


Report = Callable[[Progress], None]
