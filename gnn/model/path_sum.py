"""The path-sum model in PyTorch Geometric: one sum of messages per relation, no nonlinearity between a history and its scores.

    s(u, ·) = Σ_m g_m · c_u W_m  +  g_L · (c_u A) Bᵀ  +  g_B · c_u R          W_m = D_first^-a A₁ D_mid^-b A₂ D_last^-c P^e

c_u is the weighted history, a row over the items; each meta-path m carries it over the graph, one `MessagePassing` with sum aggregation per step;
gates g ≥ 0 and exponents a, b, c of the degrees and e of the popularity are learned. A and B are learned item embeddings, smoothed over the same
graph, R are learned item–item weights (`gnn.training.regression`). Because everything between history and score is linear, each score is
the sum of its
paths and history items (`gnn.model.scorer` computes the same numbers without torch, and a test compares the two).

Source: the linear propagation of LightGCN (He et al. 2020, arXiv:2002.02126, eq. 3–4) applied to histories as in SGC (Wu et al. 2019,
arXiv:1902.07153); degree-discounted walks of RP3beta (Paudel et al. 2017, doi:10.1145/2955101).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch_geometric.data import HeteroData
from torch_geometric.nn import MessagePassing

from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import FloatArray, WalkWeights, going_on, oriented, step_matrices
from gnn.model.data import hetero_data, sparse_tensor, step_edge_type, transposed_adjacency
from gnn.model.history import HistoryWeights
from gnn.model.scorer import PathModel
from kg.schema import EdgeType, Step, family

CLOSED_GATE = 1e-9
"""Softplus never reaches 0; this stands for it."""


class SumStep(MessagePassing):  # type: ignore[misc]  # torch_geometric ships no types
    """Add up what the neighbours along one relation hold: x'_i = Σ_{j → i} x_j."""

    def __init__(self) -> None:
        super().__init__(aggr="sum")

    def forward(self, x: Tensor, edges: Tensor, n_targets: int) -> Tensor:
        """Carry `x` over one relation.

        Args:
            x: One row per source node.
            edges: `edge_index` [2, E], or `adj_t` [n_targets, n_sources] as a sparse tensor.
            n_targets: Number of nodes the relation leads to.

        Shapes:
            x [n_sources, B] → [n_targets, B].
        """
        result: Tensor = self.propagate(edges, x=(x, None), size=(x.shape[0], n_targets))
        return result

    def message(self, x_j: Tensor) -> Tensor:
        """Send a node's row unchanged along an edge."""
        return x_j

    def message_and_aggregate(self, edges: Tensor, x: tuple[Tensor, None]) -> Tensor:
        """Do both at once: a sparse product."""
        return edges @ x[0]


class PathSum(nn.Module):
    """The trainable path-sum model over one graph.

    Args:
        graph: The graph whose interactions are the histories.
        walks: Meta-paths with the gates and exponents to start from.
        source: a_j, item embeddings as history, [n_items, d].
        target: b_i, item embeddings as candidates, [n_items, d].
        learned_gate: g_L to start from.
        item_weights: R, learned item–item weights, [n_items, n_items].
        weights_gate: g_B to start from.
    """

    def __init__(
        self,
        graph: GraphArrays,
        walks: Sequence[WalkWeights],
        source: FloatArray | None = None,
        target: FloatArray | None = None,
        learned_gate: float = 0.0,
        item_weights: sp.csr_matrix | None = None,
        weights_gate: float = 0.0,
    ) -> None:
        super().__init__()
        none = np.zeros((graph.n_items, 0), dtype=np.float32)
        self.graph, self.walks = graph, tuple(walks)
        self.data: HeteroData = hetero_data(graph)
        self.steps = nn.ModuleList(SumStep() for walk in self.walks for _ in walk.meta_path.steps)
        self._adjacency: dict[EdgeType, Tensor] = {}
        self._onward: dict[tuple[Step, int, int], Tensor] = {}
        self._there_and_back: dict[tuple[Step, int, int], Tensor] = {}
        self._popularity = torch.from_numpy(graph.popularity).clamp(min=1.0)
        self.raw_gates = nn.Parameter(inverse_softplus([walk.gate for walk in self.walks]))
        self.exponents = nn.Parameter(torch.tensor([exponents_of(walk) for walk in self.walks]).reshape(-1, 4))
        self.raw_learned_gate = nn.Parameter(inverse_softplus([learned_gate]))
        self.raw_weights_gate = nn.Parameter(inverse_softplus([weights_gate]))
        self.item_weights = item_weights
        self._weights_t = None if item_weights is None else sparse_tensor(item_weights.T)
        self.source = nn.Parameter(torch.from_numpy(none if source is None else source))
        self.target = nn.Parameter(torch.from_numpy(none if target is None else target))

    @property
    def gates(self) -> Tensor:
        """Gates of the walks, [M], all ≥ 0."""
        return softplus(self.raw_gates)

    @property
    def learned_gate(self) -> Tensor:
        """Gate of the learned similarity, ≥ 0."""
        return softplus(self.raw_learned_gate)[0]

    @property
    def weights_gate(self) -> Tensor:
        """Gate of the learned item–item weights, ≥ 0."""
        return softplus(self.raw_weights_gate)[0]

    def adjacency(self, edge_type: EdgeType) -> Tensor:
        """Return `adj_t` of an edge type, kept after its first use."""
        if edge_type not in self._adjacency:
            self._adjacency[edge_type] = transposed_adjacency(self.data, edge_type)
        return self._adjacency[edge_type]

    def onward(self, walk: WalkWeights, step: Step) -> Tensor:
        """Return `adj_t` of a step that is not a walk's first one: hubs lead on to some of their neighbours only. Kept after its first use."""
        key = (step, walk.max_degree, walk.hub_fanout)
        if key not in self._onward:
            whole = oriented(self.graph, step)
            cut = going_on(whole, step, walk, self.graph.popularity)
            self._onward[key] = self.adjacency(step_edge_type(step)) if cut is whole else sparse_tensor(cut.T)
        return self._onward[key]

    def reach(self, number: int, history: Tensor, start: Tensor | float, middle: Tensor | float) -> Tensor:
        """Carry histories along walk `number`, without the degree factor of the items reached.

        Args:
            number: Position of the walk.
            history: c, one column per user.
            start: Exponent a.
            middle: Exponent b.

        Shapes:
            history [n_items, B] → [n_items, B].
        """
        walk = self.walks[number]
        offset = sum(len(before.meta_path.steps) for before in self.walks[:number])
        x = history
        entered, back = torch.zeros(0), torch.zeros(0)
        for place, step in enumerate(walk.meta_path.steps):
            edge_type = step_edge_type(step)
            degree = self.data[edge_type].source_degree
            factor = _power(degree, start if place == 0 else middle)
            if place:
                factor = factor * (walk.max_degree / degree.clamp(min=walk.max_degree))
            if place and len(walk.meta_path.steps) == 3:
                # What would step back from the shoppers to the item they were reached from.
                entered, back = (x, factor) if place == 1 else (entered, back * self._user_factors(walk, factor))
            n_targets = self.data[edge_type[2]].num_nodes
            adjacency = self.onward(walk, step) if place else self.adjacency(edge_type)
            x = self.steps[offset + place](factor[:, None] * x, adjacency, n_targets)  # [n_targets, B]
        return x - back[:, None] * entered if len(entered) else x

    def _user_factors(self, walk: WalkWeights, factor: Tensor) -> Tensor:
        """Return per item the sum of the factors of the shoppers to whom a walk goes on and who lead back to the item, [n_items]."""
        _, there, back = walk.meta_path.steps
        key = (there, walk.max_degree, walk.hub_fanout)
        if key not in self._there_and_back:
            whole = [oriented(self.graph, step) for step in (there, back)]
            cut = [going_on(matrix, step, walk, self.graph.popularity) for matrix, step in zip(whole, (there, back), strict=True)]
            unchanged = all(one is other for one, other in zip(whole, cut, strict=True))
            self._there_and_back[key] = self.onward(walk, back) if unchanged else sparse_tensor(cut[0].multiply(cut[1].T))
        return (self._there_and_back[key] @ factor[:, None])[:, 0]

    def end_factor(self, number: int, end: Tensor | float, popularity: Tensor | float) -> Tensor:
        """Return the degree and popularity factor of the items that walk `number` reaches, [n_items]."""
        degree = self.data[step_edge_type(self.walks[number].meta_path.steps[-1])].target_degree
        return _power(degree, end) * self._popularity**popularity

    def carry(self, number: int, history: Tensor) -> Tensor:
        """Carry histories along walk `number`, paths back to where they started included; only items of the history have such.

        Shapes:
            history [n_items, B], one column per user → [n_items, B].
        """
        start, middle, end, popularity = self.exponents[number]
        return self.reach(number, history, start, middle) * self.end_factor(number, end, popularity)[:, None]

    def walk_scores(self, number: int, history: Tensor) -> Tensor:
        """Return c_u W_m for one walk, paths from an item to itself left out.

        Shapes:
            history [B, n_items] → [B, n_items].
        """
        return self.carry(number, history.T.contiguous()).T - history * self._returning(number)  # [B, n_items]

    def embedded(self, history: Tensor) -> Tensor:
        """Carry histories over the learned embeddings: (c_u A) Bᵀ.

        Shapes:
            history [n_items, B] → [n_items, B].
        """
        return self.target @ (self.source.T @ history) if self.source.shape[1] else torch.zeros_like(history)

    def regressed(self, history: Tensor) -> Tensor:
        """Carry histories over the learned item–item weights: c_u R.

        Shapes:
            history [n_items, B] → [n_items, B].
        """
        return torch.zeros_like(history) if self._weights_t is None else self._weights_t @ history

    def learned_scores(self, history: Tensor) -> Tensor:
        """Return what both learned parts give, with their gates.

        Shapes:
            history [n_items, B] → [n_items, B].
        """
        return self.learned_gate * self.embedded(history) + self.weights_gate * self.regressed(history)

    def forward(self, history: Tensor) -> Tensor:
        """Score all items for a batch of histories.

        Shapes:
            history [B, n_items] → [B, n_items].
        """
        scores = self.learned_scores(history.T.contiguous()).T
        for number, gate in enumerate(self.gates):
            scores = scores + gate * self.walk_scores(number, history)
        return scores

    @torch.no_grad()
    def path_model(self, history: HistoryWeights, *, neighbours: int) -> PathModel:
        """Return everything learned as plain numbers, for `gnn.model.scorer`; gates as good as closed are closed."""
        learned = [float(self.weights_gate), float(self.learned_gate)]
        *gates, weights_gate, learned_gate = (gate if gate > 2 * CLOSED_GATE else 0.0 for gate in [*self.gates.tolist(), *learned])
        exponents = self.exponents.tolist()
        walks = tuple(replace(_with_exponents(walk, values), gate=gate) for walk, gate, values in zip(self.walks, gates, exponents, strict=True))
        source, target = self.source.detach().numpy(), self.target.detach().numpy()
        return PathModel(walks, history, source, target, learned_gate, neighbours, self.item_weights, weights_gate)

    @torch.no_grad()
    def _returning(self, number: int) -> Tensor:
        """Return w_m(j, j): what comes back to the item it left. Such items are never recommended, so no gradient is lost here."""
        matrices = step_matrices(self.graph, _with_exponents(self.walks[number], self.exponents[number].tolist()))
        *before, last = matrices.weighted
        if not before:
            return torch.from_numpy(last.diagonal())
        left = before[0]
        for matrix in before[1:]:
            left = left @ matrix
        return torch.from_numpy(np.asarray(left.multiply(last.T.tocsr()).sum(axis=1), dtype=np.float32).ravel())


def smoothed(graph: GraphArrays, embeddings: FloatArray, weight: float, *, max_degree: int) -> tuple[FloatArray, FloatArray]:
    """Mix item embeddings with those of items that share attribute values; an item without events takes its neighbours' place.

        e'_i = (1 - w) e_i + w · mean over relations r of  1/Σ_{v ∈ N_r(i)} h_v  Σ_{v ∈ N_r(i)} h_v/|N_r(v)| Σ_{j ∈ N_r(v)} e_j

    h_v = min(1, max_degree / |N_r(v)|): a hub says less of its items (`gnn.graph.hubs`).

    Args:
        graph: The graph.
        embeddings: e, [n_items, d]; rows of zeros count as unknown and are left out of the means.
        weight: w; an unknown item takes its neighbours' mean whole.
        max_degree: Values with more items than this count less.

    Returns:
        e', and how much of each is the item's own: 1 - w, or 1 where it has no neighbours.

    Shapes:
        → [n_items, d], [n_items].

    Source: one propagation layer of LightGCN (He et al. 2020, arXiv:2002.02126, eq. 3) over attribute relations instead of interactions.
    """
    data, step = hetero_data(graph), SumStep()
    x = torch.from_numpy(embeddings)
    known = (x.abs().sum(dim=1, keepdim=True) > 0).float()  # [n_items, 1]
    stacked = torch.cat([x, known], dim=1)  # [n_items, d + 1]
    total, relations = torch.zeros_like(x), torch.zeros_like(known)
    for edge_type in graph.edges:
        if family(edge_type) != "attribute":
            continue
        back = step_edge_type(Step(edge_type, reverse=True))
        values = step(stacked, transposed_adjacency(data, edge_type), data[edge_type[2]].num_nodes)  # [n_values, d + 1]
        degree = data[edge_type].target_degree[:, None]
        values = values / values[:, -1:].clamp(min=1.0) * (max_degree / degree.clamp(min=max_degree))
        items = step(values, transposed_adjacency(data, back), graph.n_items)  # [n_items, d + 1]
        known_of = items[:, -1:] > 0
        total, relations = total + torch.where(known_of, items[:, :-1] / items[:, -1:], 0.0), relations + known_of
    mean = total / relations.clamp(min=1.0)
    share = torch.where(known > 0, weight, 1.0) * (relations > 0)
    result: FloatArray = ((1 - share) * x + share * mean).numpy()
    own: FloatArray = (1 - share[:, 0]).numpy()
    return result, own


def exponents_of(walk: WalkWeights) -> list[float]:
    """Return a, b, c and e of a walk."""
    return [walk.start_exponent, walk.middle_exponent, walk.end_exponent, walk.popularity_exponent]


def _with_exponents(walk: WalkWeights, values: Sequence[float]) -> WalkWeights:
    start, middle, end, popularity = values
    return replace(walk, start_exponent=start, middle_exponent=middle, end_exponent=end, popularity_exponent=popularity)


def _power(degree: Tensor, exponent: Tensor | float) -> Tensor:
    """Return degree^-exponent, and 0 for nodes without neighbours."""
    return torch.where(degree > 0, degree.clamp(min=1.0) ** -exponent, torch.zeros_like(degree))


def inverse_softplus(values: Sequence[float]) -> Tensor:
    """Return x with softplus(x) = value; a closed gate becomes `CLOSED_GATE`."""
    value = torch.tensor(values, dtype=torch.float64).clamp(min=CLOSED_GATE)
    return (value + torch.log(-torch.expm1(-value))).float()
