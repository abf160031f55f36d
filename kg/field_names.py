"""Names of fields and relations as words a person reads."""

from __future__ import annotations

import re

# fmt: off
_INITIALISMS = frozenset({
    "ac", "ad", "cd", "cpu", "dc", "dpi", "dvd", "dvi", "dvr", "ean", "ecc", "fsb", "gps", "gpu", "hd", "hdd", "hdmi", "hdr",
    "id", "ip", "lan", "lcd", "led", "mac", "mp", "nfc", "oem", "os", "pc", "pci", "pdf", "psu", "ram", "rgb", "rpm", "sd",
    "sim", "spf", "ssd", "tdp", "tv", "uhd", "upc", "ups", "url", "usb", "uv", "vga", "voip", "vpn", "vr", "wlan",
})
# fmt: on
_WRITTEN = {
    **{
        "i o": "I/O",
        "a v": "A/V",
        "rj 11": "RJ-11",
        "rj 45": "RJ-45",
        "rs 232": "RS-232",
        "wi fi": "Wi-Fi",
        "rohs": "RoHS",
        "w x d x h": "W × D × H",
    },
    **{"wxdxh": "(W × D × H)", "wxhxd": "(W × H × D)", "lxwxh": "(L × W × H)", "ethernet": "Ethernet", "bluetooth": "Bluetooth", "mhz": "MHz"},
    **{"ghz": "GHz", "kwh": "kWh", "mah": "mAh", "intel": "Intel", "amd": "AMD", "windows": "Windows", "android": "Android"},
}
"""Words as they are written, where a field's name has lost it."""
_VERSION = re.compile(r"(?<![\d.])(?<!windows )(\d) (\d)(?!\d)")
_REPEATED = re.compile(r"( [a-z])\1+(?= |$)")
_PLURAL = re.compile(r"(?<=[a-z]{3}) s(?= |$)")
_LEADING = re.compile(r"^n (?=\d)")
_SPOKEN = re.compile(rf"(?<!\S)(?:{'|'.join(sorted(_WRITTEN, key=len, reverse=True))})(?!\S)")
_SIZED = re.compile(r"(?<!\S)(\d+)([kgd])(?!\S)")


def words_of(name: str) -> str:
    """Return the name of a relation or field as words.

    >>> words_of("usb_2_0_ports_quantity"), words_of("operating_temperature_t_t")
    ('USB 2.0 ports quantity', 'operating temperature')
    >>> words_of("ethernet_lan_rj_45_ports"), words_of("connector_s"), words_of("n_4k_support"), words_of("dimensions_wxdxh")
    ('Ethernet LAN RJ-45 ports', 'connectors', '4K support', 'dimensions (W × D × H)')
    """
    text = _REPEATED.sub("", " ".join(name.replace("_", " ").split()))
    text = _SIZED.sub(lambda match: match[1] + match[2].upper(), _LEADING.sub("", _PLURAL.sub("s", text)))
    text = _SPOKEN.sub(lambda match: _WRITTEN[match.group()], _VERSION.sub(r"\1.\2", text))
    return " ".join(word.upper() if word in _INITIALISMS else word for word in text.split())
