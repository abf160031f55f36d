"""The review queue: order, answers, and the gold they become."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from kg.errors import InputError, NotFoundError
from kg.extract.learned.data.gold import NOTHING
from kg.extract.learned.data.review import Mention, ReviewLog, chosen, mentions, read_answers
from kg.tables import ATTRIBUTE_COLUMNS, ITEM_COLUMNS

READ = [("1", "has_brand", "Acme", 0.95), ("2", "has_brand", "Red", 0.58), ("2", "has_color", "Red", 0.1), ("3", "has_brand", "Mug", 0.61)]
TITLES = {"1": "Acme mug", "2": "Red Acme mug", "3": "Mug", "4": "Mug"}


@pytest.fixture
def queue() -> list[Mention]:
    return waiting()


def waiting(answered: set[str] | None = None) -> list[Mention]:
    items = pl.DataFrame([{"item_id": key, "title": title, "categories": ["Mugs"]} for key, title in TITLES.items()], schema=dict(ITEM_COLUMNS))
    rows = [
        (
            item_id,
            relation,
            value,
            confidence,
            "title",
            TITLES[item_id].index(value),
            TITLES[item_id].index(value) + len(value),
            value,
            "learned",
            "1",
        )
        for item_id, relation, value, confidence in [*READ, ("4", *READ[3][1:])]
    ]
    return mentions(items, pl.DataFrame(rows, schema=dict(ATTRIBUTE_COLUMNS), orient="row"), 0.6, answered or set())


def test_the_least_certain_come_first_and_relations_take_turns(queue: list[Mention]) -> None:
    assert [(one.relation, one.title) for one in queue] == [
        ("has_brand", "Mug"),
        ("has_color", "Red Acme mug"),
        ("has_brand", "Red Acme mug"),
        ("has_brand", "Acme mug"),
    ]
    assert queue[0].n_items == 2
    assert queue[1].marked == "[Red] Acme mug"


def test_answers_become_gold_and_are_not_asked_again(queue: list[Mention], tmp_path: Path) -> None:
    log = ReviewLog(tmp_path / "review.jsonl")
    log.answer_all([(queue[0], "reject", ""), (queue[1], "accept", ""), (queue[2], "correct", "Acme")], by="ann")
    assert [one.title for one in waiting(log.answered())] == ["Acme mug"]
    assert ReviewLog(tmp_path / "review.jsonl").gold() == [
        {"input": "Mug", "category": "Mugs", "target_scores": {"has_brand": {NOTHING: 1}}},
        {"input": "Red Acme mug", "category": "Mugs", "target_scores": {"has_color": {"Red": 1}, "has_brand": {"Acme": 1}}},
    ]


def test_the_last_answer_holds(queue: list[Mention], tmp_path: Path) -> None:
    log = ReviewLog(tmp_path / "review.jsonl")
    log.answer_all([(queue[1], "accept", "")], by="ann")
    log.answer_all([(queue[1], "reject", "")], by="bob")
    assert log.gold()[0]["target_scores"] == {"has_color": {NOTHING: 1}}


def test_an_answer_outside_the_title_is_refused_and_nothing_is_kept(queue: list[Mention], tmp_path: Path) -> None:
    log = ReviewLog(tmp_path / "review.jsonl")
    with pytest.raises(InputError, match="does not stand in 'Mug'"):
        log.answer_all([(queue[1], "accept", ""), (queue[0], "correct", "Bowl")], by="ann")
    assert log.answered() == set()


def test_a_file_of_answers(queue: list[Mention], tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    lines = [{"id": queue[0].id, "answer": "accept"}, {"id": queue[1].id, "value": "Red"}, {"id": queue[2].id, "answer": "reject"}]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert read_answers(path, queue) == [(queue[0], "accept", ""), (queue[1], "correct", "Red"), (queue[2], "reject", "")]


@pytest.mark.parametrize(
    "line", ['{"answer": "accept"}', '{"id": "ID", "answer": "maybe"}', '{"id": "ID", "answer": "reject", "value": "Red"}', "[1]"]
)
def test_a_malformed_answer_names_its_line(line: str, queue: list[Mention], tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(f'{{"id": "{queue[1].id}", "answer": "accept"}}\n' + line.replace("ID", queue[0].id), encoding="utf-8")
    with pytest.raises(InputError, match=r"answers\.jsonl, line 2"):
        read_answers(path, queue)


def test_what_does_not_wait_cannot_be_answered(queue: list[Mention]) -> None:
    with pytest.raises(NotFoundError, match="no mention 'nope'"):
        chosen(queue, "nope")
