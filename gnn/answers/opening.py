"""The models of a workspace."""

from __future__ import annotations

from pathlib import Path

from gnn.answers.answering import Ranker
from gnn.answers.attributes.defaults import DefaultRanker


def ranker_file(root: Path) -> Path:
    """Return where the shop's own ranker of attributes is kept."""
    return root / "answers.model"


def ranker(root: Path) -> Ranker:
    """Return the shop's own ranker, or that of shops which have trained none.

    Raises:
        ArtifactError: The file is damaged or something else.
    """
    path = ranker_file(root)
    if not path.exists():
        return DefaultRanker()
    # Imported here: it brings scikit-learn, which a shop without a ranker of its own does not need.
    from gnn.answers.attributes.ranker import AttributeRanker

    return AttributeRanker.load(path)
