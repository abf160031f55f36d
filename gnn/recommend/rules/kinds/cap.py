"""A limit on how many items of one brand or category a list has."""

from __future__ import annotations

from gnn.recommend.rules.kinds.base import RULE_KINDS, Cap, IdentifiedRule, RuleEffect, RuleFields, RuleItems, RuleKind


class CapValues(RuleKind):
    """Leaves out what is beyond the most items of one value."""

    name = "cap"
    summary = "leaves out what is beyond so many items of one brand or category in a list"
    fields = ("per", "most")
    order = 50

    def fault(self, rule: RuleFields) -> str:
        """Say what is missing: what is counted, and how many there may be; without items it counts all."""
        return "a cap needs `per` and `most`" if rule.per is None or rule.most is None else ""

    def effect(self, rule: IdentifiedRule, items: RuleItems) -> RuleEffect:
        """Limit the values."""
        return RuleEffect(cap=Cap(rule, items.values(rule), rule.most or 0))


RULE_KINDS.register(CapValues())
