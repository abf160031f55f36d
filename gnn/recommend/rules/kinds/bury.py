"""Scores that are multiplied with a factor below 1."""

from __future__ import annotations

from gnn.explain.messages.message import Quoted, plain, say
from gnn.recommend.rules.kinds.base import RULE_KINDS, IdentifiedRule, RuleEffect, RuleFields, RuleItems, RuleKind, adjustment


class Bury(RuleKind):
    """Lowers items."""

    name = "bury"
    summary = "multiplies scores with a factor below 1; what is taken off is an addend below 0"
    fields = ("factor",)
    order = 30

    def fault(self, rule: RuleFields) -> str:
        """Say what is missing: items, or a factor that lowers."""
        lowers = rule.factor is not None and rule.factor < 1
        return super().fault(rule) or ("" if lowers else "bury needs a `factor` below 1; `exclude` takes items out")

    def effect(self, rule: IdentifiedRule, items: RuleItems) -> RuleEffect:
        """Multiply the scores of the items."""
        factor = rule.factor or 1.0
        return RuleEffect(adjustment=adjustment(items.selected(rule), factor, say("rule.lowered", rule=Quoted(rule.name), factor=plain(factor))))


RULE_KINDS.register(Bury())
