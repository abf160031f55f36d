"""The frozen state that a request is answered from: a build, what changed since, the shop's rules, and the interests that users edited.

Both doors assemble it by one function. Nothing in it is exchanged afterwards: another overlay, another set of rules or another build is another
snapshot, with another version. What is expensive is shared: the engine of a build by all snapshots over it, and the preparation of changed items by
those that differ in rules or availability alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from gnn.artifact.artifact import Artifact
from gnn.explain.messages.message import say
from gnn.live.current_artifact import current_artifact
from gnn.live.overlay import Overlay
from gnn.recommend.adjustments import Exclusion
from gnn.recommend.filters import ArtifactColumns, Masks
from gnn.recommend.rules.compiled import Declared, Rules, nothing_declared
from gnn.recommend.rules.definition import Rule
from gnn.recommend.scoring.engine import Engine, Scoring
from gnn.users.users import NO_ITEMS, Users
from kg.catalog.records import InterestEdit

InterestLookup = Callable[[str], tuple[InterestEdit, ...]]
"""From a user_id to the interests that the user edited, as they are now."""
_SERIALS = count(1)


def no_interests(_: str) -> tuple[InterestEdit, ...]:
    """Return no edited interests, whoever the user is."""
    return ()


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything beside the question and the user's events that an answer depends on.

    Attributes:
        scoring: Scores and explains: the engine of the build, over what changed since.
        overlay: What changed since the build, if anything is known of changes.
        artifact: The build with it.
        users: The users of the build.
        columns: What filters test.
        masks: Which items filters let through.
        unavailable: Items that must not be shown.
        rules: The business rules that hold, compiled over `artifact`.
        interests: Gives the interests that a user edited.
        serial: Differs between any two snapshots of a process.
    """

    scoring: Scoring
    overlay: Overlay | None
    artifact: Artifact
    users: Users
    columns: ArtifactColumns
    masks: Masks
    unavailable: Exclusion
    rules: Rules
    interests: InterestLookup
    serial: int = field(default_factory=lambda: next(_SERIALS))

    @property
    def engine(self) -> Engine:
        """The engine of the build."""
        return self.scoring.engine

    @property
    def version(self) -> Hashable:
        """The key of remembered answers: equal versions, equal answers to the same question about the same events."""
        # Remembered answers hold on to it, so it must not hold on to a build.
        return self.serial, self.rules.moment()


def assemble(
    build: Engine | Artifact,
    overlay: Overlay | None = None,
    rules: Sequence[Rule] = (),
    interests: InterestLookup = no_interests,
    *,
    declared: Declared = nothing_declared,
    previous: Snapshot | None = None,
) -> Snapshot:
    """Put together what requests are answered from.

    Args:
        build: The engine of a build, or the build itself where no other snapshot over it needs one.
        overlay: What changed since the build; None where nothing is known of changes.
        rules: The business rules, in the order in which they apply.
        interests: Gives the interests that a user edited.
        declared: user_id → what the user declared; asked only for rules whose segment needs it.
        previous: The snapshot before this one: what it prepared is shared as far as it is of the same build and the same items.
    """
    engine = build if isinstance(build, Engine) else Engine.of(build)
    shared = previous if previous is not None and previous.engine is engine else None
    if shared is not None and shared.overlay is overlay:
        artifact, columns, masks, unavailable = shared.artifact, shared.columns, shared.masks, shared.unavailable
    else:
        artifact = engine.artifact if overlay is None else current_artifact(overlay)
        columns = ArtifactColumns(artifact)
        masks, unavailable = Masks(columns), Exclusion(say("why_not.unavailable"), np.flatnonzero(~artifact.available))
    scoring = shared.scoring if shared is not None and _same_items(shared.overlay, overlay) else Scoring.of(engine, overlay, artifact)
    users = Users(artifact, NO_ITEMS if overlay is None else overlay.gone_nums, interests)
    return Snapshot(scoring, overlay, artifact, users, columns, masks, unavailable, Rules(rules, artifact, masks.matching, declared), interests)


def _same_items(before: Overlay | None, after: Overlay | None) -> bool:
    """Say whether two overlays differ at most in what may be shown."""
    if before is None or after is None:
        return before is after
    return after.arrays is before.arrays and after.unchanged == before.unchanged
