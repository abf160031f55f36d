from __future__ import annotations

from pathlib import Path

import pytest

from api.console.saved_queries import MAX_NAME, SavedQueries
from kg.errors import InputError, NotFoundError


def test_the_last_of_a_name_holds_and_nothing_is_overwritten(tmp_path: Path) -> None:
    saved = SavedQueries(tmp_path / "queries.jsonl")
    assert saved.all() == []
    saved.save("b", "RETURN 1", by="ann")
    saved.save("A", "RETURN 2", by="ann")
    saved.save("b", "RETURN 3", by="bob")
    assert [(query.name, query.text, query.by) for query in saved.all()] == [("A", "RETURN 2", "ann"), ("b", "RETURN 3", "bob")]
    saved.delete("b", by="ann")
    assert [query.name for query in SavedQueries(tmp_path / "queries.jsonl").all()] == ["A"]
    assert len((tmp_path / "queries.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize(("name", "text"), [("", "RETURN 1"), ("a", ""), ("x" * (MAX_NAME + 1), "RETURN 1"), ("a", "x" * 20_001)])
def test_what_cannot_be_saved_is_said(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(InputError):
        SavedQueries(tmp_path / "queries.jsonl").save(name, text, by="ann")
    with pytest.raises(NotFoundError):
        SavedQueries(tmp_path / "queries.jsonl").delete("none", by="ann")
