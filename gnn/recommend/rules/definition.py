"""What a merchandiser may demand of the lists: one business rule, as the configuration and the API write it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from gnn.recommend.rules.kinds.base import RULE_KINDS, summaries
from kg.config import Section
from kg.validation.fields import MAX_VALUE_CHARS
from kg.validation.ids import MAX_ID_CHARS

ID_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_ItemIds = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)], ...], Field(max_length=1000)]
_Values = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=MAX_VALUE_CHARS)], ...], Field(max_length=200)]


if TYPE_CHECKING:
    Action = str
else:
    # The registry knows the kinds of installed packages, too.
    Action = Literal[tuple(RULE_KINDS.names())]


def _in_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


_Time = Annotated[datetime, AfterValidator(_in_utc)]


class Segment(Section):
    """Which shoppers a rule is for; all that is given must hold.

    Attributes:
        history: Shoppers of whom something is known ("some"), nothing ("none"), or all.
        met: Shoppers who have met an item that this filter takes.
        met_items: Shoppers who have met one of these items.
        attributes: Shoppers who declared one of these values, per attribute.
    """

    history: Literal["any", "some", "none"] = Field(default="any", description="some: shoppers with a history; none: new ones.")
    met: dict[str, JsonValue] | None = Field(default=None, description="Shoppers who have met an item that this filter takes.")
    met_items: _ItemIds = Field(default=(), description="Shoppers who have met one of these items.")
    attributes: dict[str, _Values] = Field(default={}, max_length=20, description="Shoppers who declared one of the values, per attribute.")


class RuleBody(Section):
    """A business rule without its id.

    Attributes:
        name: What shoppers are told it is called.
        action: What is done with its items.
        items: Items it is about.
        categories: Items of these categories.
        brands: Items of these brands.
        where: Items that this filter takes. Items must fulfil all of `categories`, `brands` and `where` that are given; `items` are taken besides.
        segment: The shoppers it is for; all when left out.
        starts: From when it holds.
        ends: Until when it holds.
        place: pin: place of its first item; the others follow.
        factor: boost, bury: what the scores are multiplied with.
        per: cap: relation whose values are counted.
        most: cap: most items of one value.
        enabled: Whether it holds at all.
    """

    name: str = Field(min_length=1, max_length=100, description="What shoppers are told it is called.", examples=["Summer"])
    action: Action = Field(description=f"What is done with its items. {summaries()}.", examples=["boost"])
    items: _ItemIds = Field(default=(), description="Items it is about.")
    categories: _Values = Field(default=(), description="Items of one of these categories.", examples=[["Tea"]])
    brands: _Values = Field(default=(), description="Items of one of these brands.")
    where: dict[str, JsonValue] | None = Field(default=None, description="Items that this filter takes.")
    segment: Segment | None = Field(default=None, description="Shoppers it is for; all when left out.")
    starts: _Time | None = Field(default=None, description="From when it holds, ISO 8601; UTC without an offset.")
    ends: _Time | None = Field(default=None, description="Until when it holds.")
    place: int = Field(default=1, strict=True, ge=1, le=200, description="pin: place of the first item; the others follow.")
    factor: float | None = Field(default=None, strict=True, gt=0, le=100, description="boost: above 1; bury: below 1.", examples=[1.5])
    per: Literal["has_brand", "has_category"] | None = Field(default=None, description="cap: relation whose values are counted.")
    most: int | None = Field(default=None, strict=True, ge=1, le=200, description="cap: most items of one value in a list.")
    enabled: bool = Field(default=True, strict=True, description="Whether it holds at all.")

    @model_validator(mode="after")
    def _complete(self) -> RuleBody:
        fault = RULE_KINDS.get(self.action).fault(self)
        if fault:
            raise ValueError(fault)
        if self.starts and self.ends and self.ends <= self.starts:
            raise ValueError("`ends` is not after `starts`")
        return self

    def holds_at(self, time: datetime) -> bool:
        """Say whether it holds at a time."""
        return self.enabled and (self.starts is None or self.starts <= time) and (self.ends is None or time < self.ends)


class Rule(RuleBody):
    """A business rule.

    Attributes:
        rule_id: What it is called by in the configuration and over the API.
    """

    rule_id: str = Field(pattern=ID_PATTERN, description="Small letters, digits, dots, dashes.", examples=["summer"])


def rule_of(rule_id: str, body: RuleBody | Mapping[str, Any]) -> Rule:
    """Return the rule of an id and what was stored or sent."""
    fields = body.model_dump() if isinstance(body, RuleBody) else dict(body)
    return Rule.model_validate({**fields, "rule_id": rule_id})
