"""What changes of items say of their standing, against all changes read one after another."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from api.serving.availability import AvailabilityLog, Waiting
from kg.catalog.records import ItemChange, Operation

CHANGES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "patch", "delete"]), st.sampled_from([{}, {"available": True}, {"available": False}])),
    max_size=30,
)


@given(CHANGES, st.integers(0, 30), st.integers(0, 30))
def test_the_last_that_says_so_holds(rows: list[tuple[str, Operation, dict[str, bool]]], forgotten: int, after: int) -> None:
    standing = AvailabilityLog()
    available: dict[str, bool] = {}
    deleted: dict[str, bool] = {}
    for seq, (item_id, operation, fields) in enumerate(rows, start=1):
        standing.add(ItemChange(seq, item_id, operation, fields, 0.0))
        if seq <= max(after, forgotten):
            continue
        if operation != "patch":
            deleted[item_id] = operation == "delete"
        if operation == "put" or (operation == "patch" and "available" in fields):
            available[item_id] = fields.get("available", True)
    standing.forget(forgotten)
    assert standing.after(after) == (available, {item_id for item_id, gone in deleted.items() if gone})
    assert len(standing) <= 6


def since_s(waiting: Waiting) -> float | None:
    return waiting.since_s


def test_the_oldest_that_waits_is_known_without_holding_all() -> None:
    waiting = Waiting()
    for seq in range(1, 10_001):
        waiting.add(ItemChange(seq, "a", "patch", {}, 1000 + seq / 1000))
    assert since_s(waiting) == 1000.001
    waiting.done(5_000)
    oldest = since_s(waiting)
    assert oldest is not None
    assert abs(oldest - 1005.001) <= 0.1
    assert len(waiting._since) <= 100
    waiting.done(10_000)
    assert since_s(waiting) is None
    waiting.add(ItemChange(9_999, "a", "patch", {}, 1009.999))
    assert since_s(waiting) is None
