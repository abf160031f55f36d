"""The order of a list under the pins and caps of business rules, and what the rules did to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gnn.graph.walks import FloatArray
from gnn.recommend.ranking import RankedItem
from gnn.recommend.rules.compiled import ActiveRules, Effect
from gnn.recommend.rules.definition import Rule
from gnn.recommend.rules.kinds.base import Cap, Pin, RuleEffect

IntArray = npt.NDArray[np.int64]


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
        full = next((n for n, cap in enumerate(caps) if any(counts[n].get(value, 0) >= cap.most for value in values[n])), None)
        if full is not None:
            out.setdefault(caps[full].rule.rule_id, []).append(num)
            continue
        left.append(num)
        for count, counted in zip(counts, values, strict=True):
            for value in counted:
                count[value] = count.get(value, 0) + 1
    return left, out


def pinned(order: Sequence[int], pins: Sequence[Pin]) -> tuple[list[int], dict[int, Pin]]:
    """Put pinned items at their positions; a position that another pin has gives the next one.

    Args:
        order: item_nums, best first, without those that are excluded.
        pins: What goes where; the first rule that pins an item decides.

    Returns:
        The order with the pins in it, and the pin of each item that has one.
    """
    first: dict[int, Pin] = {}
    for pin in pins:
        first.setdefault(pin.num, pin)
    by_position: dict[int, int] = {}
    for pin in sorted(first.values(), key=lambda pin: pin.position):
        position = pin.position
        while position in by_position:
            position += 1
        by_position[position] = pin.num
    rest = iter([num for num in order if num not in first])
    result: list[int] = []
    for position in range(1, len(order) + len(first) + 1):
        num = by_position.pop(position) if position in by_position else next(rest, None)
        if num is None:
            # The list is shorter than the positions that are asked for: what is left follows in order.
            result += [by_position[at] for at in sorted(by_position)]
            break
        result.append(num)
    return result, first


@dataclass
class RuleReordering:
    """The re-ranking of one list by caps and pins, and what came of it.

    Attributes:
        active: The rules that hold.
        pins: Their pins, where this kind of list has any.
        end: Rank of the list's last item.
        excluded: Says whether an item must not be shown.
        pinned: Pins of the list, by item_num.
        left_out: rule_id → items that a cap kept out of the list.
    """

    active: ActiveRules
    pins: Sequence[Pin]
    end: int
    excluded: Callable[[int], bool]
    pinned: dict[int, Pin] = field(default_factory=dict)
    left_out: dict[str, list[int]] = field(default_factory=dict)

    @property
    def applies(self) -> bool:
        """Whether any rule changes the order."""
        return bool(self.active.caps or self.pins)

    def __call__(self, order: IntArray, _: FloatArray) -> IntArray:
        """Return the order that the rules make."""
        nums = order.tolist()
        if self.active.caps:
            nums, out = capped(nums, self.active.caps)
            ranks = {num: rank for rank, num in enumerate(order.tolist())}
            # What a cap left out counts as far as the list would have reached without it.
            self.left_out = {rule_id: [num for num in items if ranks[num] < self.end] for rule_id, items in out.items()}
        nums, self.pinned = pinned(nums, [pin for pin in self.pins if not self.excluded(pin.num)])
        return np.asarray(nums, dtype=np.int64)

    def effects(self, ranked: Sequence[RankedItem], item_ids: Sequence[str]) -> tuple[Effect, ...]:
        """Return what each rule did to the list.

        Args:
            ranked: The items of the list.
            item_ids: Theirs.
        """
        effects = []
        for rule, effect in self.active.effects:
            nums, n_left_out = self._changed(rule, effect, ranked)
            if nums or n_left_out:
                shown = tuple(item_id for item_id, item in zip(item_ids, ranked, strict=True) if item.num in nums)
                effects.append(Effect(rule.rule_id, rule.name, rule.action, shown, n_left_out))
        return tuple(effects)

    def _changed(self, rule: Rule, effect: RuleEffect, ranked: Sequence[RankedItem]) -> tuple[set[int], int]:
        """Return the items whose score or position a rule changed, and how many it left out."""
        nums = {num for num, pin in self.pinned.items() if pin.rule is rule}
        if effect.adjustment is not None:
            nums |= {item.num for item in ranked if item.changes and item.num in effect.adjustment.items}
        return nums, len(self.left_out.get(rule.rule_id, ())) + (0 if effect.exclusion is None else len(effect.exclusion))
