"""Where the index of a build lies, and what of the workspace belongs to it: its weights and its synonyms."""

from __future__ import annotations

from pathlib import Path

from gnn.search.engine import Prepared
from gnn.search.index import SearchIndex
from gnn.search.query.synonyms import Synonyms
from gnn.search.weights import Weights

FOLDER = "search"
"""Of a build: its index. Of a workspace: `weights.json`, learned by `reckon search train`, and `synonyms.txt`, which the shop writes."""


def weights_file(root: Path) -> Path:
    """Return where a workspace keeps its learned weights."""
    return root / FOLDER / "weights.json"


def synonyms_file(root: Path) -> Path:
    """Return where a workspace keeps its own synonyms."""
    return root / FOLDER / "synonyms.txt"


def prepared(build: Path, root: Path, language: str) -> Prepared:
    """Load the index of a build with the weights and the synonyms of its workspace.

    Args:
        build: Folder of the build.
        root: Folder of the workspace.
        language: Of the shop.

    Raises:
        ArtifactError: The index is missing or damaged, or the weights are.
    """
    index = SearchIndex.load(build / FOLDER)
    return Prepared.of(index, Synonyms.shipped(language, synonyms_file(root)), Weights.load(weights_file(root)))
