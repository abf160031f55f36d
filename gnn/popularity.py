"""Lists for everybody, each with its exact count as the reason."""

from __future__ import annotations

from dataclasses import dataclass

from gnn.artifact import Artifact
from gnn.walks import FloatArray


@dataclass(frozen=True)
class Popular:
    """Items by how many shoppers met them in any way.

    Attributes:
        scores: Share of the most popular item's shoppers, [n_items].
    """

    artifact: Artifact
    scores: FloatArray

    @classmethod
    def of(cls, artifact: Artifact) -> Popular:
        """Count once per build."""
        most = max(float(artifact.popularity.max(initial=0.0)), 1.0)
        return cls(artifact, artifact.popularity / most)

    def sentence(self, num: int) -> str:
        """Say why."""
        count = int(self.artifact.popularity[num])
        return f"Popular in this shop: chosen by {count:,} shopper{'' if count == 1 else 's'}"
