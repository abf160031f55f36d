"""Items at fixed positions of the list."""

from __future__ import annotations

from functools import partial

from gnn.explain.messages.message import Message, Quoted, say
from gnn.recommend.rules.kinds.base import RULE_KINDS, IdentifiedRule, Pin, RuleEffect, RuleFields, RuleItems, RuleKind


class PinItems(RuleKind):
    """Puts items at positions, unless they are excluded: what is unavailable, excluded by a rule or already met stays out."""

    name = "pin"
    summary = "puts items at positions of personal, session and popular lists; never what is unavailable, excluded or already met"
    fields = ("items", "place")
    order = 10

    def fault(self, rule: RuleFields) -> str:
        """Say what is missing: the items one by one, for their order is the list's."""
        if not rule.items or rule.categories or rule.brands or rule.where is not None:
            return super().fault(rule) or "pin takes `items` alone, in their order"
        return ""

    def effect(self, rule: IdentifiedRule, items: RuleItems) -> RuleEffect:
        """Pin the items one after the other."""
        sentence = partial(_sentence, rule.name)
        return RuleEffect(pins=tuple(Pin(rule, num, rule.place + n, sentence) for n, num in enumerate(items.listed(rule).tolist())))


def _sentence(rule_name: str, rank_by_score: int) -> Message:
    return say("rule.placed", rule=Quoted(rule_name), rank=rank_by_score)


RULE_KINDS.register(PinItems())
