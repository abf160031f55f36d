"""Business rules over one build: which items they are about, for whom they hold now, and what they do to a list.

* exclude takes items out;
* boost and bury multiply scores: the difference is an addend of its own, so shares still add up to 1;
* cap leaves out what is beyond the most items of one value;
* pin puts items at places, unless they are barred: what is unavailable, excluded or already met stays out.

Nothing hides: an item whose score or place a rule changed has a reason that names the rule, and a list names the rules that took items out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.explain.messages.message import Quoted, plain, say
from gnn.graph.walks import FloatArray
from gnn.recommend.ranking import Adjustment, Exclusion, RankedItem
from gnn.recommend.rules.definition import Rule
from gnn.users.users import User
from kg.errors import ReckonError

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Matching = Callable[[Mapping[str, object]], BoolArray]
"""From a filter to whether it takes each item, [n_items]."""
Declared = Callable[[str], Mapping[str, Sequence[str]]]


def nothing_declared(_: str) -> Mapping[str, Sequence[str]]:
    """Return what a user declared where nothing is known of that: nothing."""
    return {}


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
        rules: All of them.
        bars: What they take out.
        adjustments: What they do to scores.
        pins: What they put at places.
        caps: What they limit.
    """

    rules: tuple[Rule, ...] = ()
    bars: tuple[tuple[Rule, Exclusion], ...] = ()
    adjustments: tuple[tuple[Rule, Adjustment], ...] = ()
    pins: tuple[Pin, ...] = ()
    caps: tuple[Cap, ...] = ()


NOTHING = Active()


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule did to one list.

    Attributes:
        rule_id: Which rule.
        name: What it is called.
        action: What it does.
        items: Items of the list whose score or place it changed.
        n_left_out: Items it kept out: for an exclusion all it takes out of the shop, for a cap those that would have stood before the list's end.
    """

    rule_id: str
    name: str
    action: str
    items: tuple[str, ...] = ()
    n_left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A rule with what it is about, by positions of the build.

    Attributes:
        rule: The rule.
        nums: Items it is about; of a pin in its order.
        met: Items of which a shopper of its segment has met one, [n_items], or None.
        bar: What it takes out, if it excludes.
        adjustment: What it does to scores, if it boosts or buries.
        cap: What it limits, if it is a cap.
    """

    rule: Rule
    nums: IntArray
    met: BoolArray | None
    bar: Exclusion | None
    adjustment: Adjustment | None
    cap: Cap | None


class Rules:
    """The rules of a shop, over one build.

    Args:
        rules: In the order in which they apply.
        artifact: The build.
        matching: What filters take.
        declared: user_id → what the user declared, attribute → values; asked only for rules whose segment needs it.
    """

    def __init__(self, rules: Sequence[Rule], artifact: Artifact, matching: Matching, declared: Declared = nothing_declared) -> None:
        self._artifact, self._matching, self._declared = artifact, matching, declared
        self.rules = tuple(rules)
        self.problems: dict[str, str] = {}
        """Rules that this build cannot apply, with what is wrong: a filter that names a relation which it does not have."""
        self._compiled = [compiled for rule in rules if (compiled := self._tried(rule)) is not None]

    def moment(self) -> Hashable:
        """Return what stands for these rules at this moment: while it stays equal, they do the same to the same shopper."""
        if any(each.rule.segment is not None and each.rule.segment.attributes for each in self._compiled):
            # What shoppers declare may change at any time.
            return object()
        now = datetime.fromtimestamp(time.time(), UTC)
        return tuple(each.rule.holds_at(now) for each in self._compiled)

    def active(self, shopper: User, *, now_s: float | None = None) -> Active:
        """Return the rules that hold for a shopper.

        Args:
            shopper: Who asks.
            now_s: Unix seconds; the present when left out.
        """
        if not self._compiled:
            return NOTHING
        now = datetime.fromtimestamp(time.time() if now_s is None else now_s, UTC)
        found = [each for each in self._compiled if each.rule.holds_at(now) and self._is_of(each, shopper)]
        pins = [Pin(each.rule, num, each.rule.place + n) for each in found if each.rule.action == "pin" for n, num in enumerate(each.nums.tolist())]
        return Active(
            tuple(each.rule for each in found),
            tuple((each.rule, each.bar) for each in found if each.bar is not None),
            tuple((each.rule, each.adjustment) for each in found if each.adjustment is not None),
            tuple(pins),
            tuple(each.cap for each in found if each.cap is not None),
        )

    def _is_of(self, each: _Compiled, shopper: User) -> bool:
        segment = each.rule.segment
        if segment is None:
            return True
        if segment.history != "any" and (len(shopper.history.nums) > 0) != (segment.history == "some"):
            return False
        if each.met is not None:
            items = shopper.events.met()
            if not each.met[items[items < len(each.met)]].any():
                return False
        if not segment.attributes:
            return True
        declared = {} if shopper.user_id is None else self._declared(shopper.user_id)
        return all(set(declared.get(name, ())) & set(values) for name, values in segment.attributes.items())

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
        nums = self._nums(rule.items) if rule.action == "pin" else np.flatnonzero(self._selected(rule)).astype(np.int64)
        bar = Exclusion(f"excluded by the shop's rule ‘{rule.name}’", nums) if rule.action == "exclude" else None
        adjustment = _adjustment(rule, nums) if rule.action in ("boost", "bury") else None
        return _Compiled(rule, nums, met, bar, adjustment, cap)

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


def _adjustment(rule: Rule, nums: IntArray) -> Adjustment:
    factor = rule.factor or 1.0
    message = say("rule.raised" if factor > 1 else "rule.lowered", rule=Quoted(rule.name), factor=plain(factor))
    return Adjustment("rule", nums, np.full(len(nums), factor), [message] * len(nums))


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


@dataclass
class Order:
    """The re-ranking of one list by caps and pins, and what came of it.

    Attributes:
        active: The rules that hold.
        end: Place of the list's last item.
        may_stand: Says whether an item may be shown.
        held: Pins of the list, by item_num.
        left_out: rule_id → items that a cap kept out of the list.
    """

    active: Active
    end: int
    may_stand: Callable[[int], bool]
    held: dict[int, Pin] = field(default_factory=dict)
    left_out: dict[str, list[int]] = field(default_factory=dict)

    def __call__(self, order: IntArray, _: FloatArray) -> IntArray:
        """Return the order that the rules make."""
        nums = order.tolist()
        if self.active.caps:
            nums, out = capped(nums, self.active.caps)
            places = {num: place for place, num in enumerate(order.tolist())}
            # What a cap left out counts as far as the list would have reached without it.
            self.left_out = {rule_id: [num for num in found if places[num] < self.end] for rule_id, found in out.items()}
        pins = [pin for pin in self.active.pins if self.may_stand(pin.num)]
        nums, self.held = pinned(nums, pins)
        return np.asarray(nums, dtype=np.int64)

    def effects(self, places: Sequence[RankedItem], item_ids: Sequence[str]) -> tuple[Effect, ...]:
        """Return what each rule did to the list.

        Args:
            places: The list.
            item_ids: Theirs.
        """
        found = []
        for rule in self.active.rules:
            nums, n_left_out = self._touched(rule, places)
            if nums or n_left_out:
                shown = tuple(item_id for item_id, place in zip(item_ids, places, strict=True) if place.num in nums)
                found.append(Effect(rule.rule_id, rule.name, rule.action, shown, n_left_out))
        return tuple(found)

    def _touched(self, rule: Rule, places: Sequence[RankedItem]) -> tuple[set[int], int]:
        if rule.action == "exclude":
            return set(), sum(len(bar.items) for each, bar in self.active.bars if each is rule)
        if rule.action == "cap":
            return set(), len(self.left_out.get(rule.rule_id, ()))
        if rule.action == "pin":
            return {num for num, pin in self.held.items() if pin.rule is rule}, 0
        return {place.num for each, made in self.active.adjustments if each is rule for place in places if place.moved and place.num in made.items}, 0
