"""Types of the answers to questions, for the client."""

from __future__ import annotations

from typing import Literal, TypedDict


class CitedFact(TypedDict):
    """What a sentence rests on."""

    kind: Literal["fact", "field", "explanation"]
    item_id: str
    relation: str
    value: str
    field: str | None
    surface: str | None
    start: int | None
    end: int | None
    confidence: float | None


class AnswerSentence(TypedDict):
    """One sentence, with what says it."""

    text: str
    citations: list[CitedFact]


class QuestionAnswer(TypedDict):
    """An answer; the intent is none where nothing known answers."""

    request_id: str
    build_id: str
    intent: Literal["product_fact", "price", "availability", "why_shown", "small_talk", "none"]
    confidence: float
    answer: str
    sentences: list[AnswerSentence]
    handover: bool
