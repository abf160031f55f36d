"""Signs and codes of currencies beside an amount, and how many decimals a currency has.

Source: ISO 4217, list one: codes and minor units.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNH CNY COP CRC CUP CVE "
    "CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR "
    "KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK "
    "PHP PKR PLN PYG QAR RMB RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
    "USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL"
)
_SIGNS: Mapping[str, str] = {
    **{"€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "$": "$", "us$": "USD", "us $": "USD", "a$": "AUD", "au$": "AUD", "c$": "CAD"},
    **{"ca$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "nt$": "TWD", "r$": "BRL", "mx$": "MXN", "¥": "¥", "円": "JPY", "元": "CNY"},
    **{"yuan": "CNY", "yen": "JPY", "₹": "INR", "rs": "INR", "rs.": "INR", "₩": "KRW", "원": "KRW", "₽": "RUB", "руб": "RUB", "руб.": "RUB"},
    **{"zł": "PLN", "zl": "PLN", "kr": "kr", "kr.": "kr", "kč": "CZK", "ft": "HUF", "lei": "RON", "leu": "RON", "лв": "BGN", "лв.": "BGN"},
    **{"fr.": "CHF", "sfr.": "CHF", "sfr": "CHF", "₺": "TRY", "tl": "TRY", "₫": "VND", "đ": "VND", "฿": "THB", "₴": "UAH", "грн": "UAH"},
    **{"₦": "NGN", "₱": "PHP", "₪": "ILS", "₡": "CRC", "₲": "PYG", "₸": "KZT", "₾": "GEL", "s/": "PEN", "s/.": "PEN", "rp": "IDR", "rm": "MYR"},
    **{"kd": "KWD", "bd": "BHD", "د.ك": "KWD", "dollars": "$", "dollar": "$", "c": "", "dh": "AED", "dhs": "AED", "sr": "SAR"},
}
KNOWN: Mapping[str, str] = {**{code.lower(): code for code in _CODES.split()}, **{sign: code for sign, code in _SIGNS.items() if code}}
"""Sign, name or code in lower case → the currency; a sign that several share stands for itself."""

_THREE = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_NONE = frozenset(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"])
_NAMES = "|".join(re.escape(name) for name in sorted(KNOWN, key=len, reverse=True))
_BEFORE = re.compile(rf"([-+(]?)\s*({_NAMES})\s*(?=[-+(\d.,])", re.IGNORECASE)
_AFTER = re.compile(rf"(?<=[\d.,)\-–—])\s*({_NAMES})\s*([-)]?)", re.IGNORECASE)


def decimals(currency: str) -> int:
    """Return how many decimals a currency has; 2 for one that is not known."""
    return 3 if currency in _THREE else 0 if currency in _NONE else 2


def without_currency(amount: str) -> tuple[str, str]:
    """Return an amount without the currency before or after it, and the currency ("" where none is named).

    >>> without_currency("15.00 USD"), without_currency("-€1.234,50"), without_currency("12")
    (('15.00', 'USD'), ('-1.234,50', 'EUR'), ('12', ''))
    """
    result = ""
    before = _BEFORE.match(amount)
    if before:
        result, amount = KNOWN[before[2].lower()], before[1] + amount[before.end() :]
    for after in _AFTER.finditer(amount):
        if after.end() != len(amount):
            continue
        named = KNOWN[after[1].lower()]
        # "$12 USD" names one currency twice, "USD 12 EUR" two: the latter is left as it is, and is no amount.
        if not result or named == result or "$" in (result, named):
            amount, result = amount[: after.start()] + after[2], named if len(named) == 3 else result or named
        break
    return amount.strip(), result
