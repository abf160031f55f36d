"""What a brief answer shows, measured: how varied its reasons are, how popular what they name, and whether they name anything.

    ETD        distinct relations among the reasons shown in a list, over the smaller of how many are shown and how many relations the model counts
    SEP        popularity of the values and products that shown paths go through, 0…1
    concrete   share of items whose reasons name a shared value, a link, or shoppers who met both: a path with its items, not learned similarity alone
    in a row   most reasons of one relation in a row

Source: Balloccu et al. 2022 (doi:10.1145/3477495.3532041) for ETD and SEP; here they are taken of what is shown, not of one path per item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from gnn.artifact.artifact import Artifact
from gnn.explain.reasons import Explanation, Node, Path, Reason
from gnn.graph.walks import FloatArray
from kg import schema

Popularity = Callable[[str], FloatArray]
"""The smoothed popularity of all nodes of a type, 0…1."""


def longest_run(reasons: Sequence[Reason]) -> int:
    """Return how many reasons of one relation stand in a row at most."""
    return max((sum(1 for _ in run) for _, run in groupby(reasons, key=lambda reason: reason.about)), default=0)


def is_concrete(explanation: Explanation) -> bool:
    """Say whether a shown reason has a path."""
    return any(reason.paths for reason in explanation.reasons)


def diversity(explanations: Sequence[Explanation], n_relations: int) -> float | None:
    """Return the ETD of the reasons shown in a list; None where none is shown."""
    shown = [reason.about for explanation in explanations for reason in explanation.reasons if reason.kind == "graph"]
    return len(set(shown)) / min(len(shown), n_relations) if shown and n_relations else None


class SharedEntities:
    """Looks up how popular the entities on shown paths are.

    Args:
        artifact: The build.
        popularity: Of the nodes of a type.
    """

    def __init__(self, artifact: Artifact, popularity: Popularity) -> None:
        self._popularity = popularity
        types = ["item", *artifact.node_keys]
        self._types = {schema.node_type(name).label: name for name in types}
        self._nums = {name: {key: num for num, key in enumerate(artifact.node_keys[name])} for name in artifact.node_keys}
        self._nums["item"] = artifact.item_nums

    def popularity(self, explanation: Explanation) -> list[float]:
        """Return the popularity of what the first path of each shown reason goes through; paths through shoppers name nobody and have none."""
        paths = (reason.paths[0] for reason in explanation.reasons if reason.paths)
        return [self._of(node) for path in paths for node in _between(path)]

    def _of(self, node: Node) -> float:
        name = self._types[node.label]
        return float(self._popularity(name)[self._nums[name][next(iter((node.key or {}).values()))]])


def _between(path: Path) -> list[Node]:
    """Return the last inner node of a path, where it is no shopper."""
    inner = path.nodes[:-1]
    last = inner[-1] if len(inner) > (2 if inner[0].label == schema.USER.label else 1) else None
    return [] if last is None or last.label == schema.USER.label or not last.key else [last]
