"""What training reports while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Softmax = Literal["full", "sampled"]
"""Over all items that may be recommended, or over nominated and drawn ones with the logQ correction."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What training reports while it runs.

    Attributes:
        step: "embeddings", "regression", "exponents", "history", "gates" or "ascent".
        number: Epoch, round or walk within the step, from 0.
        of: How many there are at most.
        loss: Mean negative log likelihood per withheld item, nats, where the step has one.
        ndcg: ndcg on the tuning users, where the step has one.
        softmax: Which one `loss` and `ndcg` are taken over, in the step "gates".
    """

    step: str
    number: int
    of: int
    loss: float | None = None
    ndcg: float | None = None
    softmax: Softmax | None = None


Report = Callable[[Progress], None]
