"""Business rules over one build: which items they are about, for whom they hold now, and what they do to a list.

Nothing hides: an item whose score or place a rule changed has a reason that names the rule, and a list names the rules that took items out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from gnn.artifact.artifact import Artifact
from gnn.recommend.adjustments import Adjustment, Exclusion
from gnn.recommend.rules.definition import Rule
from gnn.recommend.rules.kinds.base import RULE_KINDS, Cap, Pin, RuleEffect
from gnn.recommend.rules.selection import BoolArray, Matching, Selection
from gnn.users.users import User
from kg.errors import ConfigError, ReckonError

log = logging.getLogger("reckon.plugins")
Declared = Callable[[str], Mapping[str, Sequence[str]]]


def nothing_declared(_: str) -> Mapping[str, Sequence[str]]:
    """Return what a user declared where nothing is known of that: nothing."""
    return {}


@dataclass(frozen=True, slots=True)
class ActiveRules:
    """The rules that hold for one user now.

    Attributes:
        effects: Each with what it does to lists.
    """

    effects: tuple[tuple[Rule, RuleEffect], ...] = ()

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """What they take out."""
        return tuple(effect.exclusion for _, effect in self.effects if effect.exclusion is not None)

    @property
    def adjustments(self) -> tuple[Adjustment, ...]:
        """What they do to scores."""
        return tuple(effect.adjustment for _, effect in self.effects if effect.adjustment is not None)

    @property
    def pins(self) -> tuple[Pin, ...]:
        """What they put at positions."""
        return tuple(pin for _, effect in self.effects for pin in effect.pins)

    @property
    def caps(self) -> tuple[Cap, ...]:
        """What they limit."""
        return tuple(effect.cap for _, effect in self.effects if effect.cap is not None)


NO_RULES = ActiveRules()


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule did to one list.

    Attributes:
        rule_id: Which rule.
        name: What it is called.
        action: What it does.
        items: Items of the list whose score or place it changed.
        n_left_out: Items it kept out: for an exclusion all it takes out of the shop, for a cap those that would have stood before the list's end.
    """

    rule_id: str
    name: str
    action: str
    items: tuple[str, ...] = ()
    n_left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A rule over a build.

    Attributes:
        rule: The rule.
        met: Items of which a user of its segment has met one, [n_items], or None.
        effect: What it does to lists.
    """

    rule: Rule
    met: BoolArray | None
    effect: RuleEffect


class Rules:
    """The rules of a shop, over one build.

    Args:
        rules: In the order in which they apply.
        artifact: The build.
        matching: What filters take.
        declared: user_id → what the user declared, attribute → values; asked only for rules whose segment needs it.
    """

    def __init__(self, rules: Sequence[Rule], artifact: Artifact, matching: Matching, declared: Declared = nothing_declared) -> None:
        self._selection, self._declared = Selection(artifact, matching), declared
        self.rules = tuple(rules)
        self.problems: dict[str, str] = {}
        """Rules that this build cannot apply, with what is wrong: a filter that names a relation which it does not have."""
        self._compiled = [compiled for rule in rules if (compiled := self._tried(rule)) is not None]

    def moment(self) -> Hashable:
        """Return what stands for these rules at this moment: while it stays equal, they do the same to the same shopper."""
        if any(each.rule.segment is not None and each.rule.segment.attributes for each in self._compiled):
            # What shoppers declare may change at any time.
            return object()
        now = datetime.fromtimestamp(time.time(), UTC)
        return tuple(each.rule.holds_at(now) for each in self._compiled)

    def active(self, user: User, *, now_s: float | None = None) -> ActiveRules:
        """Return the rules that hold for a user.

        Args:
            user: Whose list it is.
            now_s: Unix seconds; the present when left out.
        """
        if not self._compiled:
            return NO_RULES
        now = datetime.fromtimestamp(time.time() if now_s is None else now_s, UTC)
        return ActiveRules(tuple((each.rule, each.effect) for each in self._compiled if each.rule.holds_at(now) and self._is_of(each, user)))

    def _is_of(self, each: _Compiled, user: User) -> bool:
        segment = each.rule.segment
        if segment is None:
            return True
        if segment.history != "any" and (len(user.history.nums) > 0) != (segment.history == "some"):
            return False
        if each.met is not None:
            items = user.events.met()
            if not each.met[items[items < len(each.met)]].any():
                return False
        if not segment.attributes:
            return True
        declared = {} if user.user_id is None else self._declared(user.user_id)
        return all(set(declared.get(name, ())) & set(values) for name, values in segment.attributes.items())

    def _tried(self, rule: Rule) -> _Compiled | None:
        try:
            return self._compile(rule)
        except ReckonError as error:
            self.problems[rule.rule_id] = error.message
        except Exception as error:
            # A kind of a package that fails must not keep the shop from answering.
            log.exception("the rule kind %r cannot apply the rule %r", rule.action, rule.rule_id)
            self.problems[rule.rule_id] = f"the rule kind {rule.action!r} failed: {type(error).__name__}: {error}"
        return None

    def _compile(self, rule: Rule) -> _Compiled:
        segment = rule.segment
        met = None if segment is None else self._selection.met(segment.met, segment.met_items)
        effect = RULE_KINDS.get(rule.action).effect(rule, self._selection)
        _check_adjustment(effect, rule)
        return _Compiled(rule, met, effect)


def _check_adjustment(effect: RuleEffect, rule: Rule) -> None:
    """Refuse an adjustment with which shares would not add up, or scores would not rank.

    Raises:
        ConfigError: A package brought such a kind.
    """
    if effect.adjustment is None:
        return
    items, factors, messages = effect.adjustment.items, effect.adjustment.factors, effect.adjustment.messages
    if not len(np.unique(items)) == len(items) == len(factors) == len(messages) or not (np.isfinite(factors) & (factors > 0)).all():
        what = "an adjustment needs one finite factor above 0 and one message for each of its items"
        raise ConfigError(f"the rule kind {rule.action!r}: {what}", hint="mend or remove the package that brings it")
