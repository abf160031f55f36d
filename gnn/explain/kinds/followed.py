"""Other shoppers met this item and what a link leads to."""

from __future__ import annotations

from gnn.explain.kinds.base import REASONS, ReasonContext, ReasonKind, Source
from gnn.explain.messages.message import Message, say
from gnn.explain.sentences import other_users
from kg.field_names import words_of


class Followed(ReasonKind):
    """Paths item → item ← shopper → item."""

    name = "followed"
    order = 100

    def takes(self, source: Source) -> bool:
        """Say whether it is a link followed by what shoppers chose together."""
        return not isinstance(source, str) and source.family == "followed"

    def message(self, context: ReasonContext) -> Message:
        """Say how many shoppers met both."""
        relation, chosen = context.meta_path.relation, context.meta_path.steps[-1].edge_type[1]
        link = say(f"linked.{relation}", words=words_of(relation))
        return say(f"followed.{chosen}", shoppers=other_users(context.count), count=context.count, history=context.history, link=link)


KIND = REASONS.register(Followed())
