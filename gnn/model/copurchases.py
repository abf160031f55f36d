"""What of the learned item–item scores runs over paths that exist: item ← shopper → item, "3 shoppers bought both".

Both learned parts are sums over shoppers, and some of their addends belong to a shopper u who met a history item k and the item i alike: those are
paths k ← u → i, and are explained as such. All other addends stay learned. The split is exact, whatever it gives to the paths.

**Embeddings.** The factors of implicit alternating least squares solve, with M_U = (XᵀX + λI)⁻¹ and M_Y = (YᵀY + λI)⁻¹ (Hu et al. 2008, eq. 4,
with what confidence adds brought to the right side),

    y_i = M_U Σ_{u ∈ U_i} e_ui x_u ,   e_ui = c_ui - (c_ui - 1) ⟨x_u, y_i⟩            x_u = M_Y Σ_{k ∈ I_u} e'_uk y'_k

c_ui is the confidence of the choice, and y', of which e' is taken, are the factors that the x_u were solved from. A history with the sum of
embeddings x = Σ_j c_uj a_j therefore scores

    ⟨x, y_i⟩ = Σ_{u ∈ U_i} Σ_{k ∈ I_u} ⟨x, v_k⟩ e'_uk e_ui ,   v_k = M_U M_Y y'_k

and the addends whose k is in the history are those of paths: how much u's choice of k weighs follows from the whole history. The others, of items
that only those shoppers met, stay learned, and so does the part of b_i that is smoothed over the graph or read from texts.

**Regression.** The weights solve (G + λI) B = G off the diagonal, which B has empty (`gnn.training.regression`), so that with G_ki = Σ_u x_uk x_ui

    B_ki = G_ki / (λ + G_kk) - Σ_{l ≠ k, i} G_kl B_li / (λ + G_kk)

The first term counts the shoppers of both, the second takes off what third items explain. What is given to the paths is the smaller of B_ki and the
first term: never more than the shoppers of both are worth, nor more than the weight itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gnn.graph.walks import FloatArray
from kg.schema import EdgeType


@dataclass(frozen=True, slots=True)
class CoPurchases:
    """What the split is worked out from. Arrays over edges are in the order of the items, and of the shoppers of each.

    Attributes:
        edge_type: The interaction that paths go through: the one that most pairs of shopper and item have.
        through: v_k, [n_items, d]; d may be 0.
        taken: e'_uk, [n edges]; 0 where a shopper's meeting does not count.
        given: e_ui with what multiplies y_i in b_i, the share that is not smoothed and the factor of the item, [n edges].
        met: x_uk, [n edges].
        first: Where the edges of each item begin, [n_items + 1].
        support: λ + G_kk, [n_items]; 0 where an item took no part in the regression.
    """

    edge_type: EdgeType
    through: FloatArray
    taken: FloatArray
    given: FloatArray
    met: FloatArray
    first: npt.NDArray[np.integer]
    support: npt.NDArray[np.float64]

    def multiplied(self, factor: FloatArray) -> CoPurchases:
        """Return the same of a model with a factor per item.

        Args:
            factor: f, [n_items].
        """
        return replace(self, given=np.asarray(self.given * np.repeat(factor, np.diff(self.first)), dtype=np.float32))
