"""Read-only Cypher for people.

Three locks, because the two databases differ in what they enforce: the text may hold no writing clause and call nothing that is not known to
be harmless (`kg.store.read_only`); the database's own plan of it may hold no writing step; and it runs in a READ transaction that is rolled back
whatever happens, under a time limit and a row limit. What nobody waits for any more is terminated: the embedded database does not do it by itself.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import neo4j
from neo4j.exceptions import DatabaseError
from neo4j.graph import Node, Path, Relationship

from kg.errors import GraphUnavailableError, LimitError, QueryError, QueryRefusedError, ReckonError
from kg.store.bolt import BoltSession, translated
from kg.store.read_only import check_text

_WRITING_STEP = re.compile(r"^\W*(SET|CREATE|MERGE|DELETE|DETACH|REMOVE|FOREACH|LOAD|DROP)\b", re.MULTILINE)
_UNKNOWN = re.compile(r"Unknown (?:procedure|function|procedure/function):? ['`]?([\w.]+)")
_GRACE_S = 1.0
"""How much later than the database we give up ourselves."""
_END_WITHIN_S = 5.0
_SHOWN_WHOLE = 1_000
"""Characters of a running text that every database shows."""
_SHOW = "SHOW TRANSACTIONS YIELD transactionId, currentQuery"
_TRANSACTION_ID = re.compile(r"[\w@.:-]{1,200}")


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a query returned.

    Attributes:
        columns: Column names.
        rows: One list per record, plain Python values: a node is {"labels", "properties"}, an edge {"type", "properties"}, a path
            {"nodes", "relationships"}, a point {"srid", "coordinates"}; times are ISO 8601.
        truncated: There were more rows than allowed.
    """

    columns: tuple[str, ...]
    rows: list[list[Any]]
    truncated: bool


def run_query(bolt: BoltSession, text: str, parameters: Mapping[str, Any], *, timeout_s: float, max_rows: int) -> QueryResult:
    """Run one Cypher text that only reads.

    Args:
        bolt: The database.
        text: One statement.
        parameters: Its parameters.
        timeout_s: It is ended after this time: by the database, or by us where the database knows no limit per query.
        max_rows: Rows beyond this are not fetched.

    Raises:
        QueryRefusedError: It would write, call what is not allowed, or is too long.
        QueryError: The database cannot read it.
        LimitError: It took longer than `timeout_s`.
        GraphUnavailableError: The database does not answer.
    """
    check_text(text)
    work = _Query(bolt, text, dict(parameters), timeout_s, max_rows)
    # The embedded database knows no time limit per query, so the wait is bounded here.
    threading.Thread(target=work.run, name="cypher-query", daemon=True).start()
    try:
        work.done.wait(timeout_s + _GRACE_S)
    finally:
        # Too late, or whoever asked was interrupted (Ctrl-C).
        given_up = not work.done.is_set()
        if given_up:
            work.end()
    if given_up:
        raise LimitError(f"the query took longer than {timeout_s:g} s", hint="ask for less: a narrower MATCH, a LIMIT")
    if work.error is not None:
        raise work.error
    assert work.result is not None  # noqa: S101 - run() sets one of the two
    return work.result


class _Query:
    """One query on a thread of its own."""

    def __init__(self, bolt: BoltSession, text: str, parameters: dict[str, Any], timeout_s: float, max_rows: int) -> None:
        self.result: QueryResult | None = None
        self.error: BaseException | None = None
        self.done = threading.Event()
        # A comment of its own tells it from equal texts of others: at the end, where it moves no position that an error names, but of
        # long texts at the head, for the databases show running texts cut off.
        self._mark = f"reckon-{secrets.token_hex(8)}"
        comment = f"/* {self._mark} */"
        self._text = f"{text}\n{comment}" if len(text) <= _SHOWN_WHOLE else f"{comment} {text}"
        self._bolt, self._parameters = bolt, parameters
        self._timeout_s, self._max_rows = timeout_s, max_rows

    def run(self) -> None:
        """Fill in `result` or `error`."""
        try:
            self._check_plan()
            self.result = self._read()
        except GraphUnavailableError as error:
            # It has answered, so it is no outage: it cannot do what this query asks.
            answered = error.__cause__ if isinstance(error.__cause__, DatabaseError) else None
            self.error = error if answered is None else _unable(answered)
        except Exception as error:
            self.error = error
        finally:
            self.done.set()

    def end(self) -> None:
        """Have the database end it, so that it uses no processor for nobody; one that cannot ends it by its own limit."""
        # On a thread of its own, too: a database that is busy may not answer soon.
        ending = threading.Thread(target=self._terminate, name="cypher-end", daemon=True)
        ending.start()
        ending.join(_END_WITHIN_S)

    def _terminate(self) -> None:
        with suppress(ReckonError), translated(self._bolt.connection), self._bolt.session(read=True) as session:
            running = [(str(record[0]), str(record[1])) for record in session.run(_SHOW)]
            for transaction_id, text in running:
                if self._mark in text and _TRANSACTION_ID.fullmatch(transaction_id):
                    session.run(f"TERMINATE TRANSACTIONS '{transaction_id}'").consume()

    def _check_plan(self) -> None:
        with translated(self._bolt.connection), self._bolt.session(read=True) as session:
            summary = session.run(f"EXPLAIN {self._text}", self._parameters).consume()
        if summary.query_type == "r":
            return
        plan: Mapping[str, Any] = summary.plan or {}
        steps = str(plan.get("args", {}).get("string-representation", ""))
        # ArcadeDB says "w" of every plan, so its printed steps are what counts; Neo4j says what it means.
        if not str(plan.get("operatorType", "")).startswith("ArcadeDB") or not steps or _WRITING_STEP.search(steps):
            raise QueryRefusedError("the plan of the query writes", hint="only reading is allowed: MATCH … RETURN …")

    def _read(self) -> QueryResult:
        with translated(self._bolt.connection), self._bolt.session(read=True) as session:
            transaction = session.begin_transaction(timeout=self._timeout_s)
            try:
                result = transaction.run(self._text, self._parameters)
                records = result.fetch(self._max_rows + 1)
                columns = tuple(result.keys())
            finally:
                if not transaction.closed():
                    transaction.rollback()
        rows = [[_plain(value) for value in record.values()] for record in records[: self._max_rows]]
        return QueryResult(columns, rows, len(records) > self._max_rows)


def _unable(error: DatabaseError) -> QueryError:
    text = (str(error.message or error).strip().splitlines() or [""])[0][:300]
    unknown = _UNKNOWN.search(text)
    if unknown is not None:
        return QueryError(
            f"this graph database does not have the procedure or function {unknown[1]}", hint="not every database has all that is allowed"
        )
    return QueryError(f"the graph database cannot run the query: {text}", hint="correct the Cypher")


def _plain(value: Any) -> Any:
    match value:
        case Node():
            return {"labels": sorted(value.labels), "properties": {k: _plain(v) for k, v in value.items()}}
        case Relationship():
            return {"type": value.type, "properties": {k: _plain(v) for k, v in value.items()}}
        case Path():
            return {"nodes": [_plain(node) for node in value.nodes], "relationships": [_plain(edge) for edge in value.relationships]}
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case neo4j.time.DateTime() | neo4j.time.Date() | neo4j.time.Time() | neo4j.time.Duration():
            return value.iso_format()
        case neo4j.spatial.Point():
            return {"srid": value.srid, "coordinates": list(value)}
        case bytes() | bytearray():
            return value.hex()
        case _:
            return value
