"""What was learned, without pretending that it is a path."""

from __future__ import annotations

from gnn.explain.kinds.base import REASONS, ReasonKind, Source, Tag, Told
from gnn.explain.messages.message import Message, say


class Learned(ReasonKind):
    """The learned part, from what shoppers chose together or from neighbours in the graph."""

    name = "learned"
    tag: Tag = "learned"
    order = 100

    def takes(self, source: Source) -> bool:
        """Say whether it was learned from choices."""
        return source == "chosen_together"

    def message(self, told: Told) -> Message:
        """Say what it was learned from, and whether it counts against the item."""
        learned = "both" if told.chosen and told.neighbours else "chosen" if told.chosen else "neighbours"
        return say(f"learned_against.{learned}" if told.against else f"learned.{learned}", history=told.history)


KIND = REASONS.register(Learned())
