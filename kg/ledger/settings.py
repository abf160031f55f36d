"""The `[ledger]` section. Imports no SQLAlchemy, so that any command can read it quickly."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from kg.config import Section


class LedgerConfig(Section):
    """The event ledger."""

    url: SecretStr = Field(
        default=SecretStr(""),
        description="postgresql://user:password@host/database; empty is the file ledger.db of the workspace. Set it in the environment.",
    )
    synchronous: Literal["full", "normal"] = Field(
        default="full", description="SQLite only. full: an acknowledged event survives a power cut; normal: it survives a killed process."
    )
    queue_events: int = Field(default=20_000, ge=1_000, le=1_000_000, description="Events that may wait for the disk in one worker; beyond, 503.")
    append_timeout_s: float = Field(default=5.0, gt=0, le=60, description="Longest that a request waits for its events to be durable; then 503.")
    poll_ms: float = Field(default=10.0, ge=1, le=1_000, description="Shortest time between two looks for events that other workers took.")
    tail_events: int = Field(
        default=100_000,
        ge=1_000,
        le=10_000_000,
        description="Events since the build that a worker keeps in memory; others are read when asked for.",
    )
    tail_events_per_user: int = Field(default=2_000, ge=10, le=100_000, description="Latest events since the build that one shopper's answer uses.")
