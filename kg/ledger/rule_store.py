"""Business rules of a ledger: each is a document that `gnn.recommend.rules.definition` describes; here it is kept, numbered and found again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Double, String, Table, delete, insert, select, update

from kg.errors import LimitError, NotFoundError
from kg.ledger.database import Database, last_number, take_number
from kg.ledger.tables import METADATA, SEQ

RULES = "rules"
"""Name of their stream in `counters`."""
MAX_RULES = 1_000

rules = Table(
    "rules",
    METADATA,
    Column("rule_id", String(63), primary_key=True),
    Column("body", JSON, nullable=False),
    Column("revision", SEQ, nullable=False),
    Column("changed_s", Double, nullable=False),
)
"""One row per rule."""


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as it is kept.

    Attributes:
        rule_id: Its id.
        body: What `gnn.recommend.rules.definition.RuleBody` describes.
        revision: Number of its last change.
        changed_s: When that was, Unix seconds.
    """

    rule_id: str
    body: Mapping[str, Any]
    revision: int
    changed_s: float


class RuleStore:
    """The rules of a ledger.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rule_id: str, body: Mapping[str, Any]) -> bool:
        """Store a rule in place of an earlier one of this id, and say whether it is a new one.

        Raises:
            LimitError: There are as many rules as there may be.
        """
        with self._database.writing() as connection:
            row = {"body": dict(body), "revision": take_number(connection, RULES), "changed_s": time.time()}
            if connection.execute(update(rules).where(rules.c.rule_id == rule_id).values(**row)).rowcount:
                return False
            if len(connection.execute(select(rules.c.rule_id)).all()) >= MAX_RULES:
                raise LimitError(f"there are {MAX_RULES} rules", hint="delete some that have ended")
            connection.execute(insert(rules), {"rule_id": rule_id, **row})
            return True

    def delete(self, rule_id: str) -> None:
        """Delete a rule.

        Raises:
            NotFoundError: There is none of this id.
        """
        with self._database.writing() as connection:
            if not connection.execute(delete(rules).where(rules.c.rule_id == rule_id)).rowcount:
                raise NotFoundError(f"no rule has the id {rule_id!r}", hint="GET /v1/rules lists them")
            take_number(connection, RULES)

    def all(self) -> list[StoredRule]:
        """Return all rules, by id."""
        with self._database.reading() as connection:
            return [StoredRule(*row) for row in connection.execute(select(rules).order_by(rules.c.rule_id))]

    def revision(self) -> int:
        """Return the number of the last change."""
        with self._database.reading() as connection:
            return last_number(connection, RULES)
