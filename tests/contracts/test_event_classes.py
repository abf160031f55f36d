"""An event has three classes: as it is received, as the ledger stores it, as arrays. A fourth would need a translation that somebody forgets."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECEIVED, STORED, ARRAYS = "Event", "StoredEvent", "Events"
WHOLE = {"user_id", "item_id", "kind", "time"}
ANSWERS = {"Answer", "TypedDict"}
"""Bases of what the API answers, and of the client's mirror of it."""


def is_event(node: ast.ClassDef) -> bool:
    """Say whether a class is one of an event: by its name, or because it says who, what, how and when."""
    if ANSWERS & {base.id for base in node.bases if isinstance(base, ast.Name)}:
        return False
    members = {part.target.id for part in node.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)}
    return (node.name.endswith(("Event", "Events")) and node.name not in COLLECTIONS) or members >= WHOLE


COLLECTIONS = {"RecentEvents"}
"""Holders of stored events."""


def classes(source: str) -> list[str]:
    return [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef) and is_event(node)]


def test_an_event_has_three_classes() -> None:
    found: dict[tuple[str, str], None] = {}
    for room in ("kg", "gnn", "etl", "api"):
        for path in sorted((ROOT / room).rglob("*.py")):
            found |= {(str(path.relative_to(ROOT)), name): None for name in classes(path.read_text(encoding="utf-8"))}
    assert sorted(name for _, name in found) == sorted([RECEIVED, STORED, ARRAYS]), sorted(found)
    assert {("kg/catalog/records.py", STORED), ("gnn/users/events.py", ARRAYS)} <= set(found)


def test_a_fourth_class_is_found() -> None:
    assert classes("class LateEvent:\n    pass") == ["LateEvent"]
    assert classes("class Row:\n    user_id: str\n    item_id: str\n    kind: str\n    time: float\n") == ["Row"]
    assert not classes("class EventOutcome(Answer):\n    event_id: str")
