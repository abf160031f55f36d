"""Links from both items lead to the same products."""

from __future__ import annotations

from gnn.explain.kinds.base import REASONS, ReasonContext, ReasonKind, Source
from gnn.explain.messages.message import Message, say
from gnn.explain.sentences import attribute_name, link_name
from kg.schema import value_type


class SharedLinks(ReasonKind):
    """Paths item → product ← item; the products between are one reason together."""

    name = "shared_links"
    order = 120

    def takes(self, source: Source) -> bool:
        """Say whether it goes through a product, in the catalogue or outside."""
        if isinstance(source, str) or len(source.steps) == 1:
            return False
        return source.family == "item_item" or (source.family == "attribute" and source.steps[0].end != value_type(source.relation))

    def message(self, context: ReasonContext) -> Message:
        """Say what links both."""
        relation = context.meta_path.relation
        if relation.startswith("has_"):
            return say("attribute.linked", name=attribute_name(relation), history=context.history)
        return say(f"link.shared.{relation}", name=link_name(relation), history=context.history)

    def joined(self, first: ReasonContext, second: ReasonContext) -> Message | None:
        """Say once what products of the catalogue and products outside it link."""
        context = first.wider(second)
        return None if context is None or first.meta_path.relation != second.meta_path.relation else self.message(context)


KIND = REASONS.register(SharedLinks())
