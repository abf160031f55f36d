"""What a kind of reason is, and the registry of kinds.

A score is a sum of addends. Those that come from one source, a meta-path or a learned part, become reasons of the first kind that takes the
source. A new kind is one module in `gnn/explain/kinds`, or an object that a package names in the entry-point group `reckon.reasons`.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from gnn.explain.messages.message import Message
from kg.registry import Registry
from kg.schema import MetaPath

Learned = Literal["chosen_together", "read_alike"]
"""What the learned part comes from: what shoppers chose together, or items that read like what nobody has chosen yet."""
Source: TypeAlias = "MetaPath | Learned"
Scope = Literal["anywhere", "category", "kind", "nowhere"]
"""Where a shared value may be a reason: between any two items, between items that share a category ("500 g": tea and coffee), between items of one
kind ("12 pack": eggs, and not chewing gum), or not at all."""
Tag = Literal["graph", "learned"]


@dataclass(frozen=True, slots=True)
class ReasonContext:
    """What a reason is made from.

    Attributes:
        source: Where its addends come from.
        history: The history items behind it, as `gnn.explain.sentences.history_text` names them.
        positions: The same items, as positions in the history.
        value: What the items share; empty where the addends are not grouped by value.
        count: Other shoppers on the paths.
        high: All ratings on the paths are high.
        chosen: Learned from what shoppers chose.
        neighbours: Learned from neighbours in the graph, as nobody chose one of the items.
        against: The addends count against the item.
    """

    source: Source
    history: Message
    positions: frozenset[int] = frozenset()
    value: str = ""
    count: int = 0
    high: bool = False
    chosen: bool = True
    neighbours: bool = False
    against: bool = False

    @property
    def several(self) -> bool:
        """Whether more than one history item is behind it."""
        return len(self.positions) > 1

    def wider(self, other: ReasonContext) -> ReasonContext | None:
        """Return which of two is of all history items of both; this one where they are of the same, None where neither is."""
        if other.positions <= self.positions:
            return self
        return other if self.positions < other.positions else None

    @property
    def meta_path(self) -> MetaPath:
        """The meta-path of the addends.

        Raises:
            TypeError: They are learned.
        """
        if isinstance(self.source, str):
            raise TypeError(f"{self.source} is no meta-path")
        return self.source


@runtime_checkable
class ReasonKind(Protocol):
    """A kind of reason. A class that names this one as its base inherits the defaults.

    Attributes:
        name: What it is called: small letters, digits and _.
        tag: The `kind` of its reasons in answers: "graph" has paths, "learned" has none.
        order: Kinds are asked in this order; Reckon's own begin at 100, so that a smaller number goes before them.
        by_value: Whether addends through each shared value are a reason of their own; else those of a source are one.
    """

    name: str
    tag: Tag = "graph"
    order: int = 50
    by_value: bool = False

    @abstractmethod
    def takes(self, source: Source) -> bool:
        """Say whether addends of a source become reasons of this kind."""

    @abstractmethod
    def message(self, context: ReasonContext) -> Message:
        """Say the reason. Every number in it must be true of the addends."""

    def scope(self, source: Source, value: str) -> Scope:
        """Say where a shared value may be a reason; addends that it leaves out are part of the remainder."""
        return "anywhere"

    def by_name(self, context: ReasonContext) -> Message | None:
        """Say what is left out everywhere by its name alone, for an item to which nothing else leads; None where the name says nothing either."""
        return None

    def joined(self, first: ReasonContext, second: ReasonContext) -> Message | None:
        """Say two reasons of one item in one sentence, or return None where both have something to say.

        Args:
            first: The one with the larger share.
            second: The other one.
        """
        return said if (said := self.message(first)) == self.message(second) else None


def _takes_a_wrong_tag(kind: ReasonKind) -> str:
    """Say what is wrong with a kind beyond its members."""
    return "" if kind.tag in ("graph", "learned") else f"has the tag {kind.tag!r}; it is graph or learned"


REASONS: Registry[ReasonKind] = Registry(
    "reason", ReasonKind, group="reckon.reasons", package="gnn.explain.kinds", order=lambda kind: kind.order, check=_takes_a_wrong_tag
)


@lru_cache(maxsize=4_096)
def kind_of(source: Source) -> ReasonKind:
    """Return the kind that the addends of a source become.

    Raises:
        LookupError: No kind takes it; Reckon's own take every meta-path and both learned parts.
    """
    for kind in REASONS:
        if (kind.tag == "learned") == isinstance(source, str) and kind.takes(source):
            return kind
    raise LookupError(f"no kind of reason takes {source}")
