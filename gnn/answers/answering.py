"""Answers about an item: every sentence is made of what is cited beside it, and where nothing says it, the answer says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]

MAX_QUESTION = 1_000
Kind = Literal["fact", "field", "explanation"]
AnswerIntent = Literal["product_fact", "price", "availability", "why_shown", "small_talk", "none"]
_PRICE = re.compile(r"(?i)\b(?:price|cost)s?\b|\bhow much (?:is|are|for|does (?:it|this|that) cost)\b|多少钱|价格|价钱")
_STOCK = re.compile(
    r"(?i)\b(?:in|out of) stock\b|\bis (?:it|this|that) (?:still )?available\s*\??$"
    r"|\bcan i (?:still )?(?:buy|order) (?:it|this)\b|有货|有没有货"
)
_WHY = re.compile(r"(?i)\bwhy\b.{0,40}\b(?:shown?|see(?:ing)?|recommend\w*|suggest\w*|get(?:ting)?)\b|为什么.{0,12}(?:推荐|看到|显示)")
_TALK = re.compile(r"(?i)^\W*(?:hi|hello|hey|good (?:morning|evening|day)|thanks?(?: you)?(?: very much)?|bye|goodbye|你好|谢谢|再见)\W*$")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Ranker(Protocol):
    """What finds the attribute that answers a question."""

    def rank(self, question: str, candidates: Sequence[str]) -> Scores:
        """Return a score per candidate; where all are below 0.5, none answers."""


@dataclass(frozen=True, slots=True)
class Citation:
    """What a sentence rests on.

    Attributes:
        kind: A fact of the graph, a field of the catalogue, or a reason of a recommendation.
        item_id: The item.
        relation: Relation of the fact, field, or kind of the reason.
        value: The value.
        field: Text that it was read from.
        surface: The words there.
        start: First character.
        end: After the last one.
        confidence: Of the extraction.
    """

    kind: Kind
    item_id: str
    relation: str
    value: str
    field: str | None = None
    surface: str | None = None
    start: int | None = None
    end: int | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, and what says it; small talk and refusals state nothing and cite nothing."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, or a refusal where `intent` is "none".

    Attributes:
        intent: What was asked for.
        confidence: Between 0 and 1; a refusal has that of the best that was not good enough.
        sentences: In order.
        handover: Whether a person should take over.
    """

    intent: AnswerIntent
    confidence: float
    sentences: tuple[Sentence, ...]
    handover: bool = False


@dataclass(frozen=True)
class AboutItem:
    """What is known of the item that a question is about.

    Attributes:
        item_id: Its id.
        fields: What the shop says of it: title, price_cents, available, …
        facts: Its attributes with their evidence: relation, value, field, surface, start, end, confidence.
    """

    item_id: str
    fields: Mapping[str, Any]
    facts: Sequence[Mapping[str, Any]]

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.fields.get("title") or self.item_id)


def wanted(question: str) -> AnswerIntent:
    """Say which kind of answer a question asks for.

    >>> [wanted(text) for text in ("How much is it?", "is it in stock?", "why was this shown to me?", "Hello!", "how wide is it?")]
    ['price', 'availability', 'why_shown', 'small_talk', 'product_fact']
    """
    for pattern, intent in _KINDS:
        if pattern.search(question):
            return intent
    return "product_fact"


_KINDS: tuple[tuple[re.Pattern[str], AnswerIntent], ...] = ((_TALK, "small_talk"), (_WHY, "why_shown"), (_STOCK, "availability"), (_PRICE, "price"))


def small_talk(question: str, locale: str = "") -> Answer:
    """Greet back."""
    text = "您好！请问您想了解哪件商品？" if _chinese(question, locale) else "Hello! Which product is your question about?"
    return Answer("small_talk", 1.0, (Sentence(text),))


def refusal(question: str, confidence: float = 0.0, *, locale: str = "") -> Answer:
    """Say that nothing known answers, and hand over."""
    text = "我没有找到能够回答这个问题的资料。" if _chinese(question, locale) else "Nothing that the shop knows answers this question."
    return Answer("none", confidence, (Sentence(text),), handover=True)


def about_item(question: str, item: AboutItem, ranker: Ranker, locale: str = "") -> Answer:
    """Answer a question about an item from its fields and facts.

    Args:
        question: What is asked.
        item: What is known.
        ranker: Finds the attribute that answers.
        locale: Language of the sentences; that of the question where it is empty.
    """
    intent = wanted(question)
    if intent == "price":
        return _price(question, item, locale)
    if intent == "availability":
        return _availability(question, item, locale)
    return _fact(question, item, ranker, locale)


def explained(item: AboutItem, reasons: Sequence[tuple[str, float, str]]) -> tuple[Sentence, ...]:
    """Return sentences of why an item is recommended.

    Args:
        item: The item.
        reasons: Kind, share of the score, and sentence of each reason, as the explanation gives them.
    """
    return tuple(Sentence(text, (Citation("explanation", item.item_id, kind, f"{share:.4f}"),)) for kind, share, text in reasons)


def _chinese(question: str, locale: str) -> bool:
    return locale.lower().startswith("zh") if locale else bool(_CHINESE.search(question))


def _price(question: str, item: AboutItem, locale: str) -> Answer:
    cents = item.fields.get("price_cents")
    if cents is None:
        return refusal(question, locale=locale)
    shown = f"{int(cents) / 100:.2f}"
    text = f"{item.title}：价格 {shown}。" if _chinese(question, locale) else f"The price of {item.title} is {shown}."
    return Answer("price", 1.0, (Sentence(text, (Citation("field", item.item_id, "price_cents", str(cents)),)),))


def _availability(question: str, item: AboutItem, locale: str) -> Answer:
    available = item.fields.get("available") is not False
    if _chinese(question, locale):
        text = f"{item.title}：{'有货' if available else '目前无货'}。"
    else:
        text = f"{item.title} is {'available' if available else 'not available at the moment'}."
    return Answer("availability", 1.0, (Sentence(text, (Citation("field", item.item_id, "available", str(available).lower()),)),))


def _fact(question: str, item: AboutItem, ranker: Ranker, locale: str) -> Answer:
    by_relation: dict[str, list[Mapping[str, Any]]] = {}
    for fact in item.facts:
        by_relation.setdefault(str(fact["relation"]), []).append(fact)
    relations = list(by_relation)
    scores = ranker.rank(question, [_candidate(name, by_relation[name]) for name in relations])
    if not len(scores) or scores.max() < 0.5:
        return refusal(question, float(scores.max()) if len(scores) else 0.0, locale=locale)
    best = relations[int(scores.argmax())]
    return Answer("product_fact", float(scores.max()), (_sentence(question, item, best, by_relation[best], locale),))


def _words(relation: str) -> str:
    return relation.lower().removeprefix("has_").replace("_", " ")


def _candidate(relation: str, facts: Sequence[Mapping[str, Any]]) -> str:
    values = "; ".join(f'{{ value:"{str(fact["value"]).replace(chr(34), " ")}" }}' for fact in facts)
    return f"{relation.lower().removeprefix('has_')}: {values}"


def _sentence(question: str, item: AboutItem, relation: str, facts: Sequence[Mapping[str, Any]], locale: str) -> Sentence:
    values = [str(fact["value"]) for fact in facts]
    said = "、".join(values) if _chinese(question, locale) else ", ".join(values)
    text = f"{item.title}：{_words(relation)} {said}。" if _chinese(question, locale) else f"{item.title}: {_words(relation)} {said}."
    places = ("field", "surface", "start", "end", "confidence")
    return Sentence(
        text,
        tuple(Citation("fact", item.item_id, relation, str(fact["value"]), *(fact.get(name) for name in places)) for fact in facts),
    )
