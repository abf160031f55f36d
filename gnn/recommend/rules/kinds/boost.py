"""Scores that are multiplied with a factor above 1."""

from __future__ import annotations

from gnn.explain.messages.message import Quoted, plain, say
from gnn.recommend.rules.kinds.base import RULE_KINDS, IdentifiedRule, RuleEffect, RuleFields, RuleItems, RuleKind, adjustment


class Boost(RuleKind):
    """Raises items."""

    name = "boost"
    summary = "multiplies scores with a factor above 1; the difference is an addend with its share"
    fields = ("factor",)
    order = 20

    def fault(self, rule: RuleFields) -> str:
        """Say what is missing: items, or a factor that raises."""
        return super().fault(rule) or ("" if rule.factor is not None and rule.factor > 1 else "boost needs a `factor` above 1")

    def effect(self, rule: IdentifiedRule, items: RuleItems) -> RuleEffect:
        """Multiply the scores of the items."""
        factor = rule.factor or 1.0
        return RuleEffect(adjustment=adjustment(items.selected(rule), factor, say("rule.raised", rule=Quoted(rule.name), factor=plain(factor))))


RULE_KINDS.register(Boost())
