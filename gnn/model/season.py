"""What a shop sells now: a factor of each item, by how much of its popularity is recent.

    f_i = ( (p_i + m) / (n_i + 1) / m )^e ,   p_i = Σ_{u ∈ U_i} 2^(-(T - t_ui) / half_life) ,   m = Σ_i p_i / Σ_i n_i

U_i are the n_i shoppers who met item i, t_ui is when u last did, T the last meeting of all. An item as recent as the shop at large has the factor 1;
one that nobody has met too. The factor multiplies every addend of an item, so shares stay exact and are those that they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DAY_S = 86_400.0
Factor = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Season:
    """What was learned.

    Attributes:
        half_life_days: Age at which a meeting counts half.
        exponent: e, how much it matters.
    """

    half_life_days: float
    exponent: float

    def factor(self, items: npt.NDArray[np.int32], times: npt.NDArray[np.float64], n_items: int) -> Factor:
        """Return f.

        Args:
            items: item_nums of the meetings of shoppers and items, each pair once.
            times: When each pair last met, ascending, Unix seconds.
            n_items: Number of items.

        Shapes:
            [n_items], all above 0.
        """
        met = np.bincount(items, minlength=n_items).astype(np.float64)
        fading = np.exp2((np.asarray(times) - times[-1]) / (self.half_life_days * DAY_S)) if len(times) else np.zeros(0)
        recent = np.bincount(items, weights=fading, minlength=n_items)
        mean = float(recent.sum()) / max(float(met.sum()), 1.0)
        if mean <= 0:
            return np.ones(n_items, dtype=np.float32)
        return np.asarray(((recent + mean) / (met + 1.0) / mean) ** self.exponent, dtype=np.float32)
