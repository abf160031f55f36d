"""A review as it is read: without markup and control characters, every character still where it was.

What is masked becomes blanks of the same number, so that a place found in what is read is a place in the review as stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from kg.errors import InputError

Language = Literal["en", "zh"]

MAX_CHARS = 20_000
"""Characters of a review that are read: what is longer is no review."""

_MASKED = re.compile(r"<!--.{0,2000}?-->|</?[A-Za-z][^<>]{0,400}>|[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]", re.DOTALL)
_MAY_BE_MASKED = re.compile(r"[<\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]+")
_HAN_SHARE = 0.3


def read(text: str) -> str:
    """Return the part of a review that is read, with blanks for markup and for characters that nobody sees.

    >>> read("Good<br/>fit\\x00!")
    'Good     fit !'
    """
    text = text[:MAX_CHARS]
    if not _MAY_BE_MASKED.search(text):
        return text
    return _MASKED.sub(lambda match: " " * len(match.group()), text)


def language_of(text: str) -> Language:
    """Return "zh" where Han characters carry the text (each weighs as much as a word), else "en".

    >>> [language_of(text) for text in ("很好 nice", "nice 4K HDR screen", "")]
    ['zh', 'en', 'en']
    """
    han = len(_HAN.findall(text))
    return "zh" if han > _HAN_SHARE * (han + len(_LATIN.findall(text))) else "en"


def language_of_all(texts: Iterable[str]) -> Language:
    """Return the language that most of the texts are in."""
    languages = [language_of(text) for text in texts]
    return "zh" if languages.count("zh") * 2 > len(languages) else "en"


def checked_language(language: str) -> Language:
    """Return a language that reviews are read in.

    Raises:
        InputError: Another one.
    """
    if language == "en":
        return "en"
    if language == "zh":
        return "zh"
    raise InputError(f"reviews are not read in the language {language!r}", hint="use en or zh")
