"""A comparison for people says what the numbers say, and a page lets no text of a shop be read as HTML."""

from __future__ import annotations

from typing import Any

from etl.operation.diff_page import as_html, as_text

FOUND: dict[str, Any] = {
    "builds": ["20260101T000000-000001", "20260102T000000-000002"],
    "graph": {
        "nodes": {"Item": {"added": 1, "removed": 2, "changed": 3, "now": 1400}, "User": {"added": 0, "removed": 0, "changed": 0, "now": 9}},
        "edges": {"HAS_BRAND": {"added": 4, "removed": 0, "changed": 0, "now": 1400}},
    },
    "rows": {"items.csv": {"before": None, "after": 1400}},
    "metrics": {"ndcg@10": {"before": 0.25, "after": 0.26}},
    "gates": {"latency": {"before": None, "after": {"passed": False, "message": "slow", "accepted": {"by": "Ann"}}}},
    "lists": {
        "users": 10,
        "changed": 1,
        "churn": 0.1,
        "why": {"has_brand": 1.0},
        "most": [{"user_id": "<b>u1</b>", "churn": 0.5, "added": ["i1"], "removed": [], "why": {"has_brand": 1.0}}],
    },
}


def test_the_text() -> None:
    text = as_text(FOUND)
    assert text.startswith("20260101T000000-000001 → 20260102T000000-000002\n")
    rows = (
        "  Item   1      2        3        1,400",
        "  items.csv  –       1,400",
        "  ndcg@10  0.2500  0.2600",
        "accepted by Ann: slow",
        "has_brand 100%",
    )
    for line in rows:
        assert line in text
    assert "User" not in text.split("Users whose")[0]
    assert "Lists: 1 of 10 users; 10.0% of the items in lists are new" in text


def test_the_page() -> None:
    page = as_html(FOUND)
    assert "&lt;b&gt;u1&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "http" not in page
