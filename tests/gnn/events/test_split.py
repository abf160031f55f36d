from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from gnn.events.split import split_interactions
from gnn.events.timing import timing_of
from kg.tables import INTERACTION_COLUMNS

DAY = 86_400.0
START = 1.7e9


def events(rows: Sequence[tuple[str, str, float | None]], kind: str = "purchase") -> pl.DataFrame:
    return pl.DataFrame(
        [{"user_id": user, "item_id": item, "kind": kind, "time": time} for user, item, time in rows], schema=dict(INTERACTION_COLUMNS)
    )


rows = st.lists(
    st.tuples(st.sampled_from("uvwx"), st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(0, 30).map(lambda day: START + day * DAY))),
    min_size=1,
    max_size=40,
)


@given(rows=rows, method=st.sampled_from(["auto", "time", "last", "random"]), seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_and_row_order_does_not_matter(rows: list[tuple[str, str, float | None]], method: str, seed: int) -> None:
    frame = events(rows)
    split = split_interactions(frame, method=method, test_fraction=0.3, seed=seed)  # type: ignore[arg-type]  # drawn from the literal's values
    again = split_interactions(frame.reverse(), method=method, test_fraction=0.3, seed=seed)  # type: ignore[arg-type]
    assert_frame_equal(pl.concat([split.train, split.test]), frame, check_row_order=False)
    assert_frame_equal(split.test, again.test, check_row_order=False)
    both = pl.concat([split.new_items(), split.repeats()])
    assert_frame_equal(both, split.test.select("user_id", "item_id").unique(), check_row_order=False)


def test_split_by_time_has_one_boundary_for_all_users() -> None:
    frame = events([(f"u{n % 3}", f"i{n}", START + n * DAY) for n in range(20)])
    split = split_interactions(frame, test_fraction=0.1)
    assert split.method == "time"
    assert split.test["time"].min() == split.boundary
    assert split.train["time"].max() < split.boundary  # type: ignore[operator]  # a column of floats
    assert 2 <= split.test.height <= 3


def test_last_withholds_each_users_last_events() -> None:
    frame = events([(user, f"i{n}", float(n)) for user in "uv" for n in range(10)] + [("w", "i0", 0.0)])
    split = split_interactions(frame, method="last", test_fraction=0.2)
    assert split.test.sort("user_id", "time").rows() == frame.filter(pl.col("time") >= 8).sort("user_id", "time").rows()


def test_no_times_split_at_random_and_leave_everybody_a_history() -> None:
    frame = events([(user, f"i{n}", None) for user in "uv" for n in range(10)])
    split = split_interactions(frame, test_fraction=0.2, seed=1)
    assert split.method == "random"
    assert dict(split.test.group_by("user_id").len().rows()) == {"u": 2, "v": 2}
    assert not split.test.equals(split_interactions(frame, test_fraction=0.2, seed=2).test)


def test_all_events_at_one_moment_fall_back_to_random() -> None:
    frame = events([(user, f"i{n}", START) for user in "uv" for n in range(5)])
    split = split_interactions(frame)
    assert split.method == "random"
    assert split.train.height
    assert split.test.height


def test_new_items_are_those_not_met_before() -> None:
    frame = events([("u", "a", START), ("u", "b", START + DAY), ("u", "a", START + 9 * DAY), ("u", "c", START + 9 * DAY)])
    split = split_interactions(frame, method="time", test_fraction=0.5)
    assert split.new_items().rows() == [("u", "c")]
    assert split.repeats().rows() == [("u", "a")]


def test_views_are_no_success_where_there_are_purchases() -> None:
    frame = pl.concat([events([("u", "a", START), ("u", "b", START + 9 * DAY)]), events([("u", "c", START + 9 * DAY)], kind="view")])
    assert split_interactions(frame, method="time", test_fraction=0.5).new_items().rows() == [("u", "b")]


@pytest.mark.parametrize("first", [0, 1, 5_000], ids=["positions from 0", "positions from 1", "numbers of a whole shop"])
def test_order_numbers_leave_the_last_out(first: int) -> None:
    frame = events([(user, f"i{n}", float(first + n)) for user in "uv" for n in range(10)])
    split = split_interactions(frame)
    assert (split.method, split.why) == ("last", "the events of this shop have order numbers instead of times")
    assert sorted(split.test.select("user_id", "item_id").rows()) == [("u", "i9"), ("v", "i9")]


def test_one_number_for_all_events_is_no_order() -> None:
    split = split_interactions(events([(user, f"i{n}", 1.0) for user in "uv" for n in range(10)]))
    assert (split.method, split.why) == ("random", "the order numbers do not tell the events of a shopper apart")


def test_the_reason_of_each_split_is_given() -> None:
    dated = [("u", f"i{n}", START + n * DAY) for n in range(9)]
    assert split_interactions(events(dated)).why == "the events have times"
    assert split_interactions(events(dated), method="last").why == "as configured"
    assert split_interactions(events([("u", f"i{n}", None) for n in range(9)])).why == "the events of this shop have no times"
    assert split_interactions(events([*dated, *[("v", f"i{n}", None) for n in range(99)]])).why == "most events have no time"


@pytest.mark.parametrize(
    ("times", "timing"),
    [
        ([START], "clock"),
        ([7.0], "order"),
        ([None], "none"),
        ([], "none"),
        ([START, None, START, 3.0], "clock"),
        ([1.0, 2.0, START], "order"),
        ([0.0], "order"),
    ],
)
def test_timing(times: list[float | None], timing: str) -> None:
    series = pl.Series(times, dtype=pl.Float64)
    assert timing_of(series) == timing_of(series.fill_null(float("nan")).to_numpy()) == timing
