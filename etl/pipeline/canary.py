"""Trying a build out on a share of the users before it is published for all, and ending that."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from etl.pipeline.builds import check_publishable, draft_id
from etl.pipeline.jobs import Job, publish
from etl.settings import RebuildConfig
from etl.stages import ledger_import
from kg.canary import state
from kg.canary.comparison import compared
from kg.canary.measurements import Measurements
from kg.canary.state import Canary
from kg.errors import NotFoundError
from kg.workspace import Workspace

BY_HAND = "by hand"
"""Why somebody withdrew a canary who said no more."""


@dataclass(frozen=True)
class CanaryJob:
    """The canary of a workspace.

    Attributes:
        job: Whose, and how.
    """

    job: Job

    def begin(self, build_id: str, share: float, promote_after_s: float | None = None) -> Canary:
        """Have workers answer a share of the users from a build.

        Raises:
            ArtifactError: Its artifact is missing or corrupt.
            ConflictError: Another canary runs, or it is the published build.
            LedgerUnavailableError: The ledger does not answer: what users do after a list could not be counted.
            NotFoundError: There is no such build, or none is published beside it.
        """
        workspace, settings = self.job.workspace, self.job.config.section(RebuildConfig)
        check_publishable(workspace, build_id)
        canary = Canary(
            build_id,
            workspace.current_id() or "",
            share,
            round(time.time(), 3),
            window_s=settings.canary_window_s,
            max_errors=settings.canary_max_errors,
            promote_after_s=promote_after_s,
        )
        upto = ledger_import.mark(workspace, self.job.config).events_seq
        if state.running(workspace) is None:
            Measurements(workspace.canary).begin(canary, max(upto, 0))
        state.begin(workspace, canary)
        if draft_id(workspace) == build_id:
            # It is whole: the next rebuild begins another one, and must not clear this one away.
            (workspace.builds / "draft").unlink()
        return canary

    def promote(self) -> str:
        """Publish the build that is tried out, for all users and in the graph database, and return its id.

        Raises:
            NotFoundError: None is tried out.
            ArtifactError: Its artifact is corrupt by now; the canary goes on until it is withdrawn.
        """
        canary = self._running()
        publish(self.job, canary.build_id)
        return canary.build_id

    def withdraw(self, reason: str = BY_HAND) -> str:
        """Have the published build answer everybody again, and return the id of the one that was tried out.

        Raises:
            NotFoundError: None is tried out.
        """
        canary = self._running()
        state.end(self.job.workspace, canary.canary_id, "withdrawn", reason)
        return canary.build_id

    def _running(self) -> Canary:
        canary = state.running(self.job.workspace)
        if canary is None:
            raise NotFoundError("no build is tried out", hint="`reckon publish --canary 10%` begins that")
        return canary


def canary_status(workspace: Workspace) -> dict[str, Any]:
    """Return the canary that runs, or the last that ended, with what was measured of both arms; {} where there was none."""
    canary = state.latest(workspace)
    if canary is None:
        return {}
    return {
        "build_id": canary.build_id,
        "published": canary.published,
        "share": canary.share,
        "since_s": canary.since_s,
        "state": canary.state,
        "reason": canary.reason,
        "window_s": canary.window_s,
        "promote_after_s": canary.promote_after_s,
        **compared(Measurements(workspace.canary).counted(canary)),
    }
