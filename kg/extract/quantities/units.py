"""Quantities as written → value in a base unit. "12 OZ" → "340 g", "1/2 GAL" → "1893 ml", "2 LTR" → "2000 ml", "6/12 OZ" → 6 of "340 g".

The value in the base unit says which quantities are equal; `shown` says how it was written, in a tidy form, and is what a person reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import pint

from kg.extract.quantities.amounts import COUNT, DOZEN, Amount
from kg.extract.quantities.roles import own_amounts

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
    "has_memory": "gigabyte",
    "has_screen_size": "inch",
    "has_dose": "milligram",
}
"""Relation → the unit its values are stated in."""

WRITTEN = frozenset({*BASE, "has_dimensions"})
"""Relations whose values are shown as written."""

_SHOWN = {
    "gram": "g", "kilogram": "kg", "milligram": "mg", "microgram": "mcg", "pound": "lb", "ounce": "oz", "half_kilogram": "斤",
    "milliliter": "ml", "centiliter": "cl", "deciliter": "dl", "liter": "l", "gallon": "gal", "quart": "qt", "pint": "pt", "fluid_ounce": "fl oz",
    "centimeter": "cm", "millimeter": "mm", "meter": "m", "foot": "ft", "yard": "yd", "inch": "in",
    "meter ** 2": "m²", "foot ** 2": "sq ft", "inch ** 2": "sq in", "yard ** 2": "sq yd", "centimeter ** 2": "cm²",
    "watt": "W", "kilowatt": "kW", "volt": "V", "milliampere_hour": "mAh", "ampere_hour": "Ah",
    "kilohertz": "kHz", "megahertz": "MHz", "gigahertz": "GHz",
    "megabyte": "MB", "gigabyte": "GB", "terabyte": "TB", "international_unit": "IU",
}  # fmt: skip
# What stands on labels as both: "1.7 fl oz (50 ml)" and "50 ml" are one size.
_NOMINAL_ML = (5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 120, 125, 150, 175, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000)
_NOMINAL_TOLERANCE = 0.015
_MAX_COUNT = 1000
_MAX_SPF = 110
_LARGEST_SIDE = 1e6


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity as one fact.

    Attributes:
        relation: What it measures ("has_weight").
        value: Canonical text: number and base unit ("340 g").
        sure: Whether the text means this one; "12/18&15PK" names three sizes that the item may have.
        shown: As written, in a tidy form ("12 oz"); the value where nothing else is.
    """

    relation: str
    value: str
    sure: bool = True
    shown: str = ""


@lru_cache(maxsize=65_536)
def quantities(surface: str, relation: str) -> tuple[Quantity, ...]:
    """Read a text that is one quantity.

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
    result = own_amounts(surface)
    return stated(result[0], relation) if len(result) == 1 else ()


@lru_cache(maxsize=65_536)
def stated(amount: Amount, relation: str) -> tuple[Quantity, ...]:
    """Return what an amount states in a relation: one fact, or more where it names a pack too.

    Args:
        amount: A quantity of a text.
        relation: What it measures, as its unit's senses say.
    """
    value = amount.parts[0][0]
    if relation == "has_pack_size":
        return tuple(one for count in (value, *amount.several) for one in _counted(count * (12 if amount.unit == DOZEN else 1), not amount.several))
    if relation == "has_spf":
        return (Quantity(relation, f"SPF {int(value)}", shown=f"SPF {int(value)}"),) if 2 <= value <= _MAX_SPF else ()
    if relation == "has_thread":
        return (Quantity(relation, f"M{value:g}", shown=f"M{value:g}"),)
    if relation == "has_dimensions":
        return _dimensions(amount) if amount.shape == "dimensions" else ()
    if relation not in BASE:
        return ()
    measured = _measured(amount, relation)
    packs = _counted(amount.packs) if amount.packs is not None else ()
    return (*packs, *measured) if measured else ()


def tidy(surfaces: Iterable[tuple[str, int]], relation: str, value: str) -> str:
    """Return how a value is shown: as most of those that state it wrote it.

    Args:
        surfaces: (text as written, how often).
        relation: The relation.
        value: The value in its base unit.

    >>> tidy([("0.7mm", 3), ("0.7 MM", 1)], "has_length", "0.07 cm")
    '0.7 mm'
    """
    counts: Counter[str] = Counter()
    for surface, n in surfaces:
        for fact in quantities(surface, relation):
            if fact.relation == relation and fact.value == value and fact.shown:
                counts[fact.shown] += n
    return min(counts, key=lambda shown: (-counts[shown], len(shown), shown)) if counts else value


def _dimensions(amount: Amount) -> tuple[Quantity, ...]:
    sides = []
    for side, unit in amount.parts:
        factor = _factor(unit, "centimeter")
        if factor is None or not 0 < side * factor < _LARGEST_SIDE:
            return ()
        sides.append(_rounded(side * factor))
    units = {unit for _, unit in amount.parts}
    if len(units) == 1:
        shown = " × ".join(_plain(side) for side, _ in amount.parts) + f" {_SHOWN[amount.unit]}"
    else:
        shown = " × ".join(f"{_plain(side)} {_SHOWN[unit]}" for side, unit in amount.parts)
    return (Quantity("has_dimensions", f"{' × '.join(sides)} cm", shown=shown),)


def _measured(amount: Amount, relation: str) -> tuple[Quantity, ...]:
    base = BASE[relation]
    total = 0.0
    for value, unit in amount.parts:
        fluid = "fluid_ounce" if relation == "has_volume" and unit == "ounce" else unit
        gigs = "gigabyte" if relation == "has_storage" and unit == "gram" else fluid
        factor = _factor(gigs, base)
        if factor is None:
            return _units(amount) if relation == "has_dose" and unit == "international_unit" else ()
        total += value * factor
    if not 0 < total < 1e9:
        return ()
    if any(unit in {"fluid_ounce", "ounce"} for _, unit in amount.parts) and relation == "has_volume":
        total = next((float(size) for size in _NOMINAL_ML if abs(total - size) <= _NOMINAL_TOLERANCE * size), total)
    shown = "GB" if relation == "has_storage" and amount.unit == "gram" else ""
    text = " ".join(f"{_plain(value)} {shown or _SHOWN[unit]}" for value, unit in amount.parts if value)
    return (Quantity(relation, f"{_rounded(total)} {_SHOWN[base]}", shown=text),)


def _units(amount: Amount) -> tuple[Quantity, ...]:
    text = f"{_plain(amount.parts[0][0])} IU"
    return (Quantity("has_dose", text, shown=text),)


def _counted(amount: float, sure: bool = True) -> tuple[Quantity, ...]:
    # Larger numbers in front of CT and PK are article numbers that a cash register printed there.
    return (Quantity("has_pack_size", f"{int(amount)} pack", sure),) if amount == int(amount) and 1 < amount <= _MAX_COUNT else ()


@cache
def _factor(unit: str, base: str) -> float | None:
    if unit == base:
        # Most values are stated in their base unit already, and the registry takes a second to load.
        return 1.0
    if unit in {COUNT, DOZEN, "thread", "spf", "international_unit"}:
        return None
    registry = _registry()
    try:
        return float(registry.Quantity(1, unit).to(base).magnitude)
    except (pint.UndefinedUnitError, pint.DimensionalityError):
        return None


@cache
def _registry() -> pint.UnitRegistry[float]:
    registry: pint.UnitRegistry[float] = pint.UnitRegistry()
    registry.define("half_kilogram = 500 gram")
    registry.define("milliampere_hour = milliampere * hour")
    registry.define("ampere_hour = ampere * hour")
    return registry


def _rounded(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _plain(value: float) -> str:
    """Return a number as it is read: no trailing zeros, at most three decimals, fractions of an inch as decimals."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if value < 1e6 else f"{value:.0f}"
