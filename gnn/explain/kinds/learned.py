"""What was learned, without pretending that it is a path."""

from __future__ import annotations

from gnn.explain.kinds.base import REASONS, ReasonContext, ReasonKind, Source, Tag
from gnn.explain.messages.message import Message, say


class Learned(ReasonKind):
    """The learned part, from what shoppers chose together or from neighbours in the graph."""

    name = "learned"
    tag: Tag = "learned"
    order = 100

    def takes(self, source: Source) -> bool:
        """Say whether it was learned from choices."""
        return source == "chosen_together"

    def message(self, context: ReasonContext) -> Message:
        """Say what it was learned from, and whether it counts against the item."""
        learned = "both" if context.chosen and context.neighbours else "chosen" if context.chosen else "neighbours"
        return say(f"learned_against.{learned}" if context.against else f"learned.{learned}", history=context.history)


KIND = REASONS.register(Learned())
