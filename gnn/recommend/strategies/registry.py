"""The strategies that there are: one per file of this folder, and those that installed packages bring.

A package brings strategies by entry points of the group `reckon.strategies`, each of the name of its strategy:

    [project.entry-points."reckon.strategies"]
    cheapest = "myshop.cheapest:STRATEGY"

The lists that the REST interface takes, its OpenAPI document, the help of the command line and the hints of errors all come from here.
"""

from __future__ import annotations

from gnn.recommend.strategies.base import Strategy
from kg.errors import InputError
from kg.registry import Registry

GROUP = "reckon.strategies"
STRATEGIES: Registry[Strategy] = Registry(
    "strategy", Strategy, group=GROUP, package="gnn.recommend.strategies", order=lambda strategy: strategy.order, error=InputError
)
_SHAPES_OF_THEIR_OWN = ("graph", "learned", "buy_again")
"""Kinds of reasons that have more than a sentence."""
_OF_NO_STRATEGY = ("catalogue", "impressions", "rule")
"""Kinds of reasons that are one sentence: what fills a list, and what adjusted it."""


def user_strategies() -> tuple[str, ...]:
    """Return the names of the strategies for a user, in their order."""
    return tuple(strategy.name for strategy in STRATEGIES if not strategy.anchor)


def statement_kinds() -> tuple[str, ...]:
    """Return the kinds of reasons that are one sentence and nothing else, those of strategies that explain by one first.

    The purchases behind `buy_again` make it a kind with a shape of its own.
    """
    own = (strategy.name for strategy in STRATEGIES if strategy.by_sentence and strategy.name not in (*_OF_NO_STRATEGY, *_SHAPES_OF_THEIR_OWN))
    return (*own, *_OF_NO_STRATEGY)


def strategy_of(name: str, *, around_items: bool = False) -> Strategy:
    """Return a strategy.

    Args:
        name: What it is called.
        around_items: One for a list around items; otherwise one for a user.

    Raises:
        InputError: There is none, or its package cannot be loaded.
    """
    known = tuple(strategy.name for strategy in STRATEGIES if bool(strategy.anchor) == around_items)
    if name not in known and name not in STRATEGIES.broken:
        raise InputError(f"there is no strategy {name[:60]!r}", hint=f"strategies are {', '.join(known)}")
    return STRATEGIES.get(name)


def summaries() -> str:
    """Return the strategies for a user with what each lists, in one line."""
    return "; ".join(f"{name}: {STRATEGIES.get(name).summary}" for name in user_strategies())


def table() -> str:
    """Return the strategies as a Markdown table: what `docs/api.md` shows."""
    rows = [f"| `{each.name}` | {'items' if each.anchor else 'a user'} | {each.summary}{_needs(each)} |" for each in STRATEGIES]
    return "\n".join(["| Strategy | For | Lists |", "| --- | --- | --- |", *rows])


def _needs(strategy: Strategy) -> str:
    return "; needs events with times" if strategy.needs_clock else ""
