from __future__ import annotations

import pytest

from kg.errors import LimitError, NotFoundError
from kg.ledger import rule_store
from kg.ledger.database import Database
from kg.ledger.rule_store import RuleStore


def test_rules_are_kept_replaced_and_deleted_and_every_change_has_a_number(database: Database) -> None:
    store = RuleStore(database)
    assert (store.all(), store.revision()) == ([], 0)
    assert store.put("b", {"name": "B", "items": ["1", "ü"]})
    assert store.put("a", {"name": "A"})
    assert not store.put("b", {"name": "B2"})
    assert [(rule.rule_id, rule.body, rule.revision) for rule in store.all()] == [("a", {"name": "A"}, 2), ("b", {"name": "B2"}, 3)]
    store.delete("a")
    assert ([rule.rule_id for rule in store.all()], store.revision()) == (["b"], 4)
    with pytest.raises(NotFoundError):
        store.delete("a")
    assert store.revision() == 4


def test_the_number_of_rules_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_store, "MAX_RULES", 2)
    store = RuleStore(database)
    for rule_id in ("a", "b"):
        store.put(rule_id, {})
    with pytest.raises(LimitError):
        store.put("c", {})
    assert not store.put("b", {"name": "still replaceable"})
