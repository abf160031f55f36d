"""Settings of risk."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kg.config import Section


class RiskConfig(Section):
    """What is done about accounts that act together.

    Attributes:
        leave_out: Whose events training leaves out: those of accounts that a person confirmed, or of all suspected ones that nobody cleared.
    """

    leave_out: Literal["confirmed", "suspected"] = Field(
        default="confirmed",
        description="Whose events training leaves out: accounts that a person confirmed, or also suspected ones that nobody cleared.",
    )
