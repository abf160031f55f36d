"""Other shoppers met this item and one of the shopper's."""

from __future__ import annotations

from gnn.explain.kinds.base import REASONS, ReasonContext, ReasonKind, Source
from gnn.explain.messages.message import Message, say
from gnn.explain.sentences import RATED_HIGHLY, other_users
from kg import schema
from kg.field_names import words_of


class OtherShoppers(ReasonKind):
    """Paths item ← shopper → item."""

    name = "other_shoppers"
    order = 100

    def takes(self, source: Source) -> bool:
        """Say whether it is a meta-path through shoppers."""
        return not isinstance(source, str) and source.family == "interaction"

    def message(self, context: ReasonContext) -> Message:
        """Say how many shoppers did the same with both."""
        relation = context.meta_path.relation
        met = RATED_HIGHLY if context.high and relation == schema.RATED else relation
        return say(
            f"through.{'any' if context.several else 'both'}.{met}",
            shoppers=other_users(context.count),
            count=context.count,
            history=context.history,
            name=words_of(relation.removeprefix("did_")),
        )


KIND = REASONS.register(OtherShoppers())
