"""Who changed what: one JSON object a line, only ever appended, readable by the owner of the workspace alone."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import structlog
from prometheus_client import Counter

from kg.timestamps import utc_text

FAILURES = Counter("reckon_audit_failures_total", "Lines of the audit log that could not be written")
log = structlog.get_logger("api")


class AuditLog:
    """Appends lines to a file.

    The file is opened for each line, so that a rotated one is left alone; a line is one write with O_APPEND, so workers do not mix theirs.

    Args:
        path: The file; created with mode 0600.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, actor: str, action: str, **facts: str | int | None) -> None:
        """Append one line; a line that cannot be written is counted and logged, and the action goes on.

        Args:
            actor: key_id, or "command line".
            action: Method and route, or the command.
            **facts: request_id, status, …; never a body or the id of a user as such; of Cypher the text, without the values of parameters.
        """
        row = {"time": utc_text(), "actor": actor, "action": action, **facts}
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, orjson.dumps(row) + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            FAILURES.inc()
            log.error("audit line not written", error=type(error).__name__)
