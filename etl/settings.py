"""The configuration sections of this door: what a build keeps, how rebuilds run, and the shop's files (`etl.sources.config`)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from etl.sources.config import SourceConfig
from kg.config import Section

__all__ = ["BuildConfig", "RebuildConfig", "SourceConfig"]


class BuildConfig(Section):
    """The builds."""

    keep: int = Field(default=5, ge=2, le=1000, description="Builds that stay; older ones go, never the current one or what a rollback leads to.")


class RebuildConfig(Section):
    """When rebuilds run, and who is notified."""

    schedule: str = Field(default="0 3 * * *", description="When `reckon schedule` rebuilds: minute, hour, day, month, weekday, as cron has them.")
    time_zone: str = Field(default="UTC", description="Time zone of `schedule`, such as Europe/Berlin.")
    jitter_s: int = Field(
        default=0, ge=0, le=3600, description="Most seconds that a scheduled rebuild begins later, so that shops do not begin at once."
    )
    missed: Literal["run", "skip"] = Field(default="run", description="A run whose time passed while nothing ran: run it once, or skip it.")
    stale_after_h: float = Field(default=36, gt=0, description="Hours after which `reckon status` calls the published build stale.")
    webhook: str = Field(default="", description="Address that is notified of how each rebuild ended, by POST; docs/operations.md says what it gets.")
    webhook_secret: SecretStr = Field(default=SecretStr(""), description="Signs what the webhook gets (HMAC-SHA256); set it in the environment.")
    command: tuple[str, ...] = Field(
        default=(), description="Program and arguments that are run when a rebuild ended; it gets the same JSON on stdin."
    )
    attempts: int = Field(default=5, ge=1, le=20, description="How often the webhook is tried; 1, 2, 4, … seconds lie between.")

    canary_window_s: float = Field(default=1800, gt=0, le=604_800, description="Seconds after a list within which an event counts as its effect.")
    canary_max_errors: float = Field(
        default=0.01, ge=0, le=1, description="By how much a canary's share of failed requests may exceed its control group's."
    )

    @field_validator("webhook")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("the webhook must begin with http:// or https://")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is not a time zone; write it as in Europe/Berlin") from None
        return value

    @field_validator("schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        from croniter import croniter

        if len(value.split()) != 5 or not croniter.is_valid(value):
            raise ValueError(f"{value!r} is not a cron expression; write minute, hour, day, month, weekday, such as 0 3 * * *")
        return value
