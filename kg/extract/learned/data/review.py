"""The review queue: what a trained extractor is least certain of is shown to persons, and their answers become gold.

Answers are kept in `review.jsonl` of the workspace; of several answers to one question the last holds.

Source: uncertainty sampling, Lewis and Gale 1994, A sequential algorithm for training text classifiers, SIGIR.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from kg.errors import InputError, NotFoundError
from kg.extract.learned.data.distant import categories_of
from kg.extract.learned.data.gold import NOTHING, read_rows
from kg.files.journal import Journal, Record
from kg.timestamps import utc_text

MAX_TEXT = 1_000
Verdict = Literal["accept", "reject", "correct"]

_HINT = '{"id": "0a1b2c3d4e", "answer": "accept"}, "reject" where the title states no such value, or "value": "…" for the right one'


@dataclass(frozen=True, slots=True)
class Mention:
    """One reading that a person may judge.

    Attributes:
        id: Ten characters that name it: title, category and relation.
        title: The title.
        category: Category it was read with.
        relation: Attribute asked.
        value: As read.
        start: First character.
        end: After the last character.
        confidence: Of the reading.
        n_items: Items with this title.
    """

    id: str
    title: str
    category: str
    relation: str
    value: str
    start: int
    end: int
    confidence: float
    n_items: int

    @property
    def marked(self) -> str:
        """The title with the reading marked."""
        return f"{self.title[: self.start]}[{self.title[self.start : self.end]}]{self.title[self.end :]}"


def mentions(items: pl.DataFrame, facts: pl.DataFrame, threshold: float, answered: Collection[str] = ()) -> list[Mention]:
    """Return what to ask next: the readings nearest to the threshold first, spread over the relations.

    Args:
        items: Items (`kg.tables.items_table`).
        facts: What the model read, whatever the confidence (`kg.extract.learned.shop.learned_facts`).
        threshold: Confidence from which on a reading is taken for a fact.
        answered: Ids that have an answer.
    """
    titles = items.select("item_id", "title").with_columns(category=pl.Series(categories_of(items), dtype=pl.String))
    groups = (
        facts.join(titles, on="item_id")
        .group_by("title", "category", "relation")
        .agg(pl.col("surface", "start", "end", "confidence").sort_by("item_id").first(), pl.len().alias("n"))
    )
    result = [
        Mention(mention_id(title, category, relation), title, category, relation, surface, start, end, confidence, n)
        for title, category, relation, surface, start, end, confidence, n in groups.iter_rows()
    ]
    waiting = sorted((one for one in result if one.id not in set(answered)), key=lambda one: (abs(one.confidence - threshold), one.id))
    return _spread(waiting)


def _spread(ordered: list[Mention]) -> list[Mention]:
    """Take turns between the relations, so that one hard attribute does not fill the queue."""
    turn: dict[str, int] = {}
    rounds: list[tuple[int, int, Mention]] = []
    for position, mention in enumerate(ordered):
        turn[mention.relation] = turn.get(mention.relation, 0) + 1
        rounds.append((turn[mention.relation], position, mention))
    return [mention for _, _, mention in sorted(rounds, key=lambda row: row[:2])]


def mention_id(title: str, category: str, relation: str) -> str:
    """Return the id of a question."""
    return hashlib.sha256(f"{title}\0{category}\0{relation}".encode()).hexdigest()[:10]


class ReviewLog:
    """The answers of a workspace.

    Args:
        path: `review.jsonl`.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)

    def answer_all(self, given: Sequence[tuple[Mention, Verdict, str]], *, by: str) -> None:
        """Keep answers, durably, all or none.

        Args:
            given: (what was asked, verdict, the right value where it is corrected). "accept" the reading, "reject" it where the title states no such
                attribute, or "correct" it.
            by: Who answers.

        Raises:
            InputError: A value does not stand in its title, or a text is too long.
        """
        if len(by) > MAX_TEXT:
            raise InputError(f"by has {len(by)} characters", hint=f"{MAX_TEXT} is the limit")
        records = [_record(mention, verdict, value, by) for mention, verdict, value in given]
        self._journal.append(lambda _: records)

    def answered(self) -> set[str]:
        """Return the ids that have an answer."""
        return {str(record["id"]) for record in self._journal.records()}

    def gold(self) -> list[dict[str, Any]]:
        """Return the answers as gold lines."""
        return gold_of(self._journal.records())


def _record(mention: Mention, verdict: Verdict, value: str, by: str) -> Record:
    right = {"accept": mention.title[mention.start : mention.end], "reject": "", "correct": value.strip()}[verdict]
    if verdict == "correct" and (not right or right not in mention.title):
        raise InputError(f"{mention.id}: {value!r} does not stand in {mention.title!r}", hint="write the value exactly as the title does")
    at = utc_text()
    return {
        "id": mention.id,
        "title": mention.title,
        "category": mention.category,
        "relation": mention.relation,
        "value": right,
        "by": by,
        "time": at,
    }


def gold_of(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return answers as gold lines, one per title and category; the last answer to a question holds."""
    result: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    for record in records:
        scores = result.setdefault((str(record["title"]), str(record["category"])), {})
        scores[str(record["relation"])] = {str(record["value"]) or NOTHING: 1}
    return [{"input": title, "category": category, "target_scores": scores} for (title, category), scores in sorted(result.items())]


def chosen(queue: Iterable[Mention], wanted: str) -> Mention:
    """Return the mention that an id names.

    Raises:
        NotFoundError: The queue holds none of this id.
    """
    for mention in queue:
        if mention.id == wanted:
            return mention
    raise NotFoundError(f"no mention {wanted!r} waits for review", hint="`reckon extract review` lists them")


def read_answers(path: Path, queue: Iterable[Mention]) -> list[tuple[Mention, Verdict, str]]:
    """Read a file of answers, one JSON object a line.

    Raises:
        InputError: A line is malformed; names the line and what to write.
        NotFoundError: A line names no mention that waits.
    """
    known = {mention.id: mention for mention in queue}
    result: list[tuple[Mention, Verdict, str]] = []
    for where, row in read_rows(path):
        result.append(_answer(row, where, known))
    return result


def _answer(row: Mapping[str, Any], where: str, known: Mapping[str, Mention]) -> tuple[Mention, Verdict, str]:
    name, verdict, value = row.get("id"), row.get("answer"), row.get("value")
    if not isinstance(name, str):
        raise InputError(f"{where} names no mention", hint=_HINT)
    if name not in known:
        raise NotFoundError(f"{where}: no mention {name!r} waits for review", hint="`reckon extract review` lists them")
    if isinstance(value, str) and verdict in (None, "correct"):
        return known[name], "correct", value
    if value is None and verdict == "accept":
        return known[name], "accept", ""
    if value is None and verdict == "reject":
        return known[name], "reject", ""
    raise InputError(f"{where}: answer is {json.dumps(verdict)}, value {json.dumps(value)}", hint=_HINT)
