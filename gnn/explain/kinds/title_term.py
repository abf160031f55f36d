"""Words that both titles say."""

from __future__ import annotations

from gnn.explain.kinds.base import REASONS, ReasonContext, ReasonKind, Source
from gnn.explain.messages.message import Message, Quoted, say
from kg import schema


class TitleTerm(ReasonKind):
    """Paths item → term ← item; each term is a reason of its own."""

    name = "title_term"
    order = 105
    by_value = True

    def takes(self, source: Source) -> bool:
        """Say whether it goes through the terms of titles."""
        return not isinstance(source, str) and source.family == "attribute" and source.relation == schema.MENTIONS

    def message(self, context: ReasonContext) -> Message:
        """Quote the words: they claim nothing of the item but that its title says them."""
        return say(f"attribute.{schema.MENTIONS}", history=context.history, value=Quoted(context.value))

    def joined(self, first: ReasonContext, second: ReasonContext) -> Message | None:
        """Say once what is part of a longer term: "regency teacup" says "teacup" too; of more history items than the longer, the shorter stays."""
        longer, shorter = sorted((first, second), key=lambda one: len(one.value), reverse=True)
        if f" {shorter.value} " not in f" {longer.value} ":
            return None
        if longer.positions == shorter.positions:
            return self.message(longer)
        return self.message(shorter) if longer.positions < shorter.positions else None


KIND = REASONS.register(TitleTerm())
