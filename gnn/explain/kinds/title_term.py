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


KIND = REASONS.register(TitleTerm())
