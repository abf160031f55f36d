"""Names of fields and relations as words a person reads."""

from __future__ import annotations

import re

_INITIALISMS = frozenset(
    [
        "ac",
        "cpu",
        "dc",
        "dvd",
        "dvi",
        "ecc",
        "fsb",
        "gpu",
        "hdd",
        "hdmi",
        "lan",
        "lcd",
        "led",
        "pc",
        "ram",
        "rpm",
        "spf",
        "ssd",
        "tdp",
        "tv",
        "usb",
        "uv",
        "vga",
    ]
)
_VERSION = re.compile(r"(?<![\d.])(\d) (\d)(?!\d)")
_REPEATED = re.compile(r"( [a-z])\1+(?= |$)")


def words_of(name: str) -> str:
    """Return the name of a relation or field as words.

    >>> words_of("usb_2_0_ports_quantity"), words_of("operating_temperature_t_t")
    ('USB 2.0 ports quantity', 'operating temperature')
    """
    text = _VERSION.sub(r"\1.\2", _REPEATED.sub("", re.sub(r"_+", " ", name)))
    return " ".join(word.upper() if word in _INITIALISMS else word for word in text.split())
