"""The scorer that evaluation, batch recommendation and serving share: every score is a sum over graph paths and history items.

    s(u, i) = f_i · Σ_{j ∈ H_u} c_uj · [ Σ_m g_m · w_m(j, i)  +  g_L · ⟨a_j, b_i⟩  +  g_B · B_ji ]

f_i = season_i · max(1, p_i)^e is the factor of an item: the season (`gnn.model.season`), and p_i the shoppers who met the item; 1 where neither was
learned. The b_i and B_ji of a model with a factor have been multiplied with it.

⟨a_j, b_i⟩ (`gnn.training.factors`) and B_ji (`gnn.training.regression`) are learned, exact per history item, and shown together as the learned part.

Only the strongest `neighbours` targets of each history item take part in the graph sum: a pair (j, i) is kept with all its paths or dropped with
all of them, so the shares of the paths stay exact.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import FloatArray, WalkWeights, step_matrices, top_per_row
from gnn.model.closed import BoundedGate, ClosedGate, GraphFirstPoint
from gnn.model.copurchases import CoPurchases
from gnn.model.history import HistoryWeights
from gnn.model.season import Season
from gnn.ratings import RatingWeights
from kg.schema import kind_of

IntArray = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_CHUNK_CELLS = 20_000_000


@dataclass(frozen=True)
class PathModel:
    """Everything learned.

    Attributes:
        walks: The meta-paths with gates and exponents.
        history: How history items are weighted.
        source_embeddings: a_j, [n_items, d]; d may be 0.
        target_embeddings: b_i, [n_items, d].
        learned_gate: g_L.
        neighbours: Targets kept per history item in the graph sum.
        item_weights: B, [n_items, n_items], row j, column i; None where nothing was regressed.
        weights_gate: g_B.
        season: What the season was reckoned with; None without.
        factor: f, [n_items], in `target_embeddings` and `item_weights` already; None for ones.
        popularity_exponent: e, of the shoppers who met the recommended item, on everything that the item has; 0 without.
        closed: Parts that tuning closed, as they help nobody.
        bounded: Parts that count less than they were tuned to, as they move more of a list than they are worth.
        graph_first: How large the gate of the embeddings may be, and what each size costs and gives.
        copurchases: What of the learned parts runs over paths through other shoppers; None where that is not known.
    """

    walks: tuple[WalkWeights, ...]
    history: HistoryWeights
    source_embeddings: FloatArray
    target_embeddings: FloatArray
    learned_gate: float
    neighbours: int = 500
    item_weights: sp.csr_matrix | None = None
    weights_gate: float = 0.0
    season: Season | None = None
    factor: FloatArray | None = None
    popularity_exponent: float = 0.0
    closed: tuple[ClosedGate, ...] = ()
    bounded: tuple[BoundedGate, ...] = ()
    graph_first: tuple[GraphFirstPoint, ...] = ()
    copurchases: CoPurchases | None = None

    def multiplied(self, factor: FloatArray) -> PathModel:
        """Return the model with f, of one without."""
        weights = None if self.item_weights is None else sp.csr_matrix(self.item_weights @ sp.diags(factor), dtype=np.float32)
        shared = None if self.copurchases is None else self.copurchases.multiplied(factor)
        return replace(self, target_embeddings=self.target_embeddings * factor[:, None], item_weights=weights, factor=factor, copurchases=shared)

    def factor_of(self, num: int) -> float:
        """Return f of an item; 1 of one that the model does not know."""
        return 1.0 if self.factor is None or num >= len(self.factor) else float(self.factor[num])

    @property
    def has_embeddings(self) -> bool:
        """Whether the learned embeddings add to any score."""
        return self.learned_gate > 0 and self.source_embeddings.shape[1] > 0

    @property
    def has_weights(self) -> bool:
        """Whether the learned item–item weights add to any score."""
        return self.weights_gate > 0 and self.item_weights is not None and self.item_weights.nnz > 0

    def embedding_pairs(self, nums: IntArray, item: int) -> Values:
        """Return what the embeddings give from each of some items to one item: g_L ⟨a_j, b_i⟩.

        Shapes:
            nums [n] → [n], float64.
        """
        if not self.has_embeddings or not len(nums):
            return np.zeros(len(nums))
        products = self.source_embeddings[nums].astype(np.float64) @ self.target_embeddings[item].astype(np.float64)
        return np.asarray(self.learned_gate * products)

    def weight_pairs(self, nums: IntArray, item: int) -> Values:
        """Return what the item–item weights give from each of some items to one item: g_B B_ji.

        Shapes:
            nums [n] → [n], float64.
        """
        if not self.has_weights or self.item_weights is None or not len(nums):
            return np.zeros(len(nums))
        entries = np.asarray(self.item_weights[nums, np.full(len(nums), item)], dtype=np.float64).ravel()
        return np.asarray(self.weights_gate * entries)

    def learned_pairs(self, nums: IntArray, item: int) -> Values:
        """Return what both learned parts give from each of some items to one item.

        Shapes:
            nums [n] → [n], float64.
        """
        return np.asarray(self.embedding_pairs(nums, item) + self.weight_pairs(nums, item))

    def learned_among(self, nums: IntArray, items: IntArray) -> Values:
        """Return what both learned parts give from each of some items to each of some others.

        Shapes:
            nums [n], items [k] → [k, n], float64.
        """
        learned = np.zeros((len(items), len(nums)))
        if self.has_embeddings:
            learned += self.learned_gate * (self.target_embeddings[items].astype(np.float64) @ self.source_embeddings[nums].astype(np.float64).T)
        if self.has_weights and self.item_weights is not None:
            places, positions, values = entries_among(self.item_weights, nums, items)
            learned[places, positions] += self.weights_gate * values
        return learned

    def weight_scores(self, history: sp.csr_matrix) -> FloatArray:
        """Return what the item–item weights give to every item for a batch of histories.

        Shapes:
            history [B, n_items] → [B, n_items], float32.
        """
        if not self.has_weights or self.item_weights is None:
            return np.zeros(history.shape, dtype=np.float32)
        return np.asarray(np.float32(self.weights_gate) * graph_scores(history, self.item_weights))

    def learned_scores(self, history: sp.csr_matrix) -> FloatArray:
        """Return what both learned parts give to every item for a batch of histories.

        Shapes:
            history [B, n_items] → [B, n_items], float32.
        """
        scores = self.weight_scores(history)
        if self.has_embeddings:
            scores += (np.float32(self.learned_gate) * (history @ self.source_embeddings)) @ self.target_embeddings.T
        return scores

    def learned_column(self, item: int) -> FloatArray:
        """Return what the learned parts give from every item to one item.

        Shapes:
            → [n_items], float32.
        """
        column: FloatArray = np.zeros(len(self.source_embeddings), dtype=np.float32)
        if self.has_embeddings:
            column += np.float32(self.learned_gate) * (self.source_embeddings @ self.target_embeddings[item])
        if self.has_weights and self.item_weights is not None:
            places = np.flatnonzero(np.asarray(self.item_weights.indices) == item)
            rows = np.searchsorted(self.item_weights.indptr, places, side="right") - 1
            column[rows] += np.float32(self.weights_gate) * self.item_weights.data[places]
        return column


def history_weights(graph: GraphArrays, weights: HistoryWeights) -> sp.csr_matrix:
    """Return the weight of every item in every user's history.

    Age counts from the user's own last event, so that a shopper who comes back after a year is still known.

    Shapes:
        [n_users, n_items], float32; rows of Euclidean norm 1 (or 0) before ratings are multiplied in.
    """
    total = sp.csr_matrix((graph.n_users, graph.n_items), dtype=np.float32)
    last = _last_times(graph)
    for edge_type, frame in graph.edges.items():
        weight = weights.weight(kind_of(edge_type[1])) if edge_type[0] == "user" and edge_type[2] == "item" else 0.0
        if weight:
            users, items = frame["source_num"].to_numpy(), frame["target_num"].to_numpy()
            values = weights.of_events(weight, frame["count"].to_numpy(), last[users] - frame["last_time"].fill_null(np.nan).to_numpy())
            total = total + sp.csr_matrix((values.astype(np.float32), (users, items)), shape=total.shape)
    histories = normalised(total)
    return histories if weights.ratings is None else times_ratings(histories, *rated_pairs(graph), weights.ratings)


def rated_pairs(graph: GraphArrays) -> tuple[IntArray, IntArray, Values]:
    """Return user, item and rating of every pair that has one, the last one given."""
    columns = pl.Schema({"source_num": pl.Int64, "target_num": pl.Int64, "last_time": pl.Float64, "rating": pl.Float64})
    rated = [frame.select(columns.names()).cast(columns) for frame in graph.edges.values() if "rating" in frame.columns]
    last = pl.concat([pl.DataFrame(schema=columns), *rated]).drop_nulls("rating").sort("last_time", "rating", nulls_last=False)
    last = last.unique(["source_num", "target_num"], keep="last", maintain_order=True)
    users, items, given = (last[name].to_numpy() for name in ("source_num", "target_num", "rating"))
    return users, items, given


def times_ratings(rows: sp.csr_matrix, users: IntArray, items: IntArray, ratings: Values, weights: RatingWeights) -> sp.csr_matrix:
    """Multiply histories with what ratings say.

    Args:
        rows: c without them, [n_users, n_items].
        users: Whose each rating is.
        items: Of what.
        ratings: The ratings, one per user and item.
        weights: What they say.
    """
    beyond = weights.factors(np.asarray(ratings, dtype=np.float64), users) - 1
    rated = sp.csr_matrix(rows + rows.multiply(sp.csr_matrix((beyond.astype(rows.dtype), (users, items)), shape=rows.shape)))
    rated.eliminate_zeros()
    return rated


def normalised(rows: sp.csr_matrix) -> sp.csr_matrix:
    """Divide each row by its Euclidean norm."""
    norm = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    scale = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
    return sp.csr_matrix(sp.diags(scale.astype(np.float32)) @ rows)


def _last_times(graph: GraphArrays) -> np.ndarray:
    last = np.full(graph.n_users, -np.inf)
    for edge_type, frame in graph.edges.items():
        if edge_type[0] == "user" and edge_type[2] == "item":
            np.maximum.at(last, frame["source_num"].to_numpy(), frame["last_time"].fill_null(-np.inf).to_numpy())
    return np.where(np.isfinite(last), last, np.nan)


def neighbour_matrix(graph: GraphArrays, model: PathModel) -> sp.csr_matrix:
    """Return the gated graph sum Σ_m g_m w_m(j, i), pruned to the strongest targets of each item.

    All walks are one product: their left factors stand side by side and their right factors one below the other, so nothing has to be added up.

    Shapes:
        [n_items, n_items], float32: row j, column i; diagonal empty.
    """
    left, right = _factors(graph, model)
    rows_at_once = max(16, min(2_048, _CHUNK_CELLS // max(graph.n_items, 1)))

    def rows(start: int) -> sp.csr_matrix:
        product = left[start : start + rows_at_once] @ right
        # An item is no reason for itself.
        of_row = np.repeat(np.arange(start, start + product.shape[0], dtype=product.indices.dtype), np.diff(product.indptr))
        product.data[product.indices == of_row] = 0
        return top_per_row(product, model.neighbours)

    # The sparse products leave the interpreter lock alone, so threads share the work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(rows, range(0, graph.n_items, rows_at_once)))
    return sp.vstack(parts, format="csr", dtype=np.float32) if parts else sp.csr_matrix((0, 0), dtype=np.float32)


def _factors(graph: GraphArrays, model: PathModel) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Return L [n_items, Σ inner nodes] and R [Σ inner nodes, n_items] with L·R = Σ_m g_m W_m."""
    lefts, rights = [sp.csr_matrix((graph.n_items, 0), dtype=np.float32)], [sp.csr_matrix((0, graph.n_items), dtype=np.float32)]
    for walk in model.walks:
        if walk.gate <= 0:
            continue
        first, *rest = step_matrices(graph, walk).weighted
        left, right = first * np.float32(walk.gate), rest[-1] if rest else sp.identity(graph.n_items, dtype=np.float32, format="csr")
        for matrix in rest[:-1]:
            left = left @ matrix
        if model.factor is not None:
            right = sp.csr_matrix(right @ sp.diags(model.factor), dtype=np.float32)
        right.eliminate_zeros()
        lefts.append(left)
        rights.append(right)
    return sp.hstack(lefts, format="csr", dtype=np.float32), sp.vstack(rights, format="csr", dtype=np.float32)


def graph_scores(history: sp.csr_matrix, neighbours: sp.csr_matrix) -> FloatArray:
    """Add up the graph part for a batch of histories, each by itself, so that a row does not depend on its batch.

    Args:
        history: c, [B, n_items].
        neighbours: What `neighbour_matrix` returned.

    Shapes:
        → [B, n_items], float32.
    """
    scores = np.empty((history.shape[0], neighbours.shape[1]), dtype=np.float32)
    for row, (start, end) in enumerate(pairwise(history.indptr.tolist())):
        scores[row] = neighbours[history.indices[start:end]].T @ history.data[start:end].astype(np.float64)
    return scores


def score(history: sp.csr_matrix, neighbours: sp.csr_matrix, model: PathModel) -> FloatArray:
    """Score all items for a batch of histories.

    Args:
        history: c, [B, n_items].
        neighbours: What `neighbour_matrix` returned.
        model: The embeddings and their gate.

    Shapes:
        → [B, n_items], float32.
    """
    scores = graph_scores(history, neighbours)
    if model.has_embeddings or model.has_weights:
        scores += model.learned_scores(history)
    return scores


def entries_among(matrix: sp.csr_matrix, rows: IntArray, columns: IntArray) -> tuple[IntArray, IntArray, Values]:
    """Return the entries of a matrix that lie in some rows and some columns.

    Args:
        matrix: Each entry once.
        rows: Which rows.
        columns: Which columns, each once.

    Returns:
        Place in `columns`, place in `rows`, and value of each entry.
    """
    place_of = np.full(matrix.shape[1], -1, dtype=np.int32)
    place_of[columns] = np.arange(len(columns), dtype=np.int32)
    first = matrix.indptr[rows].astype(np.int64)
    lengths = matrix.indptr[rows + 1] - first
    at = ranges(first, lengths)
    places = place_of[matrix.indices[at]]
    inside = np.flatnonzero(places >= 0)
    positions = np.repeat(np.arange(len(rows)), lengths)[inside]
    return places[inside].astype(np.int64), positions.astype(np.int64), matrix.data[at[inside]].astype(np.float64)


def csr_neighbours(matrix: sp.csr_matrix, nums: IntArray) -> tuple[IntArray, IntArray]:
    """Return (place in `nums`, neighbour) for every neighbour of every node."""
    places, neighbours, _ = csr_entries(matrix, nums)
    return places, neighbours


def csr_entries(matrix: sp.csr_matrix, nums: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return (place in `nums`, neighbour, position in the arrays of the matrix) for every neighbour of every node."""
    first = matrix.indptr[nums].astype(np.int64)
    lengths = matrix.indptr[nums + 1] - first
    at = ranges(first, lengths)
    return np.repeat(np.arange(len(nums)), lengths), np.asarray(matrix.indices)[at].astype(np.int64), at


def ranges(first: IntArray, lengths: IntArray) -> IntArray:
    """Return first_n, …, first_n + length_n - 1 for every n, one after another."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(first - before, lengths) + np.arange(int(lengths.sum()))
