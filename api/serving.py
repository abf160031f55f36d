"""What the routes answer from: the published artifact, exchanged without a pause when another build is published."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from prometheus_client import Counter, Gauge

from api.ledger import ServingLedger
from api.rules import ServingRules
from gnn.artifact import load_artifact
from gnn.recommend import Recommender
from kg.config import GraphConfig
from kg.embedded import connection
from kg.errors import ArtifactError, UnavailableError
from kg.events import FreshEvent
from kg.workspace import Workspace

LOADS = Counter("reckon_artifact_loads_total", "Artifacts loaded or refused", ["outcome"])
LOAD_SECONDS = Gauge("reckon_artifact_load_seconds", "Time the last artifact took to load")
BUILD_CREATED = Gauge("reckon_build_created_seconds", "When the build that answers was made, Unix seconds")
_CHECK_S = 1.0
log = structlog.get_logger("api")


class Serving:
    """The recommender of the published build, and the health of what stands around it.

    Args:
        workspace: Where builds are published.
        graph: How the graph database is reached.
        graph_check_s: How often it is looked at.
        ledger: What has happened since the build.
        rules: The business rules.
    """

    def __init__(self, workspace: Workspace, graph: GraphConfig, *, graph_check_s: float, ledger: ServingLedger, rules: ServingRules) -> None:
        self._workspace, self._graph, self._graph_check_s = workspace, graph, graph_check_s
        self.ledger, self.rules = ledger, rules
        self._recommender: Recommender | None = None
        self._refused: str | None = None
        self._problem = ""
        self._graph_up = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def start(self) -> None:
        """Load the published build and watch for the next."""
        self._refresh()
        self.ledger.start(self._events_seq)
        self._graph_up = graph_answers(self._workspace.graph, self._graph)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join(5)
        self.ledger.stop()

    @property
    def recommender(self) -> Recommender:
        """The recommender of the published build.

        Raises:
            UnavailableError: Nothing is published yet, or it cannot be loaded.
        """
        recommender = self._recommender
        if recommender is None:
            raise UnavailableError(self._problem or "no build has been published", hint="run `reckon rebuild`")
        return recommender

    def fresh(self, user_id: str, recommender: Recommender | None = None) -> Sequence[FreshEvent]:
        """Return what a user did since the build that answers was made.

        Args:
            user_id: Who.
            recommender: The one that will answer, where the caller holds it already: another build may be published at any moment.
        """
        return self.ledger.fresh(user_id, self._events_seq if recommender is None else recommender.artifact.events_seq)

    def item_known(self, item_id: str) -> bool:
        """Say whether the build that answers has this item; yes while there is no build to ask."""
        return self._recommender is None or item_id in self._recommender.artifact.item_nums

    @property
    def degraded(self) -> list[str]:
        """What does not work at the moment while answers go on."""
        return [*([] if self._graph_up else ["graph"]), *([] if self.ledger.up else ["ledger"])]

    @property
    def problems(self) -> list[str]:
        """Why requests cannot be answered; empty when they can."""
        return [] if self._recommender is not None else [self._problem or "no build has been published"]

    @property
    def notes(self) -> list[str]:
        """What an operator should know while answers go on."""
        notes = ["the graph database does not answer; recommendations go on from the artifact"] if not self._graph_up else []
        if not self.ledger.up:
            notes.append("the event ledger does not answer; recommendations go on, events are refused until it is back")
        return [*notes, *([self._problem] if self._problem and self._recommender is not None else [])]

    @property
    def build_id(self) -> str | None:
        """The build that answers, if any."""
        return None if self._recommender is None else self._recommender.artifact.build_id

    @property
    def _events_seq(self) -> int:
        return 0 if self._recommender is None else self._recommender.artifact.events_seq

    def _watch(self) -> None:
        next_graph_check = 0.0
        while not self._stop.wait(_CHECK_S):
            # Before the next build is looked for: requests that began on the last one still need the events that it does not know.
            self.ledger.look(self._events_seq)
            self._refresh()
            if time.monotonic() >= next_graph_check:
                self._graph_up = graph_answers(self._workspace.graph, self._graph)
                next_graph_check = time.monotonic() + self._graph_check_s

    def _refresh(self) -> None:
        published = self._workspace.current_id()
        if published is None or published in (self.build_id, self._refused):
            return
        started = time.perf_counter()
        try:
            recommender = Recommender(load_artifact(self._workspace.build(published) / "artifact"))
        except ArtifactError as error:
            # The build that answers goes on; this one is not tried again until another is published.
            self._refused, self._problem = published, error.message
            LOADS.labels("refused").inc()
            log.error("artifact refused", build_id=published, detail=error.message)
            return
        self.rules.attach(recommender)
        self._recommender, self._refused, self._problem = recommender, None, ""
        LOADS.labels("loaded").inc()
        LOAD_SECONDS.set(time.perf_counter() - started)
        BUILD_CREATED.set(recommender.artifact.created_s)
        log.info("artifact loaded", build_id=published)


def graph_answers(folder: Path, config: GraphConfig) -> bool:
    """Say whether something listens where the graph database should be."""
    if not config.uri:
        return connection(folder) is not None
    parts = urlsplit(config.uri)
    with closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((parts.hostname or "127.0.0.1", parts.port or 7687)) == 0
