"""Corrections by persons: facts that somebody set or dropped, kept for good and stronger than anything extracted.

The log is `facts.jsonl` of the workspace. An entry is never changed: an undo is an entry of its own. What holds are the entries that nobody has
undone, applied in their order to the edges that extraction and the shop's own data gave:

* `set` adds the edge item → value with the evidence "stated by"; of a relation that has one value per item it replaces the others.
* `drop` removes the edge, whoever stated it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from kg import schema
from kg.errors import InputError, NotFoundError
from kg.files.journal import Journal, Record
from kg.schema import EdgeType
from kg.timestamps import utc_text

PERSON = "person"
"""Extractor of facts that a person stated."""
STATED_BY = "stated by"
VERSION = "1"
MAX_TEXT = 1_000

PERSON_COLUMNS: Mapping[str, pl.DataType] = {"by": pl.String(), "note": pl.String(), "time": pl.String()}
"""What an edge that a person stated carries beside the evidence of every edge; `time` is ISO 8601, UTC."""

Operation = Literal["set", "drop"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One correction.

    Attributes:
        n: Its number in the log.
        op: "set" or "drop".
        item_id: The item.
        relation: "has_color".
        value: As the person wrote it.
        by: Who.
        note: Why.
        time: When, ISO 8601, UTC.
        undone_by: Who undid it; empty while it holds.
    """

    n: int
    op: Operation
    item_id: str
    relation: str
    value: str
    by: str
    note: str
    time: str
    undone_by: str = ""


def relation_of(name: str, known: Collection[str] = ()) -> str:
    """Return the relation a person means: "color", "has_color" and "HAS_COLOR" are one.

    Args:
        name: As written.
        known: Relations from items to values that the shop brings itself under names of their own ("made_in").

    Raises:
        InputError: It is no name, or a relation between items or shoppers, which is not corrected here.
    """
    lower = name.strip().lower()
    lower = schema.RELATION_ALIASES.get(lower, lower)
    if lower in schema.KIND_RELATIONS.values() or lower in ("also_bought", "also_viewed", "bought_together", "same_as"):
        raise InputError(f"{name!r} is no attribute of an item", hint="`reckon facts` corrects attributes, such as has_color")
    if lower.startswith("has_") or lower in known:
        return schema.checked_name(lower, what="relation")
    return schema.attribute_relation(lower)


class FactLog:
    """The log of corrections of a workspace.

    Args:
        path: `facts.jsonl`.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)

    def state(self, op: Operation, item_id: str, relation: str, value: str, *, by: str, note: str = "") -> Fact:
        """Set or drop a fact, durably.

        Raises:
            InputError: A text is empty or too long.
        """
        for name, text in (("item", item_id), ("value", value), ("by", by)):
            if not text.strip():
                raise InputError(f"{name} is empty", hint="reckon facts set ITEM RELATION VALUE --by NAME")
        for name, text in (("item", item_id), ("value", value), ("by", by), ("note", note)):
            if len(text) > MAX_TEXT:
                raise InputError(f"{name} has {len(text)} characters", hint=f"{MAX_TEXT} is the limit")
        record = {"op": op, "item_id": item_id, "relation": relation, "value": value.strip(), "by": by, "note": note, "time": _now()}
        return _fact(self._journal.append(lambda _: [record])[0])

    def undo(self, n: int, *, by: str) -> Fact:
        """Take back one correction, durably, and return it.

        Raises:
            NotFoundError: There is none of this number, or it has been undone.
        """
        undone: list[Fact] = []

        def make(records: list[Record]) -> list[Record]:
            facts = {fact.n: fact for fact in history(records)}
            if n not in facts:
                raise NotFoundError(f"there is no correction {n}", hint="`reckon facts list` shows them")
            if facts[n].undone_by:
                raise NotFoundError(f"correction {n} has been undone by {facts[n].undone_by}", hint="`reckon facts list --all` shows it")
            undone.append(facts[n])
            return [{"op": "undo", "undoes": n, "by": by, "time": _now()}]

        self._journal.append(make)
        return undone[0]

    def history(self) -> list[Fact]:
        """Return all corrections, those undone among them."""
        return history(self._journal.records())

    def active(self) -> list[Fact]:
        """Return the corrections that hold, oldest first."""
        return [fact for fact in self.history() if not fact.undone_by]


def history(records: Iterable[Record]) -> list[Fact]:
    """Return the corrections of a log, each with who undid it."""
    records = list(records)
    undone = {int(record["undoes"]): str(record["by"]) for record in records if record["op"] == "undo"}
    return [_fact(record, undone.get(int(record["n"]), "")) for record in records if record["op"] != "undo"]


def replaces(relation: str) -> bool:
    """Say whether an item has one value of a relation at most, so that a set replaces what was there."""
    return schema.relation(relation).single or relation in schema.ONE_FROM_TEXT


@dataclass
class _Corrections:
    """What the corrections of one relation come to.

    Attributes:
        cleared: Items whose other values are all replaced.
        removed: (item, value) that are dropped or stated anew.
        stated: (item, value) → the fact that states it.
    """

    cleared: set[str] = field(default_factory=set)
    removed: set[tuple[str, str]] = field(default_factory=set)
    stated: dict[tuple[str, str], Fact] = field(default_factory=dict)

    def take(self, fact: Fact, value: str) -> None:
        """Apply one more correction."""
        pair = (fact.item_id, value)
        if fact.op == "set" and replaces(fact.relation):
            self.cleared.add(fact.item_id)
            self.stated = {other: earlier for other, earlier in self.stated.items() if other[0] != fact.item_id}
        self.stated.pop(pair, None)
        self.removed.add(pair)
        if fact.op == "set":
            self.stated[pair] = fact


def corrected(
    edges: Mapping[EdgeType, pl.DataFrame], facts: Sequence[Fact], merges: pl.DataFrame | None, item_ids: pl.Series
) -> dict[EdgeType, pl.DataFrame]:
    """Apply corrections to the edges of a graph.

    Args:
        edges: Edge type → `source`, `target` and evidence.
        facts: The corrections that hold, oldest first. Those about items that are not there are passed over.
        merges: The merge log of values (`kg.resolve.values.merge.LOG_COLUMNS`): a person's "hp inc" is the node that "hp inc" became.
        item_ids: The items of the graph.

    Returns:
        The edges, those without any row left out.
    """
    known = set(item_ids.filter(item_ids.is_in([fact.item_id for fact in facts]))) if facts else set()
    canonical = (
        {}
        if merges is None
        else {(relation, surface): value for relation, surface, value in merges.select("relation", "surface", "canonical").rows()}
    )
    by_relation: dict[str, _Corrections] = {}
    for fact in facts:
        if fact.item_id in known:
            by_relation.setdefault(fact.relation, _Corrections()).take(fact, canonical.get((fact.relation, fact.value), fact.value))
    result = dict(edges)
    for relation, corrections in by_relation.items():
        # What a rule only perhaps read of an item is corrected too: a person's word leaves no doubt.
        either = {relation, schema.DOUBTFUL + relation}
        for edge_type in [e for e in edges if e[0] == "item" and e[1] in either and e[2] != "item"]:
            result[edge_type] = _without(edges[edge_type], corrections)
        if corrections.stated:
            edge_type = ("item", relation, schema.value_type(relation))
            parts = [frame for frame in [result.get(edge_type)] if frame is not None]
            result[edge_type] = pl.concat([*parts, _stated(corrections.stated)], how="diagonal").sort("source", "target")
    return {edge_type: frame for edge_type, frame in result.items() if frame.height}


def _without(frame: pl.DataFrame, corrections: _Corrections) -> pl.DataFrame:
    removed = pl.DataFrame(sorted(corrections.removed), schema={"source": pl.String, "target": pl.String}, orient="row")
    return frame.filter(~pl.col("source").is_in(sorted(corrections.cleared))).join(removed, on=["source", "target"], how="anti")


def _stated(stated: Mapping[tuple[str, str], Fact]) -> pl.DataFrame:
    rows = [
        {
            "source": item_id,
            "target": value,
            "confidence": 1.0,
            "field": STATED_BY,
            "start": 0,
            "end": len(fact.value),
            "surface": fact.value,
            "extractor": PERSON,
            "extractor_version": VERSION,
            "by": fact.by,
            "note": fact.note,
            "time": fact.time,
        }
        for (item_id, value), fact in stated.items()
    ]
    return pl.DataFrame(rows)


def _fact(record: Record, undone_by: str = "") -> Fact:
    keys = ("op", "item_id", "relation", "value", "by", "note", "time")
    missing = [key for key in keys if not isinstance(record.get(key), str)]
    if missing or record["op"] not in ("set", "drop"):
        raise InputError(
            f"facts.jsonl, line {record['n']}: {missing[0] if missing else 'op'} is missing or unknown", hint="restore the file from a copy"
        )
    return Fact(int(record["n"]), undone_by=undone_by, **{key: record[key] for key in keys})


def _now() -> str:
    return utc_text()
