"""Items that read alike: what an item that nobody has met takes from the items of the build whose titles and attributes are like its own.

    T(j, i) = Σ_{n ∈ N(i)} w_in · K(j, n)

K is all that the build's score gives from one item to another, N(i) are the items whose titles and attributes are most like those of i, and
w_in ∝ cos(i, n)³ with the largest cosine as their sum. The paths that i has itself are counted first, and only what T exceeds them by is added, so
nothing counts twice. It depends on j and i alone, so it is an exact addend per history item; it is no path, and is shown as learned.

What nearly equals an item j of the history (a cosine of `NEAR` at least) is what its shopper would look at beside the best of the list, however long
the history is: where its score is below

    s_10 + cos(i, j)² · (s_1 - s_10)

it is raised to that, s_1 and s_10 being the best and the tenth best score of the build's items that the shopper has not met. What it is raised by is
one addend of j, and shown with the rest of T.

Source: attribute-to-collaborative mapping for new items by the nearest items, Gantner et al. 2010, doi:10.1109/ICDM.2010.129, section 4 (k-NN).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact
from gnn.graph.walks import FloatArray, kth_largest, largest
from gnn.live.rows import LiveItem, position
from gnn.model.scorer import IntArray, Values
from kg.schema import EdgeType, family

NEAREST = 10
LEAST_COSINE = 0.35
"""Below this, two items share words that many share."""
NEAR = 0.6
"""From here on, two items are the same but for a detail."""
LENGTH = 10
"""A list that a shopper sees at once."""
KEPT = 500
"""History items kept per new item, the strongest."""
_SHARPNESS = 3.0
_RUNS = re.compile(r"[^\W_]+")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def words_of(title: str) -> list[str]:
    """Return the words of a title; of scripts that are written without spaces, each pair of characters."""
    words: list[str] = []
    for run in _RUNS.findall(unicodedata.normalize("NFKC", title).casefold()):
        words += [run] if not _IDEOGRAPHS.search(run) else [run[at : at + 2] for at in range(max(1, len(run) - 1))]
    return words


@dataclass(frozen=True)
class Readings:
    """The titles and attributes of a build's items, weighted by how few items share them.

    Attributes:
        rows: Of length 1 each, [n_items, n words + n values].
        words: Word → column.
        values: Attribute edge type → its first column.
        rarity: log((1 + items) / items with it), [n columns].
    """

    rows: sp.csr_matrix
    words: Mapping[str, int]
    values: Mapping[EdgeType, int]
    rarity: FloatArray

    @classmethod
    def of(cls, artifact: Artifact) -> Readings:
        """Read a build."""
        words: dict[str, int] = {}
        columns: list[int] = []
        lengths = [0]
        for title in artifact.titles:
            columns += [words.setdefault(word, len(words)) for word in dict.fromkeys(words_of(title))]
            lengths.append(len(columns))
        titles = sp.csr_matrix((np.ones(len(columns), dtype=np.float32), columns, lengths), shape=(artifact.n_items, len(words)))
        parts, values, end = [titles], {}, len(words)
        for edge_type, edges in artifact.edges.items():
            if family(edge_type) == "attribute":
                values[edge_type] = end
                parts.append(edges.forward)
                end += edges.forward.shape[1]
        ones = sp.csr_matrix(sp.hstack(parts, format="csr", dtype=np.float32))
        shared = np.maximum(np.asarray(ones.sum(axis=0), dtype=np.float32).ravel(), 1.0)
        rarity: FloatArray = np.log((1.0 + artifact.n_items) / shared).astype(np.float32)
        rows = ones.multiply(rarity[None, :]).tocsr()
        norm = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        return cls(sp.csr_matrix(sp.diags(np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)) @ rows), words, values, rarity)

    def nearest(self, artifact: Artifact, item: LiveItem, num: int) -> tuple[IntArray, Values]:
        """Return the items that read most like one, and their cosines.

        Args:
            artifact: The build.
            item: As it is now.
            num: Its number; where the build has it, it is not like itself.
        """
        columns = [self.words.get(word, -1) for word in dict.fromkeys(words_of(item.title))]
        for edge_type, values in item.facts.items():
            columns += [self._column(artifact, edge_type, value) for value in values]
        known = np.asarray([column for column in columns if column >= 0], dtype=np.int64)
        if not len(known):
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        rarity = self.rarity[known].astype(np.float64)
        # What no item of the build has says how unlike they are, as much as another word does.
        norm = float(np.sqrt((rarity**2).sum() + (len(columns) - len(known)) * rarity.mean() ** 2))
        query = sp.csr_matrix((rarity / norm, (known, np.zeros(len(known), dtype=np.int64))), shape=(self.rows.shape[1], 1)) if norm > 0 else None
        if query is None:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        cosines = np.asarray((self.rows @ query).todense(), dtype=np.float64).ravel()
        if num < len(cosines):
            cosines[num] = 0.0
        best = largest(cosines, None, NEAREST)
        best = best[cosines[best] >= LEAST_COSINE]
        return best, np.minimum(cosines[best], 1.0)

    def _column(self, artifact: Artifact, edge_type: EdgeType, value: str) -> int:
        first = self.values.get(edge_type)
        place = -1 if first is None else position(artifact.node_keys.get(edge_type[2], []), value)
        return first + place if first is not None and place >= 0 else -1


@dataclass
class Likeness:
    """What was worked out about a build, item by item; it serves every overlay of it.

    Attributes:
        columns: What makes an item → the items that lead to it because it reads like others, and by how much.
        near: What makes an item → the items that nearly equal it, and their cosines.
        readings: The titles and attributes of the build's items; None until they are needed.
    """

    columns: dict[Hashable, tuple[IntArray, Values]] = field(default_factory=dict)
    near: dict[Hashable, tuple[IntArray, Values]] = field(default_factory=dict)
    readings: Readings | None = None

    def matrix(
        self, artifact: Artifact, items: Sequence[LiveItem], eventless: Mapping[int, int], own: Callable[[int, IntArray], Values], n_items: int
    ) -> sp.csr_matrix:
        """Return what items of the build add to live items that nobody has met, because these read like others.

        Args:
            artifact: The build.
            items: The live items.
            eventless: Place of each that nobody has met → its number.
            own: Place and items of the build → what these give to it by its own paths and its embedding.
            n_items: Number of items, live ones included.

        Shapes:
            → [n_items, n live].
        """
        wanted = [place for place in eventless if items[place].reading not in self.columns]
        if wanted:
            read = self.readings = Readings.of(artifact) if self.readings is None else self.readings
            near = [read.nearest(artifact, items[place], eventless[place]) for place in wanted]
            for place, (nums, cosines), whole in zip(wanted, near, likeness(artifact, near), strict=True):
                self.columns[items[place].reading] = strongest(whole)
                self.near[items[place].reading] = nums[cosines >= NEAR], cosines[cosines >= NEAR]
        # What it has of its own depends on the other live items too, so only the whole is remembered.
        columns = [_beyond(*self.columns[item.reading], partial(own, place)) if place in eventless else _NOTHING for place, item in enumerate(items)]
        return _columns(columns, n_items)

    def twins(self, items: Sequence[LiveItem], eventless: Mapping[int, int], n_items: int) -> sp.csr_matrix:
        """Return the cosines of the items that nearly equal live ones; `matrix` has read them.

        Shapes:
            → [n_items, n live].
        """
        return _columns([self.near[item.reading] if place in eventless else _NOTHING for place, item in enumerate(items)], n_items)


_NOTHING: tuple[IntArray, Values] = (np.zeros(0, dtype=np.int64), np.zeros(0))


def _columns(columns: Sequence[tuple[IntArray, Values]], n_items: int) -> sp.csr_matrix:
    indptr = np.cumsum([0, *(len(rows) for rows, _ in columns)])
    rows, values = (np.concatenate(parts) for parts in zip(_NOTHING, *columns, strict=True))
    return sp.csr_matrix(sp.csc_matrix((values, rows, indptr), shape=(n_items, len(columns))))


def raised(near: sp.csr_matrix, nums: IntArray, built: FloatArray, live: Values) -> tuple[Values, IntArray]:
    """Return by how much live items are raised that nearly equal an item of a history, and which item of it that is.

    Args:
        near: Cosines of the history items and the live ones, [n history items, n live].
        nums: The history items that the build has.
        built: Scores of the build's items, [n_base]; -inf where an item is not the build's any more.
        live: Scores of the live items, [n live].

    Shapes:
        → [n live], and places in the history, [n live].
    """
    nothing = np.zeros(len(live)), np.zeros(len(live), dtype=np.int64)
    if not near.nnz:
        return nothing
    unseen = built.astype(np.float64)
    unseen[nums] = -np.inf
    unseen = unseen[np.isfinite(unseen)]
    best = float(unseen.max(initial=0.0))
    if best <= 0:
        return nothing
    tenth = max(kth_largest(unseen, LENGTH), 0.0) if len(unseen) >= LENGTH else 0.0
    cosines = np.asarray(near.max(axis=0).todense()).ravel()
    wanted = np.where(cosines > 0, tenth + cosines**2 * (best - tenth), -np.inf)
    return np.maximum(wanted - live, 0.0), np.asarray(near.argmax(axis=0)).ravel().astype(np.int64)


def _beyond(nums: IntArray, whole: Values, own: Callable[[IntArray], Values]) -> tuple[IntArray, Values]:
    left = whole - own(nums) if len(nums) else whole
    return nums[left > 0], left[left > 0]


def likeness(artifact: Artifact, near: Sequence[tuple[IntArray, Values]]) -> list[Values]:
    """Return T(·, i) of some items.

    Args:
        artifact: The build.
        near: The items most like each, and their cosines.

    Shapes:
        → one array [n_items] per item.
    """
    union = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(nums for nums, _ in near)]))
    columns = _scores_to(artifact, union)
    totals = []
    for nums, cosines in near:
        total = np.zeros(artifact.n_items)
        if len(nums):
            weights = cosines**_SHARPNESS
            weights *= cosines[0] / weights.sum()
            total += columns[:, np.searchsorted(union, nums)] @ weights
        totals.append(total)
    return totals


def strongest(values: Values) -> tuple[IntArray, Values]:
    """Return the places and values of what is above 0, of the strongest alone where these are many."""
    places = np.flatnonzero(values > 0)
    if len(places) > KEPT:
        places = np.sort(places[largest(values[places], None, KEPT)])
    return places.astype(np.int64), values[places]


def _scores_to(artifact: Artifact, nums: IntArray) -> Values:
    """Return what every item, as the only one of a history, gives to some items: [n_items, n]."""
    model = artifact.model
    scores = np.asarray(artifact.neighbours[:, nums].todense(), dtype=np.float64)
    if model.has_weights and model.item_weights is not None:
        scores += model.weights_gate * np.asarray(model.item_weights[:, nums].todense(), dtype=np.float64)
    if model.has_embeddings:
        scores += model.learned_gate * (model.source_embeddings @ model.target_embeddings[nums].T)
    return scores
