"""What a question names: numbers of orders and invoices, amounts, dates, quantities, accounts and persons, with their places."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_ENTITIES = 20
_NUMBER = r"#?\s?(?P<value>(?:[A-Z]{1,5}-?)?\d[\d-]{1,30}\d)\b"
_CURRENCY = "dollars?|euros?|pounds?|bucks|usd|eur|gbp|cny|rmb|yuan|元|美元"
_MONTH = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
_DAY = rf"\d{{1,2}}(?:st|nd|rd|th)?\s(?:{_MONTH})(?:\s\d{{4}})?|(?:{_MONTH})\s\d{{1,2}}(?:,?\s\d{{4}})?"
_ACCOUNT = "free|freemium|basic|standard|silver|gold|platinum|premium|pro|enterprise|business"
_PLACE = r"[A-Z][A-Za-z]{1,20}(?:\s[A-Z][a-z]{1,20})?"
_UNIT = "pieces|items|pcs|mm|cm|m|in|inch(?:es)?|ft|feet|kg|g|lbs?|oz|ounces?|ml|l|gb|tb|watts?|volts?"
_PATTERNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("email", r"(?P<value>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})"),
        (
            "date",
            rf"(?i)\b(?P<value>\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}(?:st|nd|rd|th)?\s(?:{_MONTH})(?:\s\d{{4}})?|(?:{_MONTH})\s\d{{1,2}}(?:,?\s\d{{4}})?)\b",
        ),
        ("date", r"(?i)\b(?P<value>yesterday|today|tomorrow|(?:\d{1,3}|one|two|three|last|a|six)\s(?:day|week|month|year)s?(?:\sago)?)\b"),
        ("amount", r"(?P<value>[$€£¥]\s?\d[\d,.]{0,12}\d|[$€£¥]\s?\d)"),
        ("amount", rf"(?i)\b(?P<value>\d[\d,.]{{0,12}})\s?(?:{_CURRENCY})(?!\w)"),
        ("invoice_id", rf"(?i:\b(?:invoices?|bills?)\b|发票)(?i:\s?(?:number|no\.?|id))?\s*{_NUMBER}"),
        ("order_id", rf"(?i:\b(?:orders?|purchases?|bookings?)\b|订单号?)(?i:\s?(?:number|no\.?|id))?\s*{_NUMBER}"),
        ("order_id", r"(?P<value>#\d[\d-]{2,30})\b"),
        ("order_id", r"\b(?P<value>\d{6,20})\b"),
        (
            "account_type",
            r"(?i)\b(?P<value>free|freemium|basic|standard|silver|gold|platinum|premium|pro|enterprise|business)\s(?:user\s)?(?:account|profile|user)s?\b",
        ),
        ("account_type", rf"(?i)\baccounts?\s(?:to|type)\s(?:a\s|the\s)?(?P<value>{_ACCOUNT})\b"),
        ("person_name", r"\b(?i:from|by|of|for|to)\s(?i:mrs?\.?\s|ms\.?\s)?(?P<value>[A-Z][a-z]{1,20}(?:\s[A-Z][a-z]{1,20}){1,2})\b"),
        ("person_name", r"\b(?P<value>(?i:mrs?|ms|dr)\.?\s[A-Z][a-z]{1,20}(?:\s[A-Z][a-z]{1,20})?)\b"),
        ("place", rf"(?i:\b(?:ship|deliver)\w{{0,8}}|\border)\s(?i:to|in|from)\s(?P<value>{_PLACE})\b"),
        (
            "quantity",
            r"(?i)\b(?P<value>\d{1,6}(?:[.,]\d{1,3})?\s?(?:pieces|items|pcs|mm|cm|m|in|inch(?:es)?|ft|feet|kg|g|lbs?|oz|ounces?|ml|l|gb|tb|watts?|volts?))\b",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that a question names.

    Attributes:
        type: What it is.
        value: As written.
        start: First character.
        end: After the last one.
    """

    type: str
    value: str
    start: int
    end: int


def entities(text: str) -> tuple[Entity, ...]:
    """Return what a text names, in the order of the text; what is one thing is not another as well.

    >>> [(one.type, one.value) for one in entities("cancel order 00123842 and refund $20")]
    [('order_id', '00123842'), ('amount', '$20')]
    """
    named: list[Entity] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text[:2_000]):
            start, end = match.span("value")
            if all(end <= one.start or start >= one.end for one in named):
                named.append(Entity(kind, match["value"], start, end))
    return tuple(sorted(named, key=lambda one: one.start)[:MAX_ENTITIES])
