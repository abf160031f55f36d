"""A question answered from the published build."""

from __future__ import annotations

from etl.published import served_recommender
from gnn.answers import answering
from gnn.answers.answering import MAX_QUESTION, AboutItem, Answer
from gnn.answers.opening import ranker
from gnn.live.built_item import built_item
from kg.config import Config
from kg.errors import InputError
from kg.workspace import Workspace

_REASONS = 3


def answer(workspace: Workspace, config: Config, question: str, *, item_id: str = "", user_id: str = "") -> Answer:
    """Answer a question; items that changed since the build are as they were built.

    Args:
        workspace: Where.
        config: Its configuration.
        question: What is asked.
        item_id: The item that it is about.
        user_id: Who asks.

    Raises:
        InputError: The question is empty or too long.
        NotFoundError: Nothing is published, or there is no such item.
    """
    if not question.strip() or len(question) > MAX_QUESTION:
        raise InputError(f"the question has {len(question)} characters", hint=f"ask in at most {MAX_QUESTION}")
    intent = answering.wanted(question)
    if intent == "small_talk":
        return answering.small_talk(question)
    if not item_id:
        return answering.refusal(question)
    recommender, fresh = served_recommender(workspace, config, user_id)
    recommender.item_num(item_id)
    artifact = recommender.artifact
    item = AboutItem(item_id, *built_item(workspace.build(artifact.build_id), artifact, item_id))
    if intent != "why_shown":
        return answering.about_item(question, item, ranker(workspace.root))
    if not user_id:
        return answering.refusal(question)
    explanation = recommender.explain(user_id, item_id, fresh=fresh, max_reasons=_REASONS)
    sentences = answering.explained(item, [(one.kind, one.share, one.sentence) for one in explanation.reasons])
    return Answer("why_shown", 1.0, sentences) if sentences else answering.refusal(question)
