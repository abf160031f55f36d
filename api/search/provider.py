"""The search engine of the snapshot that answers: prepared once per build, put over changed items as they come."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from gnn.recommend.recommender import Recommender
from gnn.search.engine import Prepared, SearchEngine
from gnn.search.opening import prepared, synonyms_file, weights_file
from gnn.search.query.suggest import Suggester
from kg.errors import ArtifactError, UnavailableError
from kg.workspace import Workspace


class SearchProvider:
    """Gives the engine that belongs to a recommender.

    Args:
        workspace: Where builds, weights and synonyms are.
        language: Of the shop.
    """

    def __init__(self, workspace: Workspace, language: str) -> None:
        self._workspace, self._language = workspace, language
        self._lock = threading.Lock()
        self._prepared: tuple[tuple[object, ...], Prepared] | None = None
        self._current: tuple[tuple[object, ...], SearchEngine, Suggester] | None = None

    def of(self, recommender: Recommender) -> tuple[SearchEngine, Suggester]:
        """Return the engine and the suggestions of a snapshot.

        Raises:
            UnavailableError: The build has no index that can be used.
        """
        key = (recommender.snapshot.serial, *self._files())
        current = self._current
        if current is not None and current[0] == key:
            return current[1], current[2]
        with self._lock:
            current = self._current
            if current is None or current[0] != key:
                engine = SearchEngine(self._of_build(recommender.build.build_id), recommender)
                current = key, engine, Suggester(engine.corpus, recommender.artifact, _shown(recommender))
                self._current = current
        return current[1], current[2]

    def _of_build(self, build_id: str) -> Prepared:
        key = (build_id, *self._files())
        if self._prepared is None or self._prepared[0] != key:
            try:
                self._prepared = key, prepared(self._workspace.build(build_id), self._workspace.root, self._language)
            except ArtifactError as error:
                raise UnavailableError(f"search is not available: {error.message}", hint=error.hint or "run `reckon rebuild`") from None
        return self._prepared[1]

    def _files(self) -> tuple[int, int]:
        """Return when the weights and the synonyms of the workspace were last written: both hold from the next answer on."""
        return _written(weights_file(self._workspace.root)), _written(synonyms_file(self._workspace.root))


def _shown(recommender: Recommender) -> np.ndarray:
    shown = np.array(recommender.artifact.available, dtype=bool)
    shown[recommender.snapshot.unavailable.items] = False
    if recommender.overlay is not None:
        shown[recommender.overlay.gone_nums] = False
    return shown


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
