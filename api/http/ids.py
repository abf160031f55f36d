"""Ids of items and users in paths, by the rule of `kg.validation.ids` that bodies, files and events go by too."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator

from kg.validation.fields import ID_LENGTHS, ID_RULE, as_id

PathId = Annotated[str, Path(description=f"Percent-encode what a path cannot hold. {ID_RULE}", json_schema_extra=ID_LENGTHS), AfterValidator(as_id)]
"""An id in a path."""
