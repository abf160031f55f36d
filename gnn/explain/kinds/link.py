"""A link of the shop's own between two items."""

from __future__ import annotations

from gnn.explain.kinds.base import REASONS, ReasonContext, ReasonKind, Source
from gnn.explain.messages.message import Message, say
from gnn.explain.sentences import link_name

_SYMMETRIC = frozenset({"bought_together"})
"""Links that say the same either way."""


class Link(ReasonKind):
    """Paths item → item, either way."""

    name = "link"
    order = 120

    def takes(self, source: Source) -> bool:
        """Say whether it is one step between items."""
        return not isinstance(source, str) and source.family == "item_item" and len(source.steps) == 1

    def message(self, context: ReasonContext) -> Message:
        """Say which way the link goes."""
        return self._said(context, "reverse" if context.meta_path.steps[0].reverse else "forward")

    def joined(self, first: ReasonContext, second: ReasonContext) -> Message | None:
        """Say a link once that goes both ways: between the same items, or any where it reads the same both ways."""
        if first.meta_path.relation != second.meta_path.relation:
            return None
        context = first.wider(second) if first.meta_path.relation in _SYMMETRIC else first if first.positions == second.positions else None
        return None if context is None else self._said(context, "both")

    def _said(self, context: ReasonContext, way: str) -> Message:
        relation = context.meta_path.relation
        return say(f"link.{way}.{relation}", name=link_name(relation), history=context.history)


KIND = REASONS.register(Link())
