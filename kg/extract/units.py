"""Quantities as written → value in a base unit. "12 OZ" → "340 g", "1/2 GAL" → "1893 ml", "2 LTR" → "2000 ml", "6/12 OZ" → 6 of "340 g"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import pint

from kg.extract.lexicon import read_lines

BASE = {
    "has_weight": "gram",
    "has_volume": "milliliter",
    "has_length": "centimeter",
    "has_area": "meter ** 2",
    "has_power": "watt",
    "has_voltage": "volt",
    "has_battery_charge": "milliampere_hour",
    "has_frequency": "megahertz",
    "has_storage": "gigabyte",
    "has_screen_size": "inch",
}
"""Relation → the unit its values are stated in."""

_SHOWN = {
    "gram": "g", "milliliter": "ml", "centimeter": "cm", "meter ** 2": "m²", "watt": "W", "volt": "V", "milliampere_hour": "mAh", "megahertz": "MHz",
    "gigabyte": "GB", "inch": "in",
}  # fmt: skip
# What stands on labels as both: "1.7 fl oz (50 ml)" and "50 ml" are one size.
_NOMINAL_ML = (5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 120, 125, 150, 175, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000)
_NOMINAL_TOLERANCE = 0.015
_MAX_COUNT = 1000
_DENOMINATORS = {2, 3, 4, 8, 16, 32}
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+(?:[.,]\d+)?|\.\d+)"
_LAST = re.compile(
    rf"^(?:(?P<whole>{_NUMBER})[\s-]+)?(?:(?P<ratio>{_NUMBER})\s*(?P<op>[/&x×X*])\s*)?(?P<last>{_NUMBER})\s*-?\s*(?P<unit>[^\W\d_\"”″'][^\d]*|[\"”″']+)$"
)
_COUNTS = re.compile(rf"^{_NUMBER}(?:[^\W\d_]|[\s/&-])*?(?:{_NUMBER}(?:[^\W\d_]|[\s/&-])*)*$")
_COUNT_LAST = re.compile(rf"^(?:pack|packs|set|case|box|lot|bundle)\s+of\s+(?P<count>{_NUMBER})$", re.IGNORECASE)
_SPF = re.compile(r"\d{1,3}")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity as one fact.

    Attributes:
        relation: What it measures ("has_weight").
        value: Canonical text: number and base unit ("340 g").
        sure: Whether the text means this one; "12/18&15PK" names three sizes that the item may have.
    """

    relation: str
    value: str
    sure: bool = True


@lru_cache(maxsize=65_536)
def quantities(surface: str, relation: str) -> tuple[Quantity, ...]:
    """Read a matched text.

    An ounce is a fluid ounce where the relation is a volume: the rules decide by "fl", and otherwise by whether the text speaks of a liquid.
    "a/b unit" is a fraction where a < b and b is a usual denominator, otherwise a pack of a things of b units, as is "a x b unit".

    Args:
        surface: The text as written ("12 OZ").
        relation: What the pattern says it measures.

    Returns:
        One or more facts; none where the text is no quantity after all.

    >>> [fact.value for fact in quantities("6/12 OZ", "has_weight")]
    ['6 pack', '340 g']
    >>> [fact.value for text in ("1.7 fl oz", "50 ml") for fact in quantities(text, "has_volume")]
    ['50 ml', '50 ml']
    """
    return tuple(_quantities(surface.strip(), relation))


def _quantities(text: str, relation: str) -> list[Quantity]:
    if relation == "has_pack_size":
        return _packs(text)
    if relation == "has_spf":
        return [Quantity(relation, f"SPF {int(number)}") for number in _SPF.findall(text)[:1] if 2 <= int(number) <= 110]
    if relation == "has_dimensions":
        return _dimensions(text)
    match = _LAST.match(text)
    if match is None or relation not in BASE:
        return []
    packs, amount = _amount(match["whole"], match["ratio"], match["op"], _number(match["last"]))
    measured = _measured(amount, _unit(match["unit"]), relation)
    return [*packs, *measured] if measured else []


def _amount(whole: str | None, ratio: str | None, op: str | None, last: float) -> tuple[list[Quantity], float]:
    """Return the counts that stand before the amount, and the amount."""
    if ratio is None:
        return [], last
    before = _number(ratio)
    if op == "/" and before < last and last in _DENOMINATORS:
        return [], (_number(whole) if whole else 0.0) + before / last
    return _counted(before), last


def _packs(text: str) -> list[Quantity]:
    of = _COUNT_LAST.match(text)
    if of:
        return _counted(_number(of["count"]))
    if not _COUNTS.match(text):
        return []
    numbers = [_number(number) for number in re.findall(_NUMBER, text)]
    fraction = "/" in text and len(numbers) == 2 and numbers[0] < numbers[1] and numbers[1] in _DENOMINATORS
    if "dz" in text.lower() or "do" in text.lower():
        numbers = [12 * (numbers[0] / numbers[1] if fraction else number) for number in numbers[:1]]
    if len(numbers) == 2 and "&" not in text:
        # "6/12 CT": six boxes of twelve.
        return [Quantity(fact.relation, fact.value, sure=False) for number in numbers for fact in _counted(number)]
    return [Quantity(fact.relation, fact.value, sure=len(numbers) == 1) for number in numbers for fact in _counted(number)]


def _dimensions(text: str) -> list[Quantity]:
    numbers = re.findall(rf"({_NUMBER})\s*([^\W\d_]+\b|[\"”″']+)?", re.sub(r"(?<=[\d\s\"”″'])[xX×*](?=[\s\d.])", " × ", text))
    units = [_unit(unit) for _, unit in numbers]
    last = units[-1] if units else ""
    sides = []
    for (number, _), unit in zip(numbers, units, strict=True):
        factor = _factor(unit or last, "centimeter")
        if factor is None or not 0 < _number(number) * factor < 1e6:
            return []
        sides.append(_shown(_number(number) * factor))
    return [Quantity("has_dimensions", f"{' × '.join(sides)} cm")] if len(sides) in {2, 3} else []


def _measured(amount: float, unit: str, relation: str) -> list[Quantity]:
    base = BASE[relation]
    unit = "fluid_ounce" if relation == "has_volume" and unit == "ounce" else unit
    factor = _factor(unit, base)
    if factor is None or not 0 < amount * factor < 1e9:
        return []
    value = amount * factor
    if unit == "fluid_ounce":
        value = next((float(size) for size in _NOMINAL_ML if abs(value - size) <= _NOMINAL_TOLERANCE * size), value)
    return [Quantity(relation, f"{_shown(value)} {_SHOWN[base]}")]


def _counted(amount: float) -> list[Quantity]:
    # Larger numbers in front of CT and PK are article numbers that a cash register printed there.
    return [Quantity("has_pack_size", f"{int(amount)} pack")] if amount == int(amount) and 1 < amount <= _MAX_COUNT else []


@cache
def _unit(written: str) -> str:
    """Return the unit behind a written word: "lbs." → "pound", "sq ft" → "foot ** 2"."""
    words = written.replace(".", " ").split()
    if words and words[0].lower() in {"fl", "fluid"} and len(words) == 2:
        return "fluid_ounce"
    if len(words) == 2 and words[0].lower() in {"sq", "square"}:
        return f"{_unit(words[1])} ** 2"
    exact, folded = _words()
    word = " ".join(words) or written.strip()
    return exact.get(word) or folded.get(word.lower(), word.lower())


@cache
def _words() -> tuple[dict[str, str], dict[str, str]]:
    exact: dict[str, str] = {}
    folded: dict[str, str] = {"m²": "meter ** 2", "w": "watt", "v": "volt", "sq m": "meter ** 2"}
    for row in read_lines("units.jsonl"):
        (exact if row.get("case") else folded).update(dict.fromkeys(row["words"], str(row["unit"])))
    return exact, folded


@cache
def _factor(unit: str, base: str) -> float | None:
    if unit == base:
        # Most values are stated in their base unit already, and the registry takes a second to load.
        return 1.0
    registry = _registry()
    try:
        return float(registry.Quantity(1, unit).to(base).magnitude)
    except (pint.UndefinedUnitError, pint.DimensionalityError, pint.DefinitionSyntaxError, AssertionError, ValueError, TypeError, AttributeError):
        # pint parses units as expressions; what is none raises whatever its tokenizer raises.
        return None


@cache
def _registry() -> pint.UnitRegistry[float]:
    registry: pint.UnitRegistry[float] = pint.UnitRegistry()
    registry.define("half_kilogram = 500 gram")
    registry.define("milliampere_hour = milliampere * hour")
    return registry


def _number(text: str) -> float:
    """Read a number: "1,000" is a thousand, "0,5" a half."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+", text) and not text.startswith("0,"):
        return float(text.replace(",", ""))
    return float(text.replace(",", "."))


def _shown(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
