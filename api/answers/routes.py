"""Questions about items: an answer whose every sentence cites what says it, or an honest refusal."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from api.http.language import Language, language_headers
from api.http.schemas import Answer, request_id
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.serving.item_state import ItemStates
from api.serving.snapshot_server import Serving
from gnn.answers import answering
from gnn.answers.answering import MAX_QUESTION, AboutItem, Ranker
from gnn.recommend.recommender import Recommender
from kg.validation.fields import Id

router = APIRouter(prefix="/v1", tags=["answers"])
Asker = Annotated[ApiKey, Depends(require("recommend:read"))]
_EXAMPLE: JsonDict = {"question": "which brand is it?", "item_id": "1082185"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MAX_REASONS = 3


class Question(BaseModel):
    """What is asked."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    question: str = Field(min_length=1, max_length=MAX_QUESTION, description="In English or Chinese.")
    item_id: Id | None = Field(default=None, description="The item that it is about.")
    user_id: Id | None = Field(default=None, description="Who asks, for “why was this shown to me?”.")

    locale: str = Field(
        default="",
        max_length=20,
        pattern=r"^[A-Za-z]{0,8}([-_][A-Za-z0-9]{1,8})*$",
        description="zh… for Chinese sentences, else English.",
    )

    @field_validator("question")
    @classmethod
    def _said(cls, question: str) -> str:
        if not question.strip() or _CONTROL.search(question):
            raise ValueError("a question is text without control characters")
        return question


class CitedFact(Answer):
    """What a sentence rests on."""

    kind: Literal["fact", "field", "explanation"]
    item_id: str
    relation: str = Field(description="Relation of the fact, field of the catalogue, or kind of the reason.")
    value: str
    field: str | None = Field(description="Text that a fact was read from.")
    surface: str | None = Field(description="The words there.")
    start: int | None
    end: int | None
    confidence: float | None


class AnswerSentence(Answer):
    """One sentence, with what says it."""

    text: str
    citations: list[CitedFact]


class QuestionAnswer(Answer):
    """An answer; `intent` is none where nothing known answers."""

    request_id: str
    build_id: str
    intent: Literal["product_fact", "price", "availability", "why_shown", "small_talk", "none"]
    confidence: float
    answer: str
    sentences: list[AnswerSentence]
    handover: bool = Field(description="Whether a person should take over.")


@router.post("/answers", response_model=QuestionAnswer)
def answer_question(request: Request, body: Question, key: Asker, language: Language) -> Response:
    """Answer a question about an item from the catalogue and the graph, and say what each sentence rests on."""
    serving: Serving = request.app.state.serving
    # Taken once: another build may be published meanwhile. Facts are those of the published build, and so are the reasons beside them.
    recommender = serving.recommender
    answer = _answered(request, body, language, recommender)
    sentences = [asdict(sentence) for sentence in answer.sentences]
    shown = {
        "request_id": request_id(request),
        "build_id": recommender.artifact.build_id,
        "intent": answer.intent,
        "confidence": round(answer.confidence, 6),
        "answer": " ".join(sentence.text for sentence in answer.sentences),
        "sentences": sentences,
        "handover": answer.handover,
    }
    return Response(orjson.dumps(shown), media_type="application/json", headers=language_headers(language))


def _answered(request: Request, body: Question, language: str, recommender: Recommender) -> answering.Answer:
    intent = answering.wanted(body.question)
    if intent == "small_talk":
        return answering.small_talk(body.question, body.locale)
    if body.item_id is None:
        return answering.refusal(body.question, locale=body.locale)
    states: ItemStates = request.app.state.items
    state = states.state(body.item_id)
    item = AboutItem(body.item_id, state.fields, state.facts)
    if intent == "why_shown":
        return _why(request, body, item, language, recommender)
    ranker: Ranker = request.app.state.ranker()
    return answering.about_item(body.question, item, ranker, body.locale)


def _why(request: Request, body: Question, item: AboutItem, language: str, recommender: Recommender) -> answering.Answer:
    """Say why an item is recommended to a shopper: the reasons of its score."""
    serving: Serving = request.app.state.serving
    if body.user_id is None:
        return answering.refusal(body.question, locale=body.locale)
    explanation = recommender.explain(body.user_id, item.item_id, fresh=serving.fresh(body.user_id, recommender), max_reasons=_MAX_REASONS)
    words = request.app.state.languages[language]
    sentences = answering.explained(item, [(one.kind, one.share, words.text(one.message)) for one in explanation.reasons])
    return answering.Answer("why_shown", 1.0, sentences) if sentences else answering.refusal(body.question, locale=body.locale)
