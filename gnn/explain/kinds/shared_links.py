"""Links from both items lead to the same products."""

from __future__ import annotations

from gnn.explain.kinds.base import REASONS, ReasonKind, Source, Told
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

    def message(self, told: Told) -> Message:
        """Say what links both."""
        relation = told.meta_path.relation
        if relation.startswith("has_"):
            return say("attribute.linked", name=attribute_name(relation), history=told.history)
        return say(f"link.shared.{relation}", name=link_name(relation), history=told.history)

    def joined(self, first: Told, second: Told) -> Message | None:
        """Say once what products of the catalogue and products outside it link."""
        told = first.wider(second)
        return None if told is None or first.meta_path.relation != second.meta_path.relation else self.message(told)


KIND = REASONS.register(SharedLinks())
