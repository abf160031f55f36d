"""Read-only Cypher for people.

Three locks, because the two databases differ in what they enforce: the text may hold no writing clause and call nothing that is not known to
be harmless (`kg.store.read_only`); the database's own plan of it may hold no writing step; and it runs in a READ transaction that is rolled back
whatever happens, under a time limit and a row limit. What nobody waits for any more is terminated: the embedded database does not do it by itself.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from neo4j.exceptions import DatabaseError, Neo4jError

from kg.errors import GraphUnavailableError, LimitError, QueryError, QueryRefusedError, ReckonError
from kg.store.bolt import BoltSession, translated
from kg.store.checks.mistakes import check_parameters, explained
from kg.store.checks.personal import check_impersonal
from kg.store.checks.tokens import Token
from kg.store.read_only import check_text
from kg.store.values import CollectedRows, RowSink, forget_graph, plain, size_of

_WRITING_STEP = re.compile(r"^\W*(SET|CREATE|MERGE|DELETE|DETACH|REMOVE|FOREACH|LOAD|DROP)\b", re.MULTILINE)
_TOO_MUCH = re.compile(r"heap budget exceeded|arcadedb\.queryMax")
"""The embedded database bounds the memory of a query by itself, and calls it a mistake."""
_GRACE_S = 1.0
"""How much later than the database we give up ourselves."""
_END_WITHIN_S = 5.0
_FORGET_EVERY = 2_000
_SHOWN_WHOLE = 1_000
"""Characters of a running text that every database shows."""
_SHOW = "SHOW TRANSACTIONS YIELD transactionId, currentQuery"
_TRANSACTION_ID = re.compile(r"[\w@.:-]{1,200}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a query may take.

    Attributes:
        timeout_s: It is ended after this time: by the database, or by us where the database knows no limit per query.
        max_rows: Rows beyond this are not fetched.
        max_bytes: Rows beyond about so many bytes are not fetched.
        personal: Whether whoever asks may see who a shopper is.
    """

    timeout_s: float = 10.0
    max_rows: int = 1000
    max_bytes: int = 64 * 2**20
    personal: bool = True


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a query returned.

    Attributes:
        columns: Column names.
        rows: One list per record, plain Python values: a node is {"id", "labels", "properties"}, an edge {"type", "start", "end", "properties"}, a
            path {"nodes", "relationships"}, a point {"srid", "coordinates"}; times are ISO 8601. An id is "type:key". None is an end that the answer
            has nothing else of. Empty where a sink took them.
        n_rows: How many the database gave, to a sink too.
        truncated: There were more rows than allowed.
        warnings: Names in the query that the graph does not have.
        build_id: The build that it was answered from.
    """

    columns: tuple[str, ...]
    rows: list[list[Any]]
    truncated: bool
    warnings: tuple[str, ...] = ()
    build_id: str | None = None
    n_rows: int = 0


class Cancellation:
    """Ends a query whose asker has gone; one per query."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End the query, now or as soon as it begins."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the query any more."""
        return self._cancelled.is_set()


_LOOK_S = 0.05
"""How often a running query is asked whether its asker is still there."""


def checked(text: str, parameters: Mapping[str, Any], bounds: Bounds) -> list[Token]:
    """Refuse what need not reach a database to be refused.

    Args:
        text: One statement.
        parameters: Its parameters.
        bounds: What it may take.

    Returns:
        Its tokens.

    Raises:
        QueryRefusedError: It would write, call what is not allowed, show a shopper to who may not see it, or is too long.
        QueryError: It calls a function that there is not, or its parameters are wrong.
    """
    tokens = check_text(text)
    if not bounds.personal:
        check_impersonal(text, tokens)
    check_parameters(text, tokens, parameters)
    return tokens


def run_query(
    bolt: BoltSession,
    text: str,
    parameters: Mapping[str, Any],
    bounds: Bounds,
    *,
    tokens: Sequence[Token],
    cancellation: Cancellation | None = None,
    sink: RowSink | None = None,
) -> QueryResult:
    """Run one Cypher text that only reads, and that `checked` has let pass.

    Args:
        bolt: The database.
        text: One statement.
        parameters: Its parameters.
        bounds: What it may take.
        tokens: Its tokens, from `checked`.
        cancellation: Ends it before its time.
        sink: Takes the rows as they come, on another thread; what it raises is raised here.

    Raises:
        QueryRefusedError: The database plans to write for it.
        QueryError: The database cannot read it.
        LimitError: It took longer than it may, or was cancelled.
        GraphUnavailableError: The database does not answer.
    """
    work = _Query(bolt, text, dict(parameters), bounds, tokens, sink)
    # The embedded database knows no time limit per query, so the wait is bounded here.
    threading.Thread(target=work.run, name="cypher-query", daemon=True).start()
    try:
        _wait(work.done, bounds.timeout_s + _GRACE_S, cancellation)
    finally:
        # Too late, or whoever asked was interrupted (Ctrl-C) or has gone.
        given_up = not work.done.is_set()
        if given_up:
            work.end()
    if given_up and cancellation is not None and cancellation.cancelled:
        raise LimitError("the query was cancelled", hint="ask again")
    if given_up:
        raise LimitError(f"the query took longer than {bounds.timeout_s:g} s", hint="ask for less: a narrower MATCH, a LIMIT")
    if work.error is not None:
        raise work.error
    assert work.result is not None  # noqa: S101 - run() sets one of the two
    return work.result


def _wait(done: threading.Event, timeout_s: float, cancellation: Cancellation | None) -> None:
    if cancellation is None:
        done.wait(timeout_s)
        return
    until = time.monotonic() + timeout_s
    while not done.wait(_LOOK_S) and not cancellation.cancelled and time.monotonic() < until:
        pass


class _Query:
    """One query on a thread of its own."""

    def __init__(
        self,
        bolt: BoltSession,
        text: str,
        parameters: dict[str, Any],
        bounds: Bounds,
        tokens: Sequence[Token] = (),
        sink: RowSink | None = None,
    ) -> None:
        self.result: QueryResult | None = None
        self.error: BaseException | None = None
        self.done = threading.Event()
        # A comment of its own tells it from equal texts of others: at the end, where it moves no position that an error names, but of
        # long texts at the head, for the databases show running texts cut off.
        self._mark = f"reckon-{secrets.token_hex(8)}"
        comment = f"/* {self._mark} */"
        self._head = "" if len(text) <= _SHOWN_WHOLE else f"{comment} "
        self._text = f"{self._head}{text}" if self._head else f"{text}\n{comment}"
        self._bolt, self._parameters, self._bounds = bolt, parameters, bounds
        self._original, self._tokens, self._sink = text, tokens, sink
        self._given_up = False

    def run(self) -> None:
        """Fill in `result` or `error`."""
        try:
            self._check_plan()
        except Exception as error:
            self.error = self._explained(error, shift=len("EXPLAIN ") + len(self._head))
        else:
            self._fetch()
        finally:
            self.done.set()

    def _fetch(self) -> None:
        try:
            self.result = self._read()
        except Exception as error:
            # What a value was may stand in the message, and values of shoppers are not for everybody.
            hidden = QueryError("the query failed while it ran", hint="see that each function gets values of the type that it takes")
            mistake = self._explained(error, shift=len(self._head))
            self.error = hidden if isinstance(mistake, QueryError) and not self._bounds.personal else mistake

    def _explained(self, error: Exception, *, shift: int) -> Exception:
        """Say what is wrong with the query where that is what the database means."""
        cause = error.__cause__
        # An error of the database's own kind: it has answered, so it is no outage, but it cannot do what this query asks.
        is_mistake = isinstance(error, QueryError) or (isinstance(error, GraphUnavailableError) and isinstance(cause, DatabaseError))
        if not is_mistake or not isinstance(cause, Neo4jError):
            return error
        said = str(cause.message or cause)
        if _TOO_MUCH.search(said):
            return LimitError(
                f"the query needs more memory than it may take: {said[:200]}", hint="ask for less: a LIMIT before collect() or ORDER BY"
            )
        return explained(said, self._original, self._tokens, shift=shift)

    def end(self) -> None:
        """Have the database end it, so that it uses no processor for nobody; one that cannot ends it by its own limit."""
        self._given_up = True
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
        bounds, collected = self._bounds, CollectedRows()
        output = _Output(self._sink or collected)
        size, n_rows, truncated = 0, 0, False
        with translated(self._bolt.connection), self._bolt.session(read=True) as session:
            transaction = session.begin_transaction(timeout=bounds.timeout_s)
            try:
                result = transaction.run(self._text, self._parameters)
                columns = tuple(result.keys())
                output.begin(columns)
                for record in result:
                    row = [plain(value, personal=bounds.personal) for value in record.values()]
                    size += sum(map(size_of, row))
                    truncated = n_rows == bounds.max_rows or size > bounds.max_bytes
                    if truncated or self._given_up or output.error is not None:
                        break
                    output.row(row)
                    n_rows += 1
                    if self._sink is not None and n_rows % _FORGET_EVERY == 0:
                        forget_graph(result)
            finally:
                if not transaction.closed():
                    transaction.rollback()
        if output.error is not None:
            raise output.error
        return QueryResult(columns, collected.rows, truncated, n_rows=n_rows)


class _Output:
    """A sink whose errors are not taken for those of the database."""

    def __init__(self, sink: RowSink) -> None:
        self._sink = sink
        self.error: Exception | None = None

    def begin(self, columns: tuple[str, ...]) -> None:
        try:
            self._sink.begin(columns)
        except Exception as error:
            self.error = error

    def row(self, values: list[Any]) -> None:
        try:
            self._sink.row(values)
        except Exception as error:
            self.error = error
