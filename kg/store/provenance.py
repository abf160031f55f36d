"""Why a fact is in the graph: the sentence that states it, with the span marked, and who read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kg import cypher
from kg.errors import NotFoundError
from kg.graph.corrections import PERSON, Fact
from kg.store.port import GraphDatabase
from kg.tables import TEXT_FIELDS

_BREAK = re.compile(r"(?<=[.!?。！？])\s+|\n+")


@dataclass(frozen=True, slots=True)
class FactEvidence:
    """The evidence of one edge from an item to a value.

    Attributes:
        value: The value, as the graph has it.
        sentence: The sentence that states it, the span in brackets; a structured field is its own sentence.
        field: Where it was read: "title", "description", the structured field, "stated by" or "inferred".
        start: First character of the span in the field; None where there is no text.
        end: After the last one.
        surface: The characters.
        extractor: Who read it: "catalog", "rules", "gazetteer", "person", …
        extractor_version: In which version.
        confidence: 0–1.
        build_id: The last build that has it.
        by: Which person stated it; empty where none did.
        note: Why.
        time: When, ISO 8601.
    """

    value: str
    sentence: str
    field: str
    start: int | None
    end: int | None
    surface: str
    extractor: str
    extractor_version: str
    confidence: float
    build_id: str
    by: str = ""
    note: str = ""
    time: str = ""


def why_fact(store: GraphDatabase, item_id: str, relation: str, value: str, facts: Sequence[Fact] = ()) -> FactEvidence:
    """Read the evidence of a fact from the graph database.

    Args:
        store: The database.
        item_id: The item.
        relation: "has_color".
        value: As the graph has it, or as the text wrote it.
        facts: Corrections that hold: one that dropped the fact is named in the error.

    Raises:
        NotFoundError: The graph does not hold the fact; the message says who dropped it, or what the item has instead.
    """
    rows = store.query(cypher.facts_of_item(relation), {"item_id": item_id}).rows
    evidence = [_evidence(row) for row in rows]
    chosen = [fact for fact in evidence if fact.value == value] or [fact for fact in evidence if fact.surface == value]
    if chosen:
        return chosen[0]
    dropped = [fact for fact in facts if (fact.op, fact.item_id, fact.relation, fact.value) == ("drop", item_id, relation, value)]
    if dropped:
        last = dropped[-1]
        raise NotFoundError(f"{last.by} dropped it on {last.time}: {last.note or 'no note'}", hint=f"`reckon facts undo {last.n}` takes that back")
    values = ", ".join(sorted({fact.value for fact in evidence})) or "none"
    raise NotFoundError(f"item {item_id!r} has no {relation} {value!r} in the graph", hint=f"its values of {relation}: {values}")


def marked_sentence(text: str, start: int, end: int) -> str:
    """Return the sentence around a span, the span in brackets.

    >>> marked_sentence("Very soft. The navy blue one runs small! Buy it.", 15, 24)
    'The [navy blue] one runs small!'
    """
    cuts = [match.span() for match in _BREAK.finditer(text)]
    first = max((cut_end for _, cut_end in cuts if cut_end <= start), default=0)
    last = min((cut_start for cut_start, _ in cuts if cut_start >= end), default=len(text))
    return f"{text[first:start]}[{text[start:end]}]{text[end:last]}"


def _evidence(row: Sequence[Any]) -> FactEvidence:
    value, title, description = row[:3]
    recorded = dict(zip((*cypher.EVIDENCE, *cypher.STATED), row[3:], strict=True))
    texts = dict(zip(TEXT_FIELDS, (title, description), strict=True))
    text, start, end = texts.get(recorded["field"]), recorded["start"], recorded["end"]
    surface = recorded["surface"] or ""
    readable = text is not None and start is not None and end is not None and recorded["extractor"] != PERSON
    sentence = marked_sentence(text, start, end) if readable and text is not None else f"[{surface}]"
    return FactEvidence(
        value=str(value),
        sentence=sentence,
        field=recorded["field"] or "",
        start=start,
        end=end,
        surface=surface,
        extractor=recorded["extractor"] or "",
        extractor_version=recorded["extractor_version"] or "",
        confidence=float(recorded["confidence"] if recorded["confidence"] is not None else 1.0),
        build_id=recorded["build_id"],
        by=recorded["by"] or "",
        note=recorded["note"] or "",
        time=recorded["time"] or "",
    )
