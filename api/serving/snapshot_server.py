"""What the routes answer from: the published artifact, exchanged without a pause when another build is published."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge

from api.serving.canary import ServingCanary
from api.serving.catalogue import RecentChanges
from api.serving.ledger import ServingLedger
from api.serving.rules import ServingRules
from api.serving.served_build import ServedBuild
from gnn.artifact.artifact import Artifact, load_artifact
from gnn.live.overlay import Overlay
from gnn.recommend.recommender import Recommender
from gnn.recommend.scoring.engine import Engine
from kg.catalog.records import StoredEvent
from kg.config import GraphConfig
from kg.errors import ArtifactError, LedgerUnavailableError, ReckonError, UnavailableError
from kg.ledger.catalogue_tables import CATALOGUE, LIVE
from kg.ledger.item_store import ItemStore
from kg.store import Place, backend_of
from kg.workspace import Workspace

LOADS = Counter("reckon_artifact_loads_total", "Artifacts loaded or refused", ["outcome"])
LOAD_SECONDS = Gauge("reckon_artifact_load_seconds", "Time the last artifact took to load", multiprocess_mode="max")
BUILD_CREATED = Gauge("reckon_build_created_seconds", "When the build that answers was made, Unix seconds", multiprocess_mode="min")
_CHECK_S, _LEDGER_LOOK_S = 0.25, 1.0
_WAITING_S = 10.0
"""Changed items are extracted within two seconds; when one has waited this long, something is wrong."""
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
        self.catalogue = RecentChanges(ItemStore(ledger.database))
        self._served: ServedBuild | None = None
        self.canary = ServingCanary(workspace, ledger.events, self._prepared, self._join)
        # Changed items are prepared one after the other, which may take a moment; what answers is exchanged under a lock that nobody holds for long.
        self._preparing, self._exchange = threading.Lock(), threading.RLock()
        self._changed = threading.Event()
        self._refused: str | None = None
        self._problem = ""
        self._graph_up = True
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=work, name=work.__name__.strip("_"), daemon=True) for work in (self._watch, self._overlay)]
        rules.changed = self._apply_rules
        for stream in (CATALOGUE, LIVE):
            ledger.follower.follow(stream, self._follow_catalogue)

    def start(self) -> None:
        """Load the published build and watch for the next."""
        self._refresh()
        self.canary.look()
        self.ledger.start(self._events_seq)
        self._apply_changes()
        self._graph_up = graph_answers(self._workspace.graph, self._graph)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._changed.set()
        for thread in self._threads:
            thread.join(5)
        self.canary.stop()
        self.ledger.stop()

    @property
    def recommender(self) -> Recommender:
        """The recommender of the published build.

        Raises:
            UnavailableError: Nothing is published yet, or it cannot be loaded.
        """
        served = self._served
        if served is None:
            raise UnavailableError(self._problem or "no build has been published", hint="run `reckon rebuild`")
        return served.recommender

    def recommender_of(self, user_id: str) -> Recommender:
        """Return the recommender that answers a user: that of a build that is tried out, where this user is among those who try it.

        Raises:
            UnavailableError: Nothing is published yet, or it cannot be loaded.
        """
        tried = self.canary.of(user_id)
        return self.recommender if tried is None else tried.recommender

    def fresh(self, user_id: str, recommender: Recommender | None = None) -> Sequence[StoredEvent]:
        """Return what a user did since the build that answers was made.

        Args:
            user_id: Who.
            recommender: The one that will answer, where the caller holds it already: another build may be published at any moment.
        """
        return self.ledger.fresh(user_id, self._events_seq if recommender is None else recommender.artifact.events_seq)

    def item_known(self, item_id: str) -> bool:
        """Say whether a build that answers has this item; yes while there is no build to ask."""
        return not self._builds or any(item_id in served.recommender.artifact.item_nums for served in self._builds)

    @property
    def artifact(self) -> Artifact | None:
        """The build that answers, without what changed since."""
        return None if self._served is None else self._served.artifact

    @property
    def degraded(self) -> list[str]:
        """What does not work at the moment while answers go on."""
        working = {
            "build": self._refused is None,
            "graph": self._graph_up,
            "ledger": self.ledger.up,
            "catalogue": self.catalogue.waiting_s < _WAITING_S,
        }
        return [name for name, works in working.items() if not works]

    @property
    def problems(self) -> list[str]:
        """Why requests cannot be answered; empty when they can."""
        return [] if self._served is not None else [self._problem or "no build has been published"]

    @property
    def notes(self) -> list[str]:
        """What an operator should know while answers go on."""
        notes = ["the graph database does not answer; recommendations go on from the artifact"] if not self._graph_up else []
        if not self.ledger.up:
            notes.append("the event ledger does not answer; recommendations go on, events are refused until it is back")
        if self.catalogue.waiting_s >= _WAITING_S:
            notes.append("changed items wait to be extracted; they are recommended as they were, deletions and availability hold")
        return [*notes, *([self._problem] if self._problem and self._served is not None else [])]

    @property
    def build_id(self) -> str | None:
        """The build that answers, if any."""
        return None if self._served is None else self._served.artifact.build_id

    @property
    def _builds(self) -> list[ServedBuild]:
        """The builds that answer: the published one, and one that is tried out."""
        return list(dict.fromkeys(served for served in (self._served, self.canary.served) if served is not None))

    @property
    def _events_seq(self) -> int:
        """Events up to this one are known to all builds that answer."""
        return min((served.artifact.events_seq for served in self._builds), default=0)

    def _follow_catalogue(self) -> None:
        """Read what is new, and leave it to a thread of its own to reckon with it: events must not wait for items."""
        self.catalogue.catch_up()
        self._changed.set()

    def _overlay(self) -> None:
        while not self._stop.is_set():
            self._changed.wait()
            self._changed.clear()
            try:
                self._apply_changes()
            except Exception as error:
                # A mistake of ours must not end the thread: items that are deleted would be shown again.
                log.error("changes of items cannot be applied", exc_info=error)

    def _apply_changes(self) -> None:
        """Answer with what changed since the build; what must not be shown goes first, for to score changed items takes a moment longer."""
        with self._preparing:
            for served in self._builds:
                before = served.overlay
                if before is not None:
                    available, gone = self.catalogue.availability(served.artifact)
                    if available != before.available or gone != before.gone:
                        self._answer_from(served, before.with_availability(available, gone))
                overlay = served.changed_items()
                if overlay != served.overlay:
                    self._answer_from(served, overlay)

    def _apply_rules(self) -> None:
        """Answer with the rules as they are now; the build and what changed since stay."""
        with self._exchange:
            for served in self._builds:
                self._answer_from(served, served.overlay)

    def _answer_from(self, served: ServedBuild, overlay: Overlay | None) -> None:
        """Answer from a build and what changed since from now on."""
        with self._exchange:
            served.answer_from(overlay)

    def _watch(self) -> None:
        next_graph_check = next_ledger_look = 0.0
        while not self._stop.wait(_CHECK_S):
            if time.monotonic() >= next_ledger_look:
                next_ledger_look = time.monotonic() + _LEDGER_LOOK_S
                # Before the next build is looked for: requests that began on the last one still need the events that it does not know.
                self.ledger.look(self._events_seq)
                if self._builds:
                    self.catalogue.move(min(served.artifact.catalogue_seq for served in self._builds))
            self._refresh()
            self.canary.look()
            if time.monotonic() >= next_graph_check:
                self._graph_up = graph_answers(self._workspace.graph, self._graph)
                next_graph_check = time.monotonic() + self._graph_check_s

    def _refresh(self) -> None:
        published = self._workspace.current_id()
        if published is None or published == self._refused or (published == self.build_id and self._refused is None):
            return
        started = time.perf_counter()
        tried = self.canary.served
        # A canary that is promoted answers already: nothing need be loaded.
        served = tried if tried is not None and tried.artifact.build_id == published else self._prepared(published)
        if served is None:
            # The build that answers goes on; this one is not tried again until another is published.
            self._refused = published
            self._fall_back(published)
            return
        self._exchange_for(served, "", None)
        LOADS.labels("loaded").inc()
        LOAD_SECONDS.set(time.perf_counter() - started)
        log.info("artifact loaded", build_id=published)

    def _fall_back(self, refused: str) -> None:
        """Answer from the newest sound build that was published before, where none answers yet."""
        problem = f"build {refused} was refused: its artifact cannot be used; the log says why"
        if self._served is not None:
            self._problem = f"{problem}; build {self.build_id} goes on answering"
            return
        self._problem = problem
        earlier = [build_id for build_id in dict.fromkeys(reversed(self._workspace.published_ids())) if build_id != refused]
        for build_id in earlier:
            served = self._prepared(build_id)
            if served is not None:
                self._exchange_for(served, f"{problem}; the earlier build {build_id} answers instead: run `reckon rebuild`", refused)
                log.error("an earlier build answers", refused=refused, build_id=build_id)
                return

    def _loaded(self, build_id: str) -> Engine | None:
        try:
            return Engine.of(load_artifact(self._workspace.build(build_id) / "artifact"))
        except ArtifactError as error:
            LOADS.labels("refused").inc()
            log.error("artifact refused", build_id=build_id, detail=error.message)
            return None

    def _prepared(self, build_id: str) -> ServedBuild | None:
        """Load a build and what changed since; None where its artifact cannot be used."""
        engine = self._loaded(build_id)
        if engine is None:
            return None
        if engine.artifact.catalogue_seq < self.catalogue.watermark:
            # An older build, as a rollback brings it back: it lacks changes that the last one knew.
            self.catalogue.move(engine.artifact.catalogue_seq)
            with suppress(LedgerUnavailableError):
                self.catalogue.catch_up()
        before = None if self._served is None else self._served.recommender
        served = ServedBuild(engine, before, catalogue=self.catalogue, rules=self.rules, ledger=self.ledger)
        served.answer_from(served.changed_items())
        return served

    def _join(self, served: ServedBuild, exchange: Callable[[], None]) -> None:
        """Have a build answer; items and rules that changed while it was loaded are taken in first."""
        with self._preparing, self._exchange:
            served.answer_from(served.changed_items())
            exchange()

    def _exchange_for(self, served: ServedBuild, problem: str, refused: str | None) -> None:
        """Answer from another build from now on."""

        def exchange() -> None:
            self._served, self._refused, self._problem = served, refused, problem

        self._join(served, exchange)
        BUILD_CREATED.set(served.artifact.created_s)
        _settle()


def _settle() -> None:
    """Take a build's hundreds of thousands of objects out of the rounds of the garbage collector, and those of the last build away.

    A full round looks at everything alive and holds all threads meanwhile; with a build in it, it is also due so seldom that what changed items leave
    behind piles up.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    # What is due is measured against what the last full round found: now little.
    gc.collect()


def graph_answers(folder: Path, config: GraphConfig) -> bool:
    """Say whether the graph database runs, whichever it is; one that cannot be asked does not."""
    try:
        return backend_of(config).runs(Place(folder, config))
    except (ReckonError, OSError) as error:
        log.warning("graph database not reached", detail=str(error))
        return False
