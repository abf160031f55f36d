"""The order of reasons, and which are listed."""

from __future__ import annotations

from gnn.explain.reasons import Limits, Reason, varied, worth_listing


def reasons(*parts: tuple[str, float]) -> list[Reason]:
    return [Reason("graph", share, relation, relation) for relation, share in parts]


def order(*parts: tuple[str, float]) -> list[str]:
    return [f"{reason.relation} {reason.share:g}" for reason in varied(reasons(*parts))]


def test_at_most_two_of_one_relation_stand_in_a_row() -> None:
    assert order(("a", 0.4), ("a", 0.3), ("a", 0.2), ("b", 0.1)) == ["a 0.4", "a 0.3", "b 0.1", "a 0.2"]
    assert order(("a", 0.4), ("b", 0.3), ("a", 0.2), ("a", 0.1)) == ["a 0.4", "b 0.3", "a 0.2", "a 0.1"]


def test_what_counts_against_an_item_is_not_brought_forward() -> None:
    assert order(("a", 0.5), ("a", 0.4), ("a", 0.3), ("b", -0.2)) == ["a 0.5", "a 0.4", "a 0.3", "b -0.2"]


def test_a_third_in_a_row_is_left_out_of_lists_and_stays_where_everything_is_asked_for() -> None:
    three = varied(reasons(("a", 0.5), ("a", 0.3), ("a", 0.15), ("b", 0.001)))
    assert worth_listing(three, Limits(3, 1, min_share=0.005, cut_runs=True)) == [True, True, False, False]
    assert worth_listing(three, Limits(3, 1)) == [True, True, True, False]
    assert worth_listing(three, Limits(100, 1)) == [True] * 4


def test_one_reason_is_listed_however_small_it_is() -> None:
    assert worth_listing(reasons(("a", 0.001), ("b", 0.0005)), Limits(3, 1, min_share=0.005)) == [True, False]
