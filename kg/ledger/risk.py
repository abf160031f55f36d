"""Decisions about suspected accounts: only ever appended, so that the log says who decided what when; the last one of an account holds."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Column, Double, Index, String, Table, insert, select

from kg.errors import InputError
from kg.ledger.database import Database, last_number, take_number
from kg.ledger.tables import METADATA, SEQ
from kg.validation.ids import MAX_ID_CHARS

RISK = "risk"
"""Name of their stream in `counters`."""
DECISIONS = ("confirm", "clear", "watch")

risk_decisions = Table(
    "risk_decisions",
    METADATA,
    Column("seq", SEQ, primary_key=True, autoincrement=False),
    Column("user_id", String(MAX_ID_CHARS), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("decided_by", String(200), nullable=False),
    Column("note", String(2000), nullable=False),
    Column("decided_s", Double, nullable=False),
    Index("risk_decisions_of_user", "user_id", "seq"),
)
"""One row per decision."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    Attributes:
        seq: Its number; later ones are higher.
        user_id: The account.
        decision: "confirm", "clear" or "watch".
        decided_by: Who decided.
        note: Why.
        decided_s: When, Unix seconds.
    """

    seq: int
    user_id: str
    decision: str
    decided_by: str
    note: str
    decided_s: float


class DecisionStore:
    """The decisions of a ledger.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, user_id: str, decision: str, *, by: str, note: str = "") -> int:
        """Store a decision and return its number.

        Raises:
            InputError: It is none of `DECISIONS`, nobody decides, or a text is empty or too long.
        """
        if decision not in DECISIONS:
            raise InputError(f"{decision[:60]!r} is not a decision", hint=f"decide {', '.join(DECISIONS)}")
        for name, value, most in (("account", user_id, MAX_ID_CHARS), ("name of who decides", by, 200)):
            if not 0 < len(value.strip()) <= most:
                raise InputError(f"the {name} has {len(value.strip())} characters", hint=f"give 1 to {most}")
        if len(note) > 2000:
            raise InputError(f"the note has {len(note)} characters", hint="give at most 2000")
        with self._database.writing() as connection:
            seq = take_number(connection, RISK)
            row = {"user_id": user_id, "decision": decision, "decided_by": by, "note": note}
            connection.execute(insert(risk_decisions), {"seq": seq, **row, "decided_s": time.time()})
            return seq

    def history(self) -> list[Decision]:
        """Return all decisions, in order."""
        with self._database.reading() as connection:
            return [Decision(*row) for row in connection.execute(select(risk_decisions).order_by(risk_decisions.c.seq))]

    def holding(self) -> dict[str, str]:
        """Return the last decision of each account."""
        return {each.user_id: each.decision for each in self.history()}

    def revision(self) -> int:
        """Return the number of the last decision."""
        with self._database.reading() as connection:
            return last_number(connection, RISK)
