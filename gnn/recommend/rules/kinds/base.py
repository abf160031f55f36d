"""What a kind of business rule is, what rules can do to a list, and the registry of kinds.

A kind turns a rule into any of four things, which lists apply in the same way for all kinds: an exclusion, an adjustment (a factor; the difference
is an addend of its own, so shares still add up to 1), pins, a cap. A new kind is one module in this folder, or an object that a package names in
the entry-point group `reckon.rule_kinds`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gnn.explain.messages.message import Text
from gnn.recommend.adjustments import Adjustment, Exclusion
from kg.registry import Registry

IntArray = npt.NDArray[np.int64]


class RuleFields(Protocol):
    """What a kind reads of a rule; `gnn.recommend.rules.definition.RuleBody` describes each."""

    @property
    def name(self) -> str: ...  # noqa: D102  (described there)

    @property
    def items(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def categories(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def brands(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def where(self) -> Mapping[str, object] | None: ...  # noqa: D102

    @property
    def place(self) -> int: ...  # noqa: D102

    @property
    def factor(self) -> float | None: ...  # noqa: D102

    @property
    def per(self) -> str | None: ...  # noqa: D102

    @property
    def most(self) -> int | None: ...  # noqa: D102


class IdentifiedRule(RuleFields, Protocol):
    """A rule with its id."""

    @property
    def rule_id(self) -> str: ...  # noqa: D102


class ValueLookup(Protocol):
    """Values of items, by item_num."""

    def get(self, num: int, default: tuple[int, ...], /) -> tuple[int, ...]:
        """Return the values of an item."""


class RuleItems(Protocol):
    """The items of a build, as rules name them; `gnn.recommend.rules.selection` reads them from an artifact."""

    def selected(self, rule: RuleFields) -> IntArray:
        """Return the item_nums that a rule is about, ascending: those it lists, and those that fulfil all else that it demands."""

    def listed(self, rule: RuleFields) -> IntArray:
        """Return the item_nums that a rule lists one by one, in its order."""

    def values(self, rule: RuleFields) -> ValueLookup:
        """Return the values of the relation `per` that a rule counts."""


@dataclass(frozen=True, slots=True)
class Pin:
    """An item that a rule puts at a position of the list.

    Attributes:
        rule: The rule.
        num: item_num.
        position: Of the list, from 1.
        sentence: From the rank that the item has by its score to the sentence of its reason.
    """

    rule: IdentifiedRule
    num: int
    position: int
    sentence: Callable[[int], Text]


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit on how many items of one value a list has.

    Attributes:
        rule: The rule.
        values: The values that count; items without any are not limited.
        most: Most items of one value.
    """

    rule: IdentifiedRule
    values: ValueLookup
    most: int


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """What a rule does to lists, by positions of a build.

    Attributes:
        exclusion: Items that are not shown.
        adjustment: Factors on the scores of items.
        pins: Items at fixed positions of personal, session and popular lists.
        cap: Most items of one value.
    """

    exclusion: Exclusion | None = None
    adjustment: Adjustment | None = None
    pins: tuple[Pin, ...] = ()
    cap: Cap | None = None


class RuleKind(Protocol):
    """A kind of business rule; subclass it and set what differs.

    Attributes:
        name: What the `action` of a rule calls it.
        summary: What it does with its items, one line without a full stop.
        fields: Fields of a rule that it reads, beside those that select items.
        order: Where it stands among the others; equal ones stand by name.
    """

    name: str
    summary: str
    fields: tuple[str, ...] = ()
    order: int = 100

    def fault(self, rule: RuleFields) -> str:
        """Say what a rule of this kind lacks; "" where it is complete.

        Args:
            rule: Whose fields are checked one by one already.
        """
        return "" if selects(rule) else f"{self.name} needs `items`, `categories`, `brands` or `where`"

    @abstractmethod
    def effect(self, rule: IdentifiedRule, items: RuleItems) -> RuleEffect:
        """Return what a rule does to lists; asked once per build and rule.

        Args:
            rule: A complete one of this kind.
            items: The items of the build.
        """


def selects(rule: RuleFields) -> bool:
    """Say whether a rule says which items it is about."""
    return bool(rule.items or rule.categories or rule.brands or rule.where is not None)


def adjustment(nums: IntArray, factor: float, sentence: Text) -> Adjustment:
    """Multiply the scores of items, with one sentence for all."""
    return Adjustment("rule", nums, np.full(len(nums), factor), [sentence] * len(nums))


RULE_KINDS: Registry[RuleKind] = Registry(
    "rule kind", RuleKind, group="reckon.rule_kinds", package="gnn.recommend.rules.kinds", order=lambda kind: kind.order
)


def summaries() -> str:
    """Return the kinds with what each does, in one line: what OpenAPI says of `action`."""
    return "; ".join(f"{kind.name}: {kind.summary}" for kind in RULE_KINDS)


def table() -> str:
    """Return the kinds as a Markdown table: what `docs/api.md` shows."""
    rows = [f"| `{kind.name}` | {', '.join(f'`{name}`' for name in kind.fields) or '—'} | {kind.summary} |" for kind in RULE_KINDS]
    return "\n".join(["| `action` | reads | what it does |", "| --- | --- | --- |", *rows])
