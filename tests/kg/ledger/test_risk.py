"""Decisions about accounts: appended, the last one holds, bad ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.errors import InputError
from kg.ledger.database import Database
from kg.ledger.risk import DecisionStore
from kg.ledger.settings import LedgerConfig


def test_the_last_decision_holds_and_all_are_kept(tmp_path: Path) -> None:
    store = DecisionStore(Database.open(tmp_path / "ledger.db", LedgerConfig()))
    assert store.holding() == {}
    assert store.append("ann", "confirm", by="eve", note="twenty accounts, one address") == 1
    store.append("bob", "watch", by="eve")
    store.append("ann", "clear", by="max", note="a school")
    assert store.holding() == {"ann": "clear", "bob": "watch"}
    assert [(each.user_id, each.decision, each.decided_by) for each in store.history()] == [
        ("ann", "confirm", "eve"),
        ("bob", "watch", "eve"),
        ("ann", "clear", "max"),
    ]
    assert store.revision() == 3


@pytest.mark.parametrize(("user_id", "decision", "by"), [("ann", "block", "eve"), ("ann", "", "eve"), ("", "clear", "eve"), ("ann", "clear", "  ")])
def test_a_decision_without_sense_is_refused(tmp_path: Path, user_id: str, decision: str, by: str) -> None:
    store = DecisionStore(Database.open(tmp_path / "ledger.db", LedgerConfig()))
    with pytest.raises(InputError):
        store.append(user_id, decision, by=by)
    assert store.history() == []
