"""Items that are not shown."""

from __future__ import annotations

from gnn.explain.messages.message import Quoted, say
from gnn.recommend.adjustments import Exclusion
from gnn.recommend.rules.kinds.base import RULE_KINDS, IdentifiedRule, RuleEffect, RuleItems, RuleKind


class Exclude(RuleKind):
    """Takes items out of all lists."""

    name = "exclude"
    summary = "takes items out of all lists"
    order = 40

    def effect(self, rule: IdentifiedRule, items: RuleItems) -> RuleEffect:
        """Exclude the items."""
        return RuleEffect(exclusion=Exclusion(say("why_not.rule", rule=Quoted(rule.name)), items.selected(rule)))


RULE_KINDS.register(Exclude())
