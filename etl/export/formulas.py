"""Texts that a spreadsheet would run."""

from __future__ import annotations

import re

FORMULA = r"^[=+\-@\t\r\n]"
"""What a spreadsheet takes for the start of a formula."""
_FORMULA = re.compile(FORMULA)


def escaped(text: str) -> str:
    """Return a text with an apostrophe before it where a spreadsheet would run it.

    >>> escaped("=1+1"), escaped("tea")
    ("'=1+1", 'tea')
    """
    return f"'{text}" if _FORMULA.match(text) else text
