"""One rule for the ids of items and users, wherever they come from: files, REST, events, changes.

An id is trimmed and composed (Unicode NFC) first, so that two spellings of the same characters are one id. What is left must be 1 to 512 characters
without control characters, line separators and lone surrogates: those can be stored, but not be asked for again.
"""

from __future__ import annotations

import re
import unicodedata

import polars as pl

MAX_ID_CHARS = 512

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"
"""Characters without a width: trimmed at both ends like blanks."""
_EDGE = f" \t\n\r\v\f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000{INVISIBLE}"
_REFUSED = {"Cc": "the control character", "Cs": "the lone surrogate", "Zl": "the line separator", "Zp": "the paragraph separator"}
_PLAIN = r"^[!-~](?:[ -~]{0,510}[!-~])?$"
"""ASCII without blanks at its ends: nothing to change, nothing to refuse. Nearly all ids are."""

_IS_PLAIN = re.compile(_PLAIN, re.ASCII).fullmatch


def normalized(text: str) -> str:
    """Return an id trimmed and composed.

    >>> normalized(" Cafe\\u0301 ") == "Caf\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text.strip(_EDGE)).strip(_EDGE)


def fault(item_or_user_id: str) -> str:
    """Return what is wrong with an id that `normalized` returned; "" where nothing is.

    >>> fault("718"), fault(""), fault("a\\x07b")
    ('', 'is empty', 'holds the control character U+0007; ids are made of visible characters')
    """
    if not item_or_user_id:
        return "is empty"
    if len(item_or_user_id) > MAX_ID_CHARS:
        return f"is {len(item_or_user_id):,} characters long; ids have at most {MAX_ID_CHARS}"
    for character in item_or_user_id:
        kind = _REFUSED.get(unicodedata.category(character))
        if kind:
            return f"holds {kind} U+{ord(character):04X}; ids are made of visible characters"
    return ""


def checked(text: str) -> str:
    """Return an id as it is kept.

    Raises:
        ValueError: It cannot be an id; the message says why.
    """
    if _IS_PLAIN(text):
        return text
    normal = normalized(text)
    why = fault(normal)
    if why:
        raise ValueError(why)
    return normal


def checked_series(ids: pl.Series) -> tuple[pl.Series, dict[str, str]]:
    """Return ids as they are kept, and written id → what is wrong with it for those that cannot be ids.

    Args:
        ids: Text, null where there is none.
    """
    unusual = ids.filter(~ids.str.contains(_PLAIN).fill_null(True)).unique()
    if not len(unusual):
        return ids, {}
    kept = {text: normalized(text) for text in unusual.to_list()}
    faults = {text: why for text, normal in kept.items() if (why := fault(normal))}
    changed = {text: normal for text, normal in kept.items() if normal != text}
    return (ids.replace(changed) if changed else ids), faults
