"""What users declared of themselves, and which interests they edited or hid."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select

from kg.catalog.records import InterestEdit
from kg.ledger.database import Database, last_number, take_number
from kg.ledger.tables import PROFILES, USERS, profile_edits, users

Attributes = Mapping[str, Sequence[str]]
_PART = 5_000


class UserStore:
    """Declared attributes and edits of a ledger.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, declared: Mapping[str, Attributes]) -> int:
        """Store what users declare, in place of what they declared before, and return the new revision.

        Args:
            declared: user_id → attribute → values.
        """
        with self._database.writing() as connection:
            first = take_number(connection, USERS, len(declared))
            received = time.time()
            for start in range(0, len(declared), 500):
                connection.execute(delete(users).where(users.c.user_id.in_([*declared][start : start + 500])))
            rows = [
                {"user_id": user_id, "attributes": {name: list(values) for name, values in attributes.items()}, "revision": n, "received_s": received}
                for n, (user_id, attributes) in enumerate(declared.items(), start=first)
            ]
            connection.execute(insert(users), rows)
            return first + len(rows) - 1

    def declared(self, user_id: str) -> Attributes:
        """Return what a user declared; nothing for an unknown one."""
        with self._database.reading() as connection:
            attributes = connection.execute(select(users.c.attributes).where(users.c.user_id == user_id)).scalar_one_or_none()
        return attributes or {}

    def all_declared(self) -> Iterator[tuple[str, Attributes]]:
        """Yield everybody's declared attributes, by user id."""
        last = ""
        while True:
            query = select(users.c.user_id, users.c.attributes).where(users.c.user_id > last).order_by(users.c.user_id).limit(_PART)
            with self._database.reading() as connection:
                part = connection.execute(query).all()
            if not part:
                return
            last = part[-1][0]
            yield from ((user_id, attributes) for user_id, attributes in part)

    def revision(self) -> int:
        """Return the number of the last declaration."""
        with self._database.reading() as connection:
            return last_number(connection, USERS)

    def edit(self, edits: Sequence[InterestEdit]) -> int:
        """Store edits of interests, in place of earlier ones of the same interest, and return the last one's number."""
        with self._database.writing() as connection:
            first = take_number(connection, PROFILES, len(edits))
            received = time.time()
            for n, edit in enumerate(edits, start=first):
                _replace(connection, edit, n, received)
            return first + len(edits) - 1

    def edits_after(self, revision: int) -> list[InterestEdit]:
        """Return everybody's edits after a number, in order; of an interest that was edited twice only the last."""
        columns = (profile_edits.c.user_id, profile_edits.c.relation, profile_edits.c.value, profile_edits.c.weight, profile_edits.c.revision)
        query = select(*columns).where(profile_edits.c.revision > revision).order_by(profile_edits.c.revision)
        with self._database.reading() as connection:
            return [InterestEdit(*row) for row in connection.execute(query)]


def _replace(connection: Connection, edit: InterestEdit, revision: int, received: float) -> None:
    key = (profile_edits.c.user_id == edit.user_id, profile_edits.c.relation == edit.relation, profile_edits.c.value == edit.value)
    connection.execute(delete(profile_edits).where(*key))
    row = {"user_id": edit.user_id, "relation": edit.relation, "value": edit.value, "weight": edit.weight, "revision": revision}
    connection.execute(insert(profile_edits), {**row, "received_s": received})
