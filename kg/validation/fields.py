"""Types of single fields, for pydantic: the same wherever a value comes in, over REST or in a file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError, PydanticKnownError

from kg.validation.ids import MAX_ID_CHARS, checked, fault

TEXT = r"^[^\x00]*$"
"""Text that every database can store."""
ID_LENGTHS: dict[str, Any] = {"minLength": 1, "maxLength": MAX_ID_CHARS}
MAX_VALUE_CHARS = 512
"""Of a value of an attribute as a rule, a filter or an edit names it."""
ID_RULE = f"1 to {MAX_ID_CHARS} characters, none of them a control character; trimmed and composed (Unicode NFC)."


def as_id(text: str) -> str:
    """Return an id as it is kept.

    Raises:
        PydanticCustomError: It cannot be an id; the message says why, without pydantic's "Value error" before it.
    """
    try:
        # As sent, too: the document's maxLength speaks of what is sent.
        if len(text) > MAX_ID_CHARS:
            raise ValueError(fault(text))
        return checked(text)
    except ValueError as error:
        raise PydanticCustomError("id", "{why}", {"why": str(error)}) from None


def _whole(given: Any) -> Any:
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _flag(given: Any, info: ValidationInfo) -> Any:
    # In a body a boolean is one, and pydantic sees to it; in a query string it would read "on", "y" and "T" as well.
    if not isinstance(given, str) or (info.config or {}).get("strict"):
        return given
    if given not in ("true", "false"):
        raise PydanticKnownError("bool_parsing")
    return given == "true"


Id = Annotated[str, AfterValidator(as_id), Field(description=ID_RULE, json_schema_extra=ID_LENGTHS)]
"""The id of an item or a user."""

Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number; 3.0 is one, as in JSON Schema."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""Yes or no: `true` or `false`, and nothing else, in a query string as in JSON."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,58}$")]
"""The name of an attribute."""

Cell = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=TEXT)]
"""One value of an attribute."""
