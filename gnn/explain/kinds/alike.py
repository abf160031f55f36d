"""What an item that nobody has met takes from the items that it reads like."""

from __future__ import annotations

from gnn.explain.kinds.base import REASONS, ReasonContext, ReasonKind, Source, Tag
from gnn.explain.messages.message import Message, say


class Alike(ReasonKind):
    """The learned part of items that read alike."""

    name = "alike"
    tag: Tag = "learned"
    order = 100

    def takes(self, source: Source) -> bool:
        """Say whether it was learned from what items read like."""
        return source == "read_alike"

    def message(self, context: ReasonContext) -> Message:
        """Say that title and details are alike."""
        return say("learned.alike", history=context.history)


KIND = REASONS.register(Alike())
