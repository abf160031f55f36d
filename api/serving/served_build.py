"""One build in a worker: its engine, and the recommender over it with what changed since."""

from __future__ import annotations

from api.serving.catalogue import RecentChanges
from api.serving.ledger import ServingLedger
from api.serving.rules import ServingRules
from gnn.artifact.artifact import Artifact
from gnn.live.overlay import Overlay
from gnn.recommend.recommender import Recommender
from gnn.recommend.scoring.engine import Engine
from gnn.recommend.snapshot import assemble


class ServedBuild:
    """A build that answers. What it answers from is exchanged whole; who calls its methods holds the locks of `Serving`.

    Args:
        engine: The build.
        before: What answered before it, of which work may be taken over.
        catalogue: The changes of items.
        rules: The business rules.
        ledger: The edited interests.
    """

    def __init__(self, engine: Engine, before: Recommender | None, *, catalogue: RecentChanges, rules: ServingRules, ledger: ServingLedger) -> None:
        self.engine = engine
        self._before, self._catalogue, self._rules, self._ledger = before, catalogue, rules, ledger
        self._recommender: Recommender | None = None

    @property
    def artifact(self) -> Artifact:
        """The build, without what changed since."""
        return self.engine.artifact

    @property
    def recommender(self) -> Recommender:
        """What answers; not before `answer_from` was called once."""
        if self._recommender is None:
            raise RuntimeError("the build is not prepared yet")
        return self._recommender

    @property
    def overlay(self) -> Overlay | None:
        """What changed since the build, as it is answered with."""
        return None if self._recommender is None else self._recommender.overlay

    def changed_items(self) -> Overlay:
        """Return what changed since the build, prepared; what the overlay before has worked out is kept."""
        overlay = self._catalogue.overlay(self.artifact, self.overlay)
        overlay.arrays.prepare()
        return overlay

    def answer_from(self, overlay: Overlay | None) -> None:
        """Answer with what changed from now on, with the rules and the edited interests as they are."""
        before = self._before if self._recommender is None else self._recommender
        snapshot = assemble(
            self.engine,
            overlay,
            self._rules.chosen(),
            self._ledger.interests.of,
            declared=self._rules.declared,
            previous=None if before is None else before.snapshot,
        )
        self._recommender, self._before = Recommender(snapshot), None
        self._rules.warn(snapshot.artifact)
