"""A link of the shop's own between two items."""

from __future__ import annotations

from gnn.explain.kinds.base import REASONS, ReasonKind, Source, Told
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

    def message(self, told: Told) -> Message:
        """Say which way the link goes."""
        return self._said(told, "reverse" if told.meta_path.steps[0].reverse else "forward")

    def joined(self, first: Told, second: Told) -> Message | None:
        """Say a link once that goes both ways: between the same items, or any where it reads the same both ways."""
        if first.meta_path.relation != second.meta_path.relation:
            return None
        told = first.wider(second) if first.meta_path.relation in _SYMMETRIC else first if first.positions == second.positions else None
        return None if told is None else self._said(told, "both")

    def _said(self, told: Told, way: str) -> Message:
        relation = told.meta_path.relation
        return say(f"link.{way}.{relation}", name=link_name(relation), history=told.history)


KIND = REASONS.register(Link())
