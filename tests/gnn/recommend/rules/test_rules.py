from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gnn.recommend.rules.definition import Rule, RuleBody, rule_of
from gnn.recommend.rules.kinds.base import Cap, Pin
from gnn.recommend.rules.reordering import capped, pinned


def rule(action: str = "exclude", **fields: Any) -> Rule:
    return Rule.model_validate({"rule_id": "r", "name": "R", "action": action, "items": ["1"], **fields})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"action": "boost"}, "factor"),
        ({"action": "boost", "factor": 0.5}, "above 1"),
        ({"action": "bury", "factor": 2}, "below 1"),
        ({"action": "exclude", "items": []}, "needs"),
        ({"action": "cap", "most": 2}, "`per`"),
        ({"action": "pin", "where": {"field": "title", "eq": "x"}}, "pin takes"),
        ({"starts": "2026-02-01T00:00:00Z", "ends": "2026-01-01T00:00:00Z"}, "ends"),
        ({"rule_id": "Not an id"}, "rule_id"),
        ({"segment": {"age": 3}}, "segment"),
        ({"factr": 2}, "factr"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        rule(**fields)


def test_a_rule_holds_in_its_window_only() -> None:
    chosen = rule(starts="2026-01-01T00:00:00+02:00", ends="2026-02-01T00:00:00")
    assert [chosen.holds_at(datetime(2025, 12, 31, hour, tzinfo=UTC)) for hour in (21, 22)] == [False, True]
    assert [chosen.holds_at(datetime(2026, *day, tzinfo=UTC)) for day in ((1, 31), (2, 1))] == [True, False]
    assert not rule(enabled=False).holds_at(datetime(2026, 1, 1, tzinfo=UTC))


def test_a_rule_survives_being_stored() -> None:
    body = RuleBody.model_validate({"name": "S", "action": "boost", "factor": 2, "categories": ["Tea"], "starts": "2026-01-01T00:00:00"})
    assert rule_of("s", body.model_dump(mode="json")) == rule_of("s", body)


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(12)), st.lists(st.tuples(st.integers(0, 14), st.integers(1, 14)), max_size=5))
def test_pins_stand_where_they_are_told_and_nobody_is_lost(order: list[int], wanted: list[tuple[int, int]]) -> None:
    pins = [Pin(rule("pin"), num, place, str) for num, place in wanted]
    result, held = pinned(order, pins)
    assert sorted(result) == sorted({*order, *(pin.num for pin in pins)})
    assert [num for num in result if num not in held] == [num for num in order if num not in held]
    for pin in held.values():
        # No pin stands before its place, and only because of other pins or the end of the list after it.
        place = result.index(pin.num) + 1
        assert place >= pin.position or place == len(result) or all(num in held for num in result[place:])
        assert all(num in held for num in result[pin.position - 1 : place - 1])


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(12)), st.dictionaries(st.integers(0, 11), st.sets(st.integers(0, 2), min_size=1)), st.integers(1, 3))
def test_a_cap_keeps_the_best_of_each_value(order: list[int], values: dict[int, set[int]], most: int) -> None:
    cap = Cap(rule("cap", per="has_brand", most=most), {num: tuple(found) for num, found in values.items()}, most)
    left, out = capped(order, [cap])
    counts = np.zeros(3, dtype=int)
    for num in order:
        full = any(counts[value] >= most for value in values.get(num, ()))
        assert (num in left) != full
        if not full:
            for value in values.get(num, ()):
                counts[value] += 1
    assert sorted([*left, *(num for found in out.values() for num in found)]) == sorted(order)
    assert left == [num for num in order if num in left]
