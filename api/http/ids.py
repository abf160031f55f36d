"""Ids of items and users in paths and bodies: one type, by the rule of `kg.validation.ids` that files and events go by too."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from kg.validation.ids import MAX_ID_CHARS, checked, fault

_LENGTHS = {"minLength": 1, "maxLength": MAX_ID_CHARS}
_RULE = f"1 to {MAX_ID_CHARS} characters, none of them a control character; trimmed and composed (Unicode NFC)."


def _checked(text: str) -> str:
    try:
        # As sent, too: the document's maxLength speaks of what is sent.
        if len(text) > MAX_ID_CHARS:
            raise ValueError(fault(text))
        return checked(text)
    except ValueError as error:
        # As it is: pydantic would write "Value error, " before it.
        raise PydanticCustomError("id", "{why}", {"why": str(error)}) from None


Id = Annotated[str, AfterValidator(_checked), Field(description=_RULE, json_schema_extra=_LENGTHS)]
"""An id in a body."""

PathId = Annotated[str, Path(description=f"Percent-encode what a path cannot hold. {_RULE}", json_schema_extra=_LENGTHS), AfterValidator(_checked)]
"""An id in a path."""
