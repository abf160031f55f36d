"""What a re-ranker is, the registry of re-rankers, and which of them a query asks for.

A new one is one module in this folder, or an object that a package names in the entry-point group `reckon.rerankers`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.graph.walks import FloatArray
from gnn.recommend.query import RecQuery
from gnn.recommend.rerankers.neighbourhoods import Neighbourhoods
from kg.errors import ConfigError, InputError
from kg.registry import Registry

IntArray = npt.NDArray[np.int64]
DEPTHS = (200, 2_000)
"""How many of the best re-rankers see: the first of these that holds the list, so that the pages of one list come from one order."""


@dataclass(frozen=True, slots=True)
class RerankContext:
    """What a list is re-ranked from.

    Attributes:
        query: What the caller asked for.
        neighbourhoods: Attribute values of items.
        end: Rank of the last item that is needed; the order after it does not matter.
    """

    query: RecQuery
    neighbourhoods: Neighbourhoods
    end: int

    @property
    def artifact(self) -> Artifact:
        """The items, with what changed since the build."""
        return self.neighbourhoods.artifact


class Reranker(Protocol):
    """Changes the order of the best items; subclass it and set what differs.

    Attributes:
        name: What `rerank` of a query and `reranked` of an answer call it.
        summary: What it does to a list, one line without a full stop.
        parameter: Attribute of `RecQuery` that turns it on, and that it reads; empty for one that a query names in `rerank`.
        deep: Whether it leaves items out, so that it has to see many to fill a list.
        order: When it is applied: smaller ones before larger ones; equal ones by name.
    """

    name: str
    summary: str
    parameter: str = ""
    deep: bool = False
    order: int = 100

    @abstractmethod
    def rerank(self, order: IntArray, scores: FloatArray, context: RerankContext) -> IntArray:
        """Return the item_nums in the order in which they are shown; some may be left out.

        Args:
            order: item_nums, best first.
            scores: Theirs, aligned.
            context: What else there is to know.
        """


_PLAIN = RecQuery()


def _unknown_parameter(reranker: Reranker) -> str:
    """Say whether it is turned on by something that no query has."""
    known = not reranker.parameter or hasattr(_PLAIN, reranker.parameter)
    return "" if known else f"is turned on by {reranker.parameter!r}, which queries do not have"


RERANKERS: Registry[Reranker] = Registry(
    "re-ranker",
    Reranker,
    group="reckon.rerankers",
    package="gnn.recommend.rerankers",
    order=lambda reranker: reranker.order,
    error=InputError,
    check=_unknown_parameter,
)


@dataclass(frozen=True, slots=True)
class Reranking:
    """What changes the order of one list.

    Attributes:
        names: The re-rankers, as they are applied.
        reorderings: The same, ready to apply.
        depth: How many of the best they see; 0 where nothing changes the order.
    """

    names: tuple[str, ...]
    reorderings: tuple[Callable[[IntArray, FloatArray], IntArray], ...]
    depth: int


def reranking(query: RecQuery, neighbourhoods: Neighbourhoods, *, rules: bool = False, rule_caps: bool = False) -> Reranking:
    """Return what a query wants re-ranked.

    Args:
        query: What the caller asked for.
        neighbourhoods: Attribute values of items.
        rules: Whether pins or caps of business rules follow.
        rule_caps: Whether caps do.

    Raises:
        InputError: A re-ranker that the query names is unknown, or turned on by a parameter that the query lacks.
    """
    end = query.offset + query.k + 1
    context = RerankContext(query, neighbourhoods, end)
    chosen = wanted_by(query)
    deep = rule_caps or any(reranker.deep for reranker in chosen)
    depth = next((depth for depth in DEPTHS[1 if deep else 0 :] if depth >= end), end) if chosen or rules else 0
    return Reranking(tuple(reranker.name for reranker in chosen), tuple(partial(_apply, reranker, context) for reranker in chosen), depth)


def _apply(reranker: Reranker, context: RerankContext, order: IntArray, scores: FloatArray) -> IntArray:
    """Re-rank, and refuse an order that shows an item twice or brings one in: it may have been excluded.

    Raises:
        ConfigError: A package brought such a re-ranker.
    """
    result = np.asarray(reranker.rerank(order, scores, context), dtype=np.int64)
    if len(np.unique(result)) != len(result) or not np.isin(result, order).all():
        hint = "mend or remove the package that brings it"
        raise ConfigError(f"the re-ranker {reranker.name!r} returned items twice, or others than it was given", hint=hint)
    return result


def wanted_by(query: RecQuery) -> list[Reranker]:
    """Return the re-rankers that a query turns on or names, as they are applied.

    Raises:
        InputError: One that it names is unknown, or is turned on by a parameter that it lacks.
    """
    for name in query.rerank:
        named = RERANKERS.get(name)
        if named.parameter and not _turned_on(named, query):
            raise InputError(f"the re-ranker {name!r} is turned on by {named.parameter!r}", hint=f"send {named.parameter}, or leave {name} out")
    return [reranker for reranker in RERANKERS if reranker.name in query.rerank or (reranker.parameter and _turned_on(reranker, query))]


def _turned_on(reranker: Reranker, query: RecQuery) -> bool:
    return bool(getattr(query, reranker.parameter) != getattr(_PLAIN, reranker.parameter))


def summaries() -> str:
    """Return the re-rankers with what each does, in one line: what OpenAPI and the command line say."""
    return "; ".join(f"{reranker.name}: {reranker.summary}" for reranker in RERANKERS)


def table() -> str:
    """Return the re-rankers as a Markdown table: what `docs/api.md` shows."""
    rows = [f"| `{each.name}` | {f'`{each.parameter}`' if each.parameter else f'`rerank={each.name}`'} | {each.summary} |" for each in RERANKERS]
    return "\n".join(["| Re-ranker | turned on by | does |", "| --- | --- | --- |", *rows])
