"""The grammar of numbers: one for every number column of every source.

    number   = [sign] body | body "-" | "(" body ")"      with a currency before or after it in price columns
    body     = digits | digits mark digits | groups [mark digits]
    groups   = 1 to 3 digits, then groups of exactly 3 ("1,299", "1 299", "1'299"), or Indian groups ("1,00,000")
    mark     = "." or ","

Blanks group thousands only before exactly three digits, so that "15 20" is no number. Where both marks stand, the last one is the decimal mark; a
mark that stands twice groups. One mark before exactly three digits ("1.299") says nothing by itself: `etl.sources.values.decimal_marks`
decides by the other values.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from etl.sources.values.currencies import without_currency

MAX_NUMBER = 1e15
NOT_A_NUMBER = "is not a number"
_FREE = {"free", "gratis", "kostenlos", "gratuit", "free of charge", "for free", "免费"}
_FROM = re.compile(
    r"^(?:ab|from|as from|starting at|starting from|à partir de|dès|desde|da|vanaf|od|min\.?|ca\.?|about|approx\.?|~|<|>|≤|≥|up to|bis)\s*\W?\s*\d",
    re.I,
)
_RANGE = re.compile(r"\d\s*(?:-|–|—|to|bis|through|\.\.+|~)\s*\W?\s*\d", re.I)
_PER = re.compile(r"\d\s*(?:/|per\b|pro\b)", re.I)
_EXPONENT = re.compile(r"\d+(?:\.\d+)?[eE][+-]?\d+")
_SPACED = re.compile(r"(\d{1,3}(?:([ '])\d{3})(?:\2\d{3})*)(?:([.,])(\d+))?")
_ONE_MARK = re.compile(r"(\d*)([.,])(\d+)")
_WHOLE = re.compile(r"(.*\d)([.,])(?:-{1,2}|–|—)")
_INDIAN = re.compile(r"(\d{1,2}(?:,\d{2})+,\d{3})(?:(\.)(\d+))?")
_GROUPED = {mark: re.compile(rf"(\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+)(?:({re.escape(other)})(\d+))?") for mark, other in ((",", "."), (".", ","))}
_ASCII = str.maketrans({"\u2212": "-", "\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u00b4": "'", "`": "'", "\u066b": ".", "\u066c": ","})


@dataclass(frozen=True, slots=True)
class Parsed:
    """A cell as a number.

    Attributes:
        value: The number; of one that is open, with its mark as the decimal mark; None for what is none.
        grouped: Of a number that is open: the other reading, its mark grouping thousands.
        mark: The decimal mark that this cell proves, or the mark that is open; "" where there is none.
        currency: What it names.
        why: What is wrong with it.
    """

    value: float | None = None
    grouped: float | None = None
    mark: str = ""
    currency: str = ""
    why: str = ""

    @property
    def is_open(self) -> bool:
        """Whether its mark may be either."""
        return self.grouped is not None


def parsed(written: str, *, money: bool) -> Parsed:
    """Read a cell.

    Args:
        written: Its text.
        money: Whether it may name a currency.

    >>> parsed("1.234,50 €", money=True).value, parsed("1,00,000", money=False).value, parsed("(5.00)", money=True).value
    (1234.5, 100000.0, -5.0)
    >>> parsed("1.299", money=True).is_open, parsed("15 20", money=True).why
    (True, 'holds more than one number; write one')
    """
    text = _plain(written)
    body, currency = without_currency(text) if money else (text, "")
    body, sign = _unsigned(body)
    result = _body(body)
    if result is None or any(unicodedata.category(character) == "No" for character in written):
        return Parsed(why=_why(text))
    value, grouped, mark = result
    return Parsed(sign * value, None if grouped is None else sign * grouped, mark, currency)


def _plain(written: str) -> str:
    text = unicodedata.normalize("NFKC", written).translate(_ASCII)
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(character)) if character.isdecimal() else character for character in text)
    return re.sub(r"\s", " ", text).strip()


def _unsigned(body: str) -> tuple[str, int]:
    if body.startswith("(") and body.endswith(")"):
        return body[1:-1].strip(), -1
    if body[:1] in ("-", "+"):
        return body[1:].strip(), -1 if body[0] == "-" else 1
    if body.endswith("-") and body[-2:-1].isdigit():
        return body[:-1], -1
    return body, 1


def _body(body: str) -> tuple[float, float | None, str] | None:
    """Return (value, the other reading, mark) of an unsigned number; None for what is none."""
    if len(body) > 40:
        return None
    if body.isdecimal():
        return float(body), None, ""
    if _EXPONENT.fullmatch(body):
        return float(body), None, "."
    whole = _WHOLE.fullmatch(body)
    if whole:
        inner = _body(whole[1])
        return None if inner is None else (inner[0] if inner[1] is None else inner[1], None, whole[2])
    one = _ONE_MARK.fullmatch(body)
    if one:
        return _with_one_mark(one[1], one[2], one[3])
    spaced = _SPACED.fullmatch(body)
    if spaced:
        return _number(spaced[1].replace(spaced[2], ""), spaced[4]), None, spaced[3] or ""
    for groups, mark in ((_GROUPED[","], ","), (_GROUPED["."], "."), (_INDIAN, ",")):
        result = groups.fullmatch(body)
        if result:
            return _number(result[1].replace(mark, ""), result[3]), None, "." if mark == "," else ","
    return None


def _with_one_mark(left: str, mark: str, right: str) -> tuple[float, float | None, str]:
    value = _number(left or "0", right)
    if len(right) == 3 and 1 <= len(left) <= 3 and not left.startswith("0"):
        return value, float(left + right), mark
    return value, None, mark


def _number(whole: str, fraction: str | None) -> float:
    return float(f"{whole}.{fraction or 0}")


def _why(text: str) -> str:
    if text.lower() in _FREE:
        return f"{NOT_A_NUMBER}; write 0 for what costs nothing"
    if _FROM.search(text):
        return "names a bound, not a number; write the number itself"
    if _RANGE.search(text):
        return "names a range; write one number"
    if _PER.search(text):
        return f"{NOT_A_NUMBER}: it says per what; write the price of the item as it is sold"
    if len(re.findall(r"\d+(?:[.,]\d+)*", text)) > 1:
        return "holds more than one number; write one"
    return NOT_A_NUMBER
