"""When a canary is withdrawn or promoted, and how sure a difference is."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import chi2_contingency

from kg.canary.comparison import compared, due
from kg.canary.state import Canary

HOUR = 3600.0


def counted(lists: int, errors: int = 0, users: int = 0, bought: int = 0) -> dict[str, float]:
    return {"lists": lists, "errors": errors, "users": users, "users purchase": bought}


def judged(ours: dict[str, float], theirs: dict[str, float], *, promote_after_s: float | None = None, hours: float = 1.0) -> str:
    canary = Canary("20260102T000000-000002", "20260101T000000-000001", 0.1, 0.0, promote_after_s=promote_after_s)
    return due(canary, compared({"canary": ours, "control": theirs}), hours * HOUR)[0]


def test_errors_withdraw_it() -> None:
    assert judged(counted(95, 5), counted(100)) == "withdraw"
    # Four may be an accident; so many that the control group has them as well come from elsewhere.
    assert judged(counted(10, 4), counted(100)) == ""
    assert judged(counted(80, 20), counted(80, 20)) == ""
    assert judged(counted(990, 10), counted(1000)) == ""
    # It is withdrawn rather than promoted.
    assert judged(counted(500, 50), counted(500), promote_after_s=0.0) == "withdraw"


def test_the_reason_has_the_numbers() -> None:
    canary = Canary("20260102T000000-000002", "20260101T000000-000001", 0.1, 0.0)
    why = due(canary, compared({"canary": counted(95, 5), "control": counted(98, 2)}))[1]
    assert why == "5 of 100 requests failed (5.0%), 2.0% in the control group"


def test_time_promotes_it_where_that_was_asked_for() -> None:
    assert judged(counted(500), counted(500), hours=100) == ""
    assert judged(counted(500), counted(500), promote_after_s=2 * HOUR, hours=1.9) == ""
    assert judged(counted(500), counted(500), promote_after_s=2 * HOUR, hours=2.1) == "promote"
    # Hardly tried out.
    assert judged(counted(99), counted(500), promote_after_s=2 * HOUR, hours=50) == ""
    # The clock was moved back.
    assert judged(counted(500), counted(500), promote_after_s=2 * HOUR, hours=-5) == ""


def p_value(ours: tuple[int, int], theirs: tuple[int, int]) -> Any:
    arms = {arm: counted(100, users=users, bought=bought) for arm, (users, bought) in (("canary", ours), ("control", theirs))}
    return compared(arms)["p_values"]["purchase"]


def test_how_sure_a_difference_is() -> None:
    for ours, theirs in (((1000, 60), (1000, 40)), ((1000, 50), (1000, 50)), ((300, 10), (2000, 150))):
        table = [[did, n - did] for n, did in (ours, theirs)]
        assert p_value(ours, theirs) == pytest.approx(chi2_contingency(table, correction=False).pvalue, abs=1e-4)
    assert p_value((10, 3), (10, 1)) is None
    assert p_value((0, 0), (10, 1)) is None


def test_nothing_measured_is_no_difference() -> None:
    found = compared({})
    assert found["p_values"] == {}
    assert (found["canary"]["lists"], found["canary"]["mean_ms"], found["canary"]["p95_ms"]) == (0, None, None)
