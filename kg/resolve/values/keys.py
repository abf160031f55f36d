"""Normal forms of values: what is left when case, punctuation, legal suffixes, known aliases and units are taken away."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from kg.extract.quantities.units import BASE, quantities

_PUNCTUATION = re.compile(r"[^\w+#<>=%±°$€£]+|_+")
_SIGN = re.compile(r"([+#<>=%±°$€£])")
_MINUS = re.compile(r"(?<!\w)-(?=\d)|(?<=\w)-(?!\w)")
_LETTER_DOT = re.compile(r"\b(\w)\.(?=\w\b)")
_BRAND = "has_brand"


@cache
def _aliases() -> dict[tuple[str, str], str]:
    lines = (files("kg.resolve") / "data" / "aliases.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line]
    return {(row["relation"], plain(surface)): row["canonical"] for row in rows for surface in row["surfaces"]}


@cache
def _legal_suffixes() -> tuple[str, ...]:
    lines = (files("kg.resolve") / "data" / "legal_suffixes.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(sorted((json.loads(line)["suffix"] for line in lines if line), key=lambda suffix: (-len(suffix), suffix)))


def plain(value: str) -> str:
    """Return a value without case, accents, punctuation and surplus blanks; signs that carry meaning stay.

    >>> plain("  Hewlett-Packard® "), plain("H.P."), plain("Café"), plain("O&#39;Keeffe")
    ('hewlett packard', 'hp', 'cafe', 'okeeffe')
    >>> plain("DVD+R") == plain("DVD-R"), plain("A-") == plain("A")
    (False, False)
    """
    folded = unicodedata.normalize("NFKD", html.unescape(value).casefold())
    letters = "".join(char for char in folded if not unicodedata.combining(char)).replace("'", "").replace("’", "")
    signed = _SIGN.sub(r" \1 ", _MINUS.sub(" minus ", _LETTER_DOT.sub(r"\1", letters).replace("&", " and ")))
    return " ".join(_PUNCTUATION.sub(" ", signed).split())


def without_legal_suffix(key: str) -> str:
    """Drop the legal forms at the end of a company's plain name, but never the whole name.

    >>> without_legal_suffix("hp inc"), without_legal_suffix("co")
    ('hp', 'co')
    """
    shortened = True
    while shortened:
        shortened = False
        for suffix in _legal_suffixes():
            if key.endswith(f" {suffix}"):
                key, shortened = key.removesuffix(f" {suffix}"), True
    return key


@dataclass(frozen=True, slots=True)
class ValueKey:
    """What a value is compared by.

    Attributes:
        plain: Without case and punctuation.
        strong: Further reduced by legal suffix, unit or alias; equal strong keys are one value unless the shop's data say otherwise.
        rule: Which reduction made `strong` out of `plain`: "spelling" where none did.
        named: Canonical name that the alias list gives, or empty.
    """

    plain: str
    strong: str
    rule: str
    named: str


def value_key(relation: str, value: str) -> ValueKey:
    """Reduce one value of one relation.

    >>> value_key("has_brand", "HP Inc.").strong == value_key("has_brand", "Hewlett-Packard").strong
    True
    >>> value_key("has_weight", "1 kg").strong
    '1000 g'
    """
    key = plain(value)
    # A value of signs alone has no plain form; it is its own.
    if not key:
        return ValueKey(value, value, "spelling", "")
    strong, rule = key, "spelling"
    if relation == _BRAND and (shorter := without_legal_suffix(key)) != key:
        strong, rule = shorter, "legal suffix"
    if relation in BASE:
        facts = quantities(value, relation)
        if len(facts) == 1 and facts[0].relation == relation:
            strong, rule = facts[0].value, "unit"
    named = _aliases().get((relation, strong), "")
    if named and plain(named) != strong:
        strong, rule = plain(named), "alias"
    return ValueKey(key, strong, rule, named)
