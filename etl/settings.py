"""The configuration sections of this door: what a build keeps, and the shop's files (`etl.sources.config`)."""

from __future__ import annotations

from pydantic import Field

from etl.sources.config import SourceConfig
from kg.config import Section

__all__ = ["BuildConfig", "SourceConfig"]


class BuildConfig(Section):
    """The builds."""

    keep: int = Field(default=5, ge=2, le=1000, description="Builds that stay; older ones go, never the current one or what a rollback leads to.")
