"""What a sentence says, without the words: a key of the catalogues and named arguments. Words are found when an answer is rendered.

>>> from gnn.explain.messages.languages import english
>>> english().text(say("buy_again.bought", count=3))
'You bought this 3 times'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence, or a part of one.

    Attributes:
        key: Where the catalogues have it ("through.both.purchased"). Where they do not, "other" of the same section holds.
        arguments: What fills its placeholders; `count` also chooses the plural form.
        words: Its own words, language → template, where it is in no catalogue: what a shop's package says.
    """

    key: str
    arguments: Mapping[str, Argument]
    words: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number as Python writes it ("3.2"); a catalogue writes it with the marks of its language."""

    text: str
    grouped: bool = True


@dataclass(frozen=True, slots=True)
class Quoted:
    """A title or name in quotation marks."""

    text: Text


@dataclass(frozen=True, slots=True)
class Listing:
    """Several things in a row: "A and B", "A, B or C", "A, B"."""

    parts: tuple[Text | Quoted, ...]
    kind: Literal["and", "or", "comma"] = "and"


Text: TypeAlias = "str | Message"
"""A string is shown as it is, in any language: what the shop wrote itself."""
Argument: TypeAlias = "str | int | date | Message | Number | Quoted | Listing"


def say(key: str, **arguments: Argument) -> Message:
    """Return a message."""
    return Message(key, arguments)


def say_in(words: Mapping[str, str], **arguments: Argument) -> Message:
    """Return a message with words of its own.

    >>> from gnn.explain.messages.languages import english
    >>> english().text(say_in({"en": "By {author}", "zh": "{author}著"}, author="Lem"))
    'By Lem'

    Args:
        words: Language → template; English is taken where the language of an answer is not among them.
        arguments: What fills the placeholders.
    """
    return Message("", arguments, words)


def decimals(value: float, places: int) -> Number:
    """Return a number with so many decimal places."""
    return Number(f"{value:.{places}f}")


def plain(value: float) -> Number:
    """Return a number with as many decimal places as it needs, six digits at most, and no marks between thousands."""
    return Number(f"{value:g}", grouped=False)
