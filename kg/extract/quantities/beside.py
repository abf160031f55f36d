"""What of a text's quantities measures no item: numbers within names, what a part or a plug measures, what other goods are counted in."""

from __future__ import annotations

import re

from kg.extract.quantities.amounts import COUNT, LENGTHS, Amount

_CLOTH_BELOW = 30.0
# A kit for a printer of 220 V is no more of 220 V than a case for a laptop of 15 inches is that long.
_KIT = re.compile(
    r"\b(?:maintenance|service|repair|fuser|upgrade|conversion|installation|rebuild|fusing)\s+(?:unit\s+)?kits?\b|\bfuser\b", re.IGNORECASE
)
_MACHINE = re.compile(
    r"\b(?:printers?|laserjet|deskjet|monitors?|notebooks?|laptops?|servers?|switch|power\s+supply|all-in-one|multifunction(?:al)?|lcd|pc|ryzen|lens|lenses|camera|drum|"
    r"toner|cartridge)\b",
    re.IGNORECASE,
)
_PRINTING = re.compile(r"\b(?:printers?|laserjet|toner|cartridges?|drum|lens|lenses|neutral\s+density)\b", re.IGNORECASE)
_CODED = re.compile(r"[A-Za-z]{2,}-$|\bf/$")
_LABEL_TAPE = re.compile(r"\b(?:tapes?|ribbons?|label(?:s|ling|ing)?|lto)\b", re.IGNORECASE)
_TAPE_WIDTH_MM = 60.0
_WITH_A_CORD = re.compile(r"[\s.-]*(?:power\s+)?(?:cord|lead)\b", re.IGNORECASE)
_LISTED_BEFORE = re.compile(r"[,;]\s*(?:\d+\s?x\s)?$|\bwith\s*$|\(\s*$")
WIRED = re.compile(r"\b(?:multimode|fib(?:er|re)|duplex|switch|ethernet|patch|snagless|utp|sfp|rj-?45|cat\s?\d\w?|cisco|gigabit)\b", re.IGNORECASE)
_NUMBERED_FROM = 1000.0
_BAYS, _PLUGS = frozenset({1.8, 2.5, 3.5, 5.25}), frozenset({2.5, 3.5, 6.3, 6.35, 0.25, 0.125})
_DRIVE = re.compile(r"\b(?:ssd|s?ata|hdd|sas|hard\s+(?:drive|disk)|solid\s+state|drives?|bays?|enclosure|nvme|floppy|rpm|raid)\b", re.IGNORECASE)
_AUDIO = re.compile(r"\b(?:audio|stereo|mono|jack|xlr|headphones?|headset|rca|midi|instrument|microphone|speakers?)\b", re.IGNORECASE)
_STANDARD = re.compile(r"802\.\d")
_PROCESSOR = re.compile(r"\b(?:xeon|pentium|celeron|opteron|athlon|phenom|sempron|itanium|processors?|cpu)\b", re.IGNORECASE)
_GRAPHICS = re.compile(r"\b(?:vga|graphics?|video)\s+(?:video\s+)?(?:cards?|adapters?|boards?)\b", re.IGNORECASE)
_LETTERED = frozenset({"liter", "milliliter", "gram", "watt"})
_NAME_GOES_ON = re.compile(r"-\d|/\d+[A-Z]{1,3}\b")
_OF_ANOTHER_NAME = re.compile(r"\d[A-Z]{0,3}/$")
_GARMENT = re.compile(
    r"\b(?:t-?shirts?|tees?|shirts?|polos?|hoodies?|sweatshirts?|aprons?|totes?|jeans|jackets?|pants|overalls|coveralls|dress|shorts|vests?)\b",
    re.IGNORECASE,
)
_BEARING = re.compile(
    r"\b(?:ropes?|straps?|tie-?downs?|chains?|hooks?|hangers?|carabiners?|shackles?|winch|hoists?|jacks?|casters?|brackets?|shelf|shelves|hammocks?|anchors?|racks?|rackmount|mounts?)\b",
    re.IGNORECASE,
)
_PIECES = frozenset({"piece", "pieces", "pc", "pcs", "pce"})
_OF_PIECES = re.compile(r"\b(?:puzzles?|jigsaws?|lego|building\s(?:blocks?|sets?|kits?|bricks)|bricks|model\skit)\b|拼图|积木", re.IGNORECASE)
_SHEETS = frozenset({"sheet", "sheets"})
_OF_SHEETS = re.compile(
    r"\b(?:notebooks?|journals?|planners?|diary|pads?|composition|sketchbooks?|steno|shredders?|staplers?|punch|trays?|feeders?|finishers?|stackers?|"
    r"cassettes?|cabinets?|sorters?)\b",
    re.IGNORECASE,
)
_NO_COUNT_BEHIND = re.compile(r"=\s?$|\bpci(?:-?e|\s?express)?\s$", re.IGNORECASE)


def beside_the_point(text: str, amount: Amount, before: str) -> bool:
    """Say whether an amount is no measure of the item itself: part of a name, of a plug, a bay or a cord, a cloth's weight, a puzzle's pieces.

    Args:
        text: The text.
        amount: The amount.
        before: What stands before it.
    """
    return (
        _electric(text, amount)
        or (amount.word != "" and _in_a_model_number(text, amount, before))
        or (amount.unit in LENGTHS and amount.shape == "amount" and _of_a_part(text, amount, before))
        or _of_goods(text, amount, before)
    )


def _electric(text: str, amount: Amount) -> bool:
    """Say whether it is the voltage of the machine that a kit is for, gigabits a second, a standard's number, a processor's cache or what a graphics
    card has of its own."""
    if amount.unit == "megabyte" and (_PROCESSOR.search(text) or _GRAPHICS.search(text)):
        return True
    if amount.unit == "gram" and _STANDARD.match(text, amount.start):
        return True
    return (amount.unit == "volt" and _KIT.search(text) is not None) or (amount.word == "Gb" and WIRED.search(text) is not None)


def _of_a_part(text: str, amount: Amount, before: str) -> bool:
    """Say whether a length is that of a drive's bay, a plug or a cord, or the width of a tape."""
    value = amount.parts[0][0]
    if amount.unit == "inch" and value in _BAYS and _DRIVE.search(text):
        return True
    if amount.unit in {"inch", "millimeter"} and value in _PLUGS and _AUDIO.search(text):
        return True
    if amount.unit == "millimeter" and value <= _TAPE_WIDTH_MM and _LABEL_TAPE.search(text):
        return True
    return _WITH_A_CORD.match(text, amount.end) is not None and _LISTED_BEFORE.search(before) is not None


def _of_goods(text: str, amount: Amount, before: str) -> bool:
    """Say whether it is a cloth's weight, a puzzle's pieces, a notebook's sheets, what a rope or a rack bears, or stands behind an equals sign or the
    name of a slot."""
    if amount.unit == COUNT:
        word = amount.word.lower()
        if _NO_COUNT_BEHIND.search(before) or (word in _PIECES and _OF_PIECES.search(text)):
            return True
        return word in _SHEETS and _OF_SHEETS.search(text) is not None
    if amount.unit in {"pound", "kilogram"}:
        return _BEARING.search(text) is not None
    return amount.unit == "ounce" and amount.parts[0][0] < _CLOTH_BELOW and _GARMENT.search(text) is not None


def _in_a_model_number(text: str, amount: Amount, before: str) -> bool:
    """Say whether a letter right behind a long number ends a model's name, or the name goes on: "HP 2009v", "CBL-0082L", "523L-410B", "4L/4ML/5M"."""
    if not amount.word.isalpha() or len(amount.word) > 2:
        return False
    lettered = amount.unit in _LETTERED and amount.word.isupper() and text[amount.end - len(amount.word) - 1].isdigit()
    if lettered and (_NAME_GOES_ON.match(text, amount.end) or _OF_ANOTHER_NAME.search(before)):
        return True
    if amount.word in {"L", "V"} and text[amount.end - 2 : amount.end - 1].isdigit() and amount.unit in {"liter", "volt"} and _PRINTING.search(text):
        return True
    if amount.shape != "amount":
        return False
    digits = text[amount.start : amount.end - len(amount.word)]
    if _CODED.search(before) and digits.replace(".", "").isdigit():
        return True
    if len(amount.word) > 1 or amount.unit == "watt" or not digits.isdigit():
        return False
    if digits[0] == "0":
        return True
    value = amount.parts[0][0]
    if value < _NUMBERED_FROM:
        return False
    return value % 10 != 0 or (amount.unit == "volt" and value > _NUMBERED_FROM) or _MACHINE.search(text) is not None
