"""Business rules over one build: which items they are about, for whom they hold now, and what they do to a list.

* exclude takes items out;
* boost and bury multiply scores: the difference is an addend of its own, so shares still add up to 1;
* cap leaves out what is beyond the most items of one value;
* pin puts items at places, unless they are barred: what is unavailable, excluded or already met stays out.

Nothing hides: an item whose score or place a rule changed has a reason that names the rule, and a list names the rules that took items out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from gnn.artifact import Artifact
from gnn.ranking import Adjustment, Bar
from gnn.rule import Rule, Segment
from gnn.shoppers import Shopper
from kg.errors import ReckonError

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Matching = Callable[[Mapping[str, object]], BoolArray]
"""From a filter to whether it takes each item, [n_items]."""


@dataclass(frozen=True, slots=True)
class Pin:
    """An item that a rule puts at a place."""

    rule: Rule
    num: int
    place: int


@dataclass(frozen=True, slots=True)
class Cap:
    """The values of items that a rule counts.

    Attributes:
        rule: The rule.
        values: For each item its values that count, by item_num; items without any are not limited.
    """

    rule: Rule
    values: Mapping[int, tuple[int, ...]] | ValuesOf


@dataclass(frozen=True, slots=True)
class ValuesOf:
    """Values of items, read from the edges of a build when they are asked for.

    Attributes:
        indptr: Of the edges item → value.
        indices: The same.
        counted: Values that count, or None for all.
        items: Items that count, [n_items], or None for all.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]
    counted: frozenset[int] | None
    items: BoolArray | None

    def get(self, num: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return the counted values of an item."""
        if num >= len(self.indptr) - 1 or (self.items is not None and not self.items[num]):
            return default
        found = self.indices[self.indptr[num] : self.indptr[num + 1]].tolist()
        return tuple(found if self.counted is None else (value for value in found if value in self.counted))


@dataclass(frozen=True, slots=True)
class Active:
    """The rules that hold for one shopper now.

    Attributes:
        bars: What they take out.
        adjustments: What they do to scores.
        pins: What they put at places.
        caps: What they limit.
    """

    bars: tuple[Bar, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    pins: tuple[Pin, ...] = ()
    caps: tuple[Cap, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.bars or self.adjustments or self.pins or self.caps)


NOTHING = Active()


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A rule with what it is about, by positions of the build.

    Attributes:
        rule: The rule.
        nums: Items it is about; of a pin in its order.
        met: Items of which a shopper of its segment has met one, [n_items], or None.
        cap: What it limits, if it is a cap.
    """

    rule: Rule
    nums: IntArray
    met: BoolArray | None
    cap: Cap | None


class Rules:
    """The rules of a shop, over one build.

    Args:
        rules: In the order in which they apply.
        artifact: The build.
        matching: What filters take.
    """

    def __init__(self, rules: Sequence[Rule], artifact: Artifact, matching: Matching) -> None:
        self._artifact, self._matching = artifact, matching
        self.rules = tuple(rules)
        self.problems: dict[str, str] = {}
        """Rules that this build cannot apply, with what is wrong: a filter that names a relation which it does not have."""
        self._compiled = [compiled for rule in rules if (compiled := self._tried(rule)) is not None]

    def active(self, shopper: Shopper, *, declared: Mapping[str, Sequence[str]] | None = None, now_s: float | None = None) -> Active:
        """Return the rules that hold for a shopper.

        Args:
            shopper: Who asks.
            declared: What the shopper declared: attribute → values.
            now_s: Unix seconds; the present when left out.
        """
        if not self._compiled:
            return NOTHING
        now = datetime.fromtimestamp(time.time() if now_s is None else now_s, UTC)
        found = [each for each in self._compiled if each.rule.holds_at(now) and _is_of(each.rule.segment, each.met, shopper, declared or {})]
        return Active(
            tuple(Bar(f"excluded by the rule ‘{each.rule.name}’", each.nums) for each in found if each.rule.action == "exclude"),
            tuple(_adjustment(each) for each in found if each.rule.action in ("boost", "bury")),
            tuple(
                Pin(each.rule, num, each.rule.place + n) for each in found if each.rule.action == "pin" for n, num in enumerate(each.nums.tolist())
            ),
            tuple(each.cap for each in found if each.cap is not None),
        )

    def _tried(self, rule: Rule) -> _Compiled | None:
        try:
            return self._compile(rule)
        except ReckonError as error:
            self.problems[rule.rule_id] = error.message
            return None

    def _compile(self, rule: Rule) -> _Compiled:
        segment = rule.segment
        met: BoolArray | None = None
        if segment is not None and (segment.met is not None or segment.met_items):
            met = np.zeros(self._artifact.n_items, dtype=bool) if segment.met is None else self._matching(segment.met).copy()
            met[self._nums(segment.met_items)] = True
        cap = self._cap(rule) if rule.action == "cap" else None
        nums = self._nums(rule.items) if rule.action == "pin" else np.flatnonzero(self._selected(rule))
        return _Compiled(rule, nums.astype(np.int64), met, cap)

    def _selected(self, rule: Rule) -> BoolArray:
        """Return which items a rule is about; all, for a rule that names none."""
        chosen = np.ones(self._artifact.n_items, dtype=bool)
        narrowed = False
        for relation, values in (("has_category", rule.categories), ("has_brand", rule.brands)):
            if values:
                chosen &= self._with_value(relation, values)
                narrowed = True
        if rule.where is not None:
            chosen &= self._matching(rule.where)
            narrowed = True
        if rule.items:
            chosen = chosen if narrowed else np.zeros(self._artifact.n_items, dtype=bool)
            chosen[self._nums(rule.items)] = True
        return chosen

    def _cap(self, rule: Rule) -> Cap:
        edge_type = next((each for each in self._artifact.edges if each[1] == rule.per), None)
        if edge_type is None:
            return Cap(rule, {})
        edges = self._artifact.edges[edge_type].forward
        named = rule.brands if rule.per == "has_brand" else rule.categories
        counted = frozenset(self._value_nums(edge_type[2], named)) if named else None
        others = rule.model_copy(update={"brands" if rule.per == "has_brand" else "categories": ()})
        narrowed = bool(others.items or others.categories or others.brands or others.where is not None)
        return Cap(rule, ValuesOf(edges.indptr, edges.indices, counted, self._selected(others) if narrowed else None))

    def _with_value(self, relation: str, values: Sequence[str]) -> BoolArray:
        chosen = np.zeros(self._artifact.n_items, dtype=bool)
        for edge_type, edges in self._artifact.edges.items():
            if edge_type[1] == relation:
                for value in self._value_nums(edge_type[2], values):
                    chosen[edges.reverse.indices[edges.reverse.indptr[value] : edges.reverse.indptr[value + 1]]] = True
        return chosen

    def _value_nums(self, node_type: str, values: Sequence[str]) -> list[int]:
        """Return the numbers of values, written as the graph has them or in other letter case; what the build lacks has none."""
        wanted = {value.casefold() for value in values}
        return [n for n, key in enumerate(self._artifact.node_keys.get(node_type, ())) if key.casefold() in wanted]

    def _nums(self, item_ids: Sequence[str]) -> IntArray:
        """Return the positions of items; those that the build lacks have none."""
        known = self._artifact.item_nums
        return np.asarray([known[item_id] for item_id in item_ids if item_id in known], dtype=np.int64)


def _adjustment(each: _Compiled) -> Adjustment:
    factor = each.rule.factor or 1.0
    verb = "Raised" if factor > 1 else "Lowered"
    sentence = f"{verb} by the shop's rule ‘{each.rule.name}’ (× {factor:g})"
    return Adjustment("rule", each.nums, np.full(len(each.nums), factor), [sentence] * len(each.nums))


def _is_of(segment: Segment | None, met: BoolArray | None, shopper: Shopper, declared: Mapping[str, Sequence[str]]) -> bool:
    if segment is None:
        return True
    if segment.history != "any" and (len(shopper.history.nums) > 0) != (segment.history == "some"):
        return False
    if met is not None:
        items = shopper.events.met()
        if not met[items[items < len(met)]].any():
            return False
    return all(set(declared.get(name, ())) & set(values) for name, values in segment.attributes.items())


def capped(order: Sequence[int], caps: Sequence[Cap]) -> tuple[list[int], dict[str, list[int]]]:
    """Leave out what is beyond the caps.

    Args:
        order: item_nums, best first.
        caps: What limits them.

    Returns:
        What is left, and rule_id → what it took out.
    """
    counts: list[dict[int, int]] = [{} for _ in caps]
    left: list[int] = []
    out: dict[str, list[int]] = {}
    for num in order:
        values = [cap.values.get(num, ()) for cap in caps]
        full = next((n for n, cap in enumerate(caps) if any(counts[n].get(value, 0) >= (cap.rule.most or 0) for value in values[n])), None)
        if full is not None:
            out.setdefault(caps[full].rule.rule_id, []).append(num)
            continue
        left.append(num)
        for count, found in zip(counts, values, strict=True):
            for value in found:
                count[value] = count.get(value, 0) + 1
    return left, out


def pinned(order: Sequence[int], pins: Sequence[Pin]) -> tuple[list[int], dict[int, Pin]]:
    """Put pinned items at their places; a place that is taken gives the next one.

    Args:
        order: item_nums, best first, without those that are barred.
        pins: What goes where; the first rule that pins an item decides.

    Returns:
        The order with the pins in it, and which pin holds each of them.
    """
    first: dict[int, Pin] = {}
    for pin in pins:
        first.setdefault(pin.num, pin)
    by_place: dict[int, int] = {}
    for pin in sorted(first.values(), key=lambda pin: pin.place):
        place = pin.place
        while place in by_place:
            place += 1
        by_place[place] = pin.num
    rest = iter([num for num in order if num not in first])
    result: list[int] = []
    for place in range(1, len(order) + len(first) + 1):
        num = by_place.pop(place) if place in by_place else next(rest, None)
        if num is None:
            # The list is shorter than the places that are asked for: what is left follows in order.
            result += [by_place[at] for at in sorted(by_place)]
            break
        result.append(num)
    return result, first
