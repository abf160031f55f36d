"""Array types."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


BoolArray = npt.NDArray[np.bool_]


Values = npt.NDArray[np.float64]
