"""An item as it is received, over REST or in a file of changes: what its fields may be."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from kg import schema
from kg.tables import ITEM_COLUMNS
from kg.validation.fields import TEXT, Cell, Name, Whole

EXAMPLE: JsonDict = {
    "title": "Oolong tea 100 g",
    "brand": "Leafy",
    "categories": ["Drinks", "Tea"],
    "price_cents": 890,
    "available": True,
    "attributes": {"color": ["blue"]},
}
UNTITLED = "title is missing: give what a shopper reads; an item without one cannot be recommended"


def _named(attributes: dict[str, list[str]] | None) -> dict[str, list[str]] | None:
    taken = sorted(set(attributes or ()) & {*ITEM_COLUMNS, "price"})
    if taken:
        raise ValueError(f"{taken[0]!r} is a field of its own, not an attribute")
    for name in attributes or ():
        schema.attribute_relation(name)
    return attributes


def _readable(title: str | None) -> str | None:
    if title is None or not any(character.isprintable() and not character.isspace() for character in title):
        raise ValueError("title has to hold something to read: an item without one cannot be recommended")
    return title


class ItemFields(BaseModel):
    """What a shop says of an item. Texts are read for attributes; attributes that are given beat those that texts state."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, str_strip_whitespace=True, json_schema_extra={"examples": [EXAMPLE]}
    )

    title: Annotated[str | None, AfterValidator(_readable)] = Field(
        default=None, min_length=1, max_length=1_000, pattern=TEXT, description="What a shopper reads; no item is recommended without one."
    )
    description: str | None = Field(default=None, min_length=1, max_length=20_000, pattern=TEXT)
    brand: Cell | None = None
    categories: list[Cell] | None = Field(default=None, max_length=50, description="From the widest to the narrowest.")
    price_cents: Whole | None = Field(default=None, ge=0, le=10**12)
    available: bool | None = Field(default=None, description="False keeps it out of every list, from the next answer on.")
    attributes: Annotated[dict[Name, Annotated[list[Cell], Field(max_length=50)]] | None, AfterValidator(_named)] = Field(
        default=None, max_length=50, description="The shop's own attributes: name → values."
    )

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent."""
        return self.model_dump(exclude_unset=True, exclude={"item_id", "operation"})


class WholeItem(ItemFields):
    """All that a shop says of an item: what is left out is unknown from now on. A title is needed, for no item is recommended without one."""

    @model_validator(mode="after")
    def _titled(self) -> WholeItem:
        if self.title is None:
            raise ValueError(UNTITLED)
        return self
