"""Training: degree exponents, gates, recency and item embeddings, tuned on events carved from the training part.

1. The training events are split again; what is withheld is what the tuning tries to find, so no path of the graph gives it away.
2. Item embeddings are learned from the rest and smoothed over the graph; item–item weights are regressed.
3. On a small pool of candidates: walks that add nothing are dropped; the degree exponents of the others and the fading of old events are chosen
   from small grids by the ndcg of the whole model.
4. Gates: gradient steps on the softmax likelihood P(i|u) = exp s(u,i) / Σ_j exp s(u,j), stopped early, then coordinate ascent on ndcg itself;
   a last scalar keeps the scores on the likelihood's scale.
5. `refit` learns embeddings and item–item weights again from all events it is given and keeps everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import polars as pl
import scipy.sparse as sp
import torch
from torch import Tensor

from gnn.config import ModelConfig
from gnn.events.split import has_clock, split_interactions
from gnn.graph import GraphArrays
from gnn.learn.candidates import Candidates, Gates, Pool, build_pool, candidates, coordinate_ascent, scaled
from gnn.learn.factors import Factors, als_item_factors, confidence_for, folded, no_factors, width_for
from gnn.learn.imbalance import proposal, target_weights
from gnn.learn.regression import FEWEST_SHOPPERS, item_weights
from gnn.learn.text_features import with_texts
from gnn.metrics import IntArray
from gnn.model import PathSum, inverse_softplus, smoothed
from gnn.scorer import HistoryWeights, PathModel, history_weights
from gnn.walks import FloatArray, WalkWeights
from kg.schema import family, meta_paths

MIN_TUNING_USERS = 20
"""With fewer users to tune on, the starting values are kept: a choice among few is a choice by chance."""

START_GRID = (0.0, 0.25, 0.5)
MIDDLE_GRID = (0.0, 0.4, 0.75, 1.2)
END_GRID = (0.0, 0.15, 0.3, 0.5, 0.75)
POPULARITY_GRID = (0.0, 0.25, 0.5)
HALF_LIVES_DAYS = (14.0, 60.0, 180.0)
HALF_LIVES_ORDER = (3.0, 10.0)
_DAY_S = 86_400.0
ASCENT_ROUNDS = 10
_NOISE = 1e-3
_BATCH_CELLS = 24_000_000
_COARSE_CELLS = 12_000_000
_POOL_CELLS = 100_000_000
_FEWEST_USERS = 250


@dataclass(frozen=True, slots=True)
class Progress:
    """What training reports while it runs.

    Attributes:
        step: "embeddings", "regression", "exponents", "history", "gates" or "ascent".
        number: Epoch, round or walk within the step, from 0.
        of: How many there are at most.
        loss: Mean negative log likelihood per withheld item, nats, where the step has one.
        ndcg: ndcg on the tuning users, where the step has one.
    """

    step: str
    number: int
    of: int
    loss: float | None = None
    ndcg: float | None = None


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class FitResult:
    """A trained model.

    Attributes:
        model: Fitted on all events that `fit` was given.
        trace: What training reported, in order: the learning curve.
        tuning_users: Users whose withheld items tuned it; 0 where the starting values were kept.
        validation_ndcg: ndcg on them, on the candidates of the pool.
    """

    model: PathModel
    trace: tuple[Progress, ...]
    tuning_users: int
    validation_ndcg: float


@dataclass(frozen=True)
class TuningSet:
    """Users whose withheld items are to be found.

    Attributes:
        graph: The graph with the interactions that remain.
        users: User numbers, [U].
        withheld: Item numbers that each of them met only later.
    """

    graph: GraphArrays
    users: IntArray
    withheld: tuple[IntArray, ...]

    def first(self, n: int) -> TuningSet:
        """Return the first `n` users; their order is random already."""
        return replace(self, users=self.users[:n], withheld=self.withheld[:n])


def fit(graph: GraphArrays, interactions: pl.DataFrame, config: ModelConfig, progress: Report | None = None) -> FitResult:
    """Train the path-sum model.

    Args:
        graph: The graph; its interaction edges are rebuilt from `interactions`, so a hold-out stays held out.
        interactions: The events to learn from (`kg.tables.INTERACTION_COLUMNS`).
        config: See `ModelConfig`.
        progress: Called as training goes on.
    """
    trace: list[Progress] = []

    def report(event: Progress) -> None:
        trace.append(event)
        if progress is not None:
            progress(event)

    tuning = tuning_set(graph, interactions, config)
    if len(tuning.users) < MIN_TUNING_USERS:
        start = _starting_model(graph.with_interactions(interactions), config)
        return FitResult(refit(graph, interactions, start, config, report), tuple(trace), 0, float("nan"))
    tuned, ndcg = _tuned(tuning, config, has_clock(interactions), report)
    return FitResult(refit(graph, interactions, tuned, config, report), tuple(trace), len(tuning.users), ndcg)


def refit(graph: GraphArrays, interactions: pl.DataFrame, model: PathModel, config: ModelConfig, progress: Report | None = None) -> PathModel:
    """Learn the embeddings and the item–item weights again from these events; gates, exponents and history weights are kept.

    Args:
        graph: The graph; its interaction edges are rebuilt from `interactions`.
        interactions: The events to learn from.
        model: What `fit` found.
        config: The configuration it was fitted with.
        progress: Called as training goes on.
    """
    known = graph.with_interactions(interactions)
    factors = item_embeddings(known, config, progress) if model.learned_gate > 0 else no_factors(graph.n_items)
    weights = regressed_weights(known, config, progress) if model.weights_gate > 0 else None
    return replace(model, source_embeddings=factors.source, target_embeddings=factors.target, item_weights=weights)


def validation_ndcg(graph: GraphArrays, interactions: pl.DataFrame, config: ModelConfig) -> float:
    """Tune on a part carved from these events and return the ndcg reached there; NaN with too few users to tune on."""
    tuning = tuning_set(graph, interactions, config)
    if len(tuning.users) < MIN_TUNING_USERS:
        return float("nan")
    return _tuned(tuning, config, has_clock(interactions), lambda event: None)[1]


def tuning_set(graph: GraphArrays, interactions: pl.DataFrame, config: ModelConfig) -> TuningSet:
    """Withhold a part of the events and collect the users who have something to find and something to find it by."""
    split = split_interactions(interactions, method=config.validation_split, test_fraction=config.validation_fraction, seed=config.seed)
    users = pl.DataFrame({"user_id": list(graph.keys.get("user", ()))}, schema={"user_id": pl.String}).with_row_index("user_num")
    items = pl.DataFrame({"item_id": list(graph.item_ids)}, schema={"item_id": pl.String}).with_row_index("item_num")
    pairs = (
        split.new_items()
        .join(split.train.select("user_id").unique(), on="user_id", how="semi")
        .join(users, on="user_id")
        .join(items, on="item_id")
        .group_by("user_num")
        .agg(pl.col("item_num").sort())
        .sort("user_num")
        .sample(fraction=1.0, shuffle=True, seed=config.seed)
        .head(config.tuning_users)
    )
    withheld = tuple(np.asarray(row, dtype=np.int64) for row in pairs["item_num"].to_list())
    left = split.train
    if split.method != "time":
        # Who does not tune keeps everything, so that what tunes is nearly as dense as what is served.
        others = split.test.join(users, on="user_id").filter(~pl.col("user_num").is_in(pairs["user_num"].implode()))
        left = pl.concat([left, others.select(left.columns)])
    return TuningSet(graph.with_interactions(left), pairs["user_num"].to_numpy().astype(np.int64), withheld)


def item_embeddings(graph: GraphArrays, config: ModelConfig, progress: Report | None = None) -> Factors:
    """Learn item embeddings from the interactions of a graph, smooth them over its attributes, and mix in what the items' texts say.

    Shapes:
        Two arrays [n_items, d].
    """
    ones = _met(graph, config)
    item_factors = als_item_factors(
        ones,
        factors=width_for(graph.n_items) if config.factors is None else config.factors,
        iterations=config.factor_iterations,
        regularization=config.factor_regularization,
        confidence=config.factor_confidence or confidence_for(ones),
        seed=config.seed,
        progress=None if progress is None else lambda number: progress(Progress("embeddings", number, config.factor_iterations)),
    )
    target = smoothed(graph, item_factors, config.smoothing, max_degree=config.max_degree)
    target = with_texts(target, item_factors, graph.text_vectors, known_share=config.text_share, seed=config.seed)
    return folded(item_factors, target, regularization=config.factor_regularization)


def regressed_weights(graph: GraphArrays, config: ModelConfig, progress: Report | None = None) -> sp.csr_matrix | None:
    """Learn item–item weights from the interactions of a graph; None where more items take part than the configuration allows.

    Shapes:
        [n_items, n_items].
    """
    met = _met(graph, config)
    if int((met.getnnz(axis=0) >= FEWEST_SHOPPERS).sum()) > config.regression_items:
        return None
    if progress is not None:
        progress(Progress("regression", 0, 1))
    return item_weights(met, regularization=config.regression_regularization, kept=config.regression_neighbours)


def _met(graph: GraphArrays, config: ModelConfig) -> sp.csr_matrix:
    """Return ones where a user met an item in a way that counts.

    Shapes:
        [n_users, n_items].
    """
    history = history_weights(graph, HistoryWeights(config.kinds, count_exponent=0.0))
    return sp.csr_matrix((np.ones(history.nnz, dtype=np.float32), history.indices, history.indptr), shape=history.shape)


def starting_walks(graph: GraphArrays, config: ModelConfig) -> tuple[WalkWeights, ...]:
    """Return every meta-path of the graph with the weights that training starts from."""
    start = {
        "interaction": (0.5, 0.4, 0.5, 0.0),
        "attribute": (0.25, 0.75, 0.0, 0.5),
        "item_item": (0.25, 0.75, 0.25, 0.25),
        "followed": (0.5, 0.5, 0.3, 0.0),
    }
    present = [edge_type for edge_type, frame in graph.edges.items() if family(edge_type) is not None and frame.height]
    hubs = {"max_degree": config.max_degree, "hub_fanout": config.hub_fanout}
    return tuple(WalkWeights(path, 1.0, *start[path.family], **hubs) for path in meta_paths(present))


def _starting_model(graph: GraphArrays, config: ModelConfig) -> PathModel:
    """Return a model whose walks all count alike: each is divided by its mean top score."""
    none = no_factors(graph.n_items)
    network = PathSum(graph, starting_walks(graph, config))
    history = history_weights(graph, HistoryWeights(config.kinds))[:_FEWEST_USERS]
    gates = []
    for number in range(len(network.walks)):
        tops = [network.carry(number, columns).detach().amax(dim=0) for columns in _dense_batches(history)]
        mean = float(torch.cat(tops).mean()) if tops else 0.0
        gates.append(1.0 / mean if mean > 0 else 1.0)
    walks = tuple(replace(walk, gate=gate) for walk, gate in zip(network.walks, gates, strict=True))
    return PathModel(walks, HistoryWeights(config.kinds), none.source, none.target, 0.0, config.neighbours)


def _tuned(tuning: TuningSet, config: ModelConfig, clock: bool, report: Report) -> tuple[PathModel, float]:
    factors = item_embeddings(tuning.graph, config, report) if config.factors != 0 else no_factors(tuning.graph.n_items)
    learned = (factors.source, factors.target, 1.0, regressed_weights(tuning.graph, config, report), 1.0)
    network = PathSum(tuning.graph, starting_walks(tuning.graph, config), *learned)
    small = tuning.first(max(_FEWEST_USERS, _COARSE_CELLS // tuning.graph.n_items))
    weights = HistoryWeights(config.kinds)
    pool = _pool(network, small, weights, config)
    gates = _tuned_gates(network, pool, config, None)
    n_walks = len(network.walks)
    kept = [place for place, gate in enumerate(gates[:n_walks]) if gate > 0 or place in _kept(network)]
    network = PathSum(tuning.graph, [network.walks[place] for place in kept], *learned)
    kept_and_learned = [*kept, *range(n_walks, len(gates))]
    gates = gates[kept_and_learned]
    pool = _choose_exponents(network, small, pool.parts(kept_and_learned), gates, weights, report)
    weights = _choose_history(network, small, pool, gates, weights, clock, report)
    pool = _pool(network, tuning.first(max(_FEWEST_USERS, _POOL_CELLS // tuning.graph.n_items)), weights, config)
    gates = _tuned_gates(network, pool, config, report)
    _set_gates(network, pool, gates * _temperature(pool, gates))
    return network.path_model(weights, neighbours=config.neighbours), pool.ndcg(gates)


def _dense_batches(history: sp.csr_matrix, parts: int = 1) -> Iterator[Tensor]:
    """Yield the histories of some users at a time, one column per user, [n_items, B]."""
    size = max(1, min(256, _BATCH_CELLS // max(1, history.shape[1] * parts)))
    for start in range(0, history.shape[0], size):
        yield torch.from_numpy(np.ascontiguousarray(history[start : start + size].toarray().T))


@torch.no_grad()
def _pool(network: PathSum, tuning: TuningSet, weights: HistoryWeights, config: ModelConfig) -> Pool:
    """Carry the histories of the tuning users along every walk and keep what reaches their candidates."""
    history = history_weights(tuning.graph, weights)[tuning.users]
    rng = np.random.default_rng(config.seed)
    popularity = np.asarray(tuning.graph.popularity, dtype=np.float64)
    drawn_by = proposal(popularity, config.negative_sampling)
    families = [*(walk.meta_path.family for walk in network.walks), "regression", "embeddings"]
    rows: list[Candidates] = []
    for columns in _dense_batches(history, len(network.walks) + 2):
        parts = [network.carry(number, columns) for number in range(len(network.walks))]
        parts += [network.regressed(columns), network.embedded(columns)]
        allowed = columns == 0
        nominated = _nominated(parts, families, allowed, config.candidates)
        arrays, free = [part.numpy() for part in parts], allowed.T.numpy()
        for place in range(columns.shape[1]):
            withheld = tuning.withheld[len(rows)]
            rows.append(
                candidates(
                    [part[:, place] for part in arrays],
                    nominated[place],
                    free[place],
                    withheld,
                    negatives=config.negatives,
                    rng=rng,
                    proposal=drawn_by,
                )
            )
    counts = np.array([len(items) for items in tuning.withheld[: len(rows)]], dtype=np.int64)
    return build_pool(rows, counts, target_weights(popularity, tuning.withheld[: len(rows)], config.target_weights))


def _nominated(parts: list[Tensor], families: list[str], allowed: Tensor, n: int) -> list[IntArray]:
    """Return the top `n` of all parts together and the top n/4 of each family of walks, for every user.

    Shapes:
        parts and allowed [n_items, B] → B arrays.
    """
    together = torch.zeros_like(parts[0])
    sums: dict[str, Tensor] = {}
    for part, name in zip(parts, families, strict=True):
        scale = float((part * allowed).amax(dim=0).mean())
        if scale > 0:
            sums[name] = sums.get(name, torch.zeros_like(part)) + part / scale
    for total in sums.values():
        together += total
    tops = [_top(together, allowed, n), *(_top(total, allowed, max(1, n // 4)) for total in sums.values())]
    return list(torch.cat(tops, dim=1).numpy())


def _top(columns: Tensor, allowed: Tensor, n: int) -> Tensor:
    """Return the `n` largest allowed rows of each column, [B, n]."""
    rows = columns.masked_fill(~allowed, -torch.inf).T.contiguous()
    return torch.topk(rows, min(n, rows.shape[1]), dim=1, sorted=False).indices


@torch.no_grad()
def _choose_exponents(network: PathSum, tuning: TuningSet, pool: Pool, gates: Gates, weights: HistoryWeights, report: Report) -> Pool:
    """Choose the exponents of one walk after another by the ndcg of the whole model on the pool."""
    history = history_weights(tuning.graph, weights)[tuning.users]
    best = pool.ndcg(gates)
    for number, walk in enumerate(network.walks):
        rest = pool.scores(np.where(np.arange(len(gates)) == number, 0.0, gates))
        start, middle, *_ = network.exponents[number].tolist()
        chosen, feature = tuple(network.exponents[number].tolist()), None
        pairs = [(start, value) for value in (MIDDLE_GRID if len(walk.meta_path.steps) > 1 else (middle,))]
        while pairs:
            pair = pairs.pop(0)
            reached = _reached(network, number, history, pool, *pair)  # [U, C]
            for ending in product(END_GRID, POPULARITY_GRID):
                tried = reached * network.end_factor(number, *ending).numpy()[pool.items]
                ndcg = pool.ndcg_of(rest + np.float32(gates[number]) * scaled(tried)[0])
                if ndcg > best * (1 + _NOISE):
                    best, chosen, feature = ndcg, (*pair, *ending), tried
            if not pairs and pair[0] == start:
                pairs = [(value, chosen[1]) for value in START_GRID if value != start]
        if feature is not None:
            network.exponents[number] = torch.tensor(chosen)
            pool = pool.with_part(number, feature)
        report(Progress("exponents", number, len(network.walks), ndcg=best))
    return pool


def _reached(network: PathSum, number: int, history: sp.csr_matrix, pool: Pool, start: float, middle: float) -> FloatArray:
    rows, done = [], 0
    for columns in _dense_batches(history):
        carried = network.reach(number, columns, start, middle).numpy()  # [n_items, B]
        rows.append(carried[pool.items[done : done + columns.shape[1]], np.arange(columns.shape[1])[:, None]])
        done += columns.shape[1]
    return np.concatenate(rows)


@torch.no_grad()
def _choose_history(
    network: PathSum, tuning: TuningSet, pool: Pool, gates: Gates, best: HistoryWeights, clock: bool, report: Report
) -> HistoryWeights:
    """Choose how fast old events fade and how much repeats count, by the ndcg of the whole model on the pool."""
    _set_gates(network, pool, gates)
    half_lives = [days * _DAY_S for days in HALF_LIVES_DAYS] if clock else list(HALF_LIVES_ORDER)
    counts = any("count" in frame.columns and (frame["count"] > 1).any() for frame in tuning.graph.edges.values())
    reached = pool.ndcg(gates)
    changes: list[dict[str, float]] = [{"half_life": value} for value in half_lives] + (
        [{"count_exponent": value} for value in (0.0, 1.0)] if counts else []
    )
    for number, change in enumerate(changes):
        tried = replace(best, **change)  # type: ignore[arg-type]  # both fields are floats
        ndcg = _pool_ndcg(network, tuning, pool, tried)
        report(Progress("history", number, len(changes), ndcg=ndcg))
        if ndcg > reached * (1 + _NOISE):
            best, reached = tried, ndcg
    return best


def _pool_ndcg(network: PathSum, tuning: TuningSet, pool: Pool, weights: HistoryWeights) -> float:
    history = history_weights(tuning.graph, weights)[tuning.users]
    rows, done = [], 0
    for columns in _dense_batches(history, 2):
        reached = network.learned_scores(columns)
        for number, gate in enumerate(network.gates):
            reached += gate * network.carry(number, columns)
        rows.append(reached.numpy()[pool.items[done : done + columns.shape[1]], np.arange(columns.shape[1])[:, None]])
        done += columns.shape[1]
    scores = np.where(np.isfinite(pool.offset), np.concatenate(rows), -np.inf)
    return pool.ndcg_of(scores)


def _kept(network: PathSum) -> frozenset[int]:
    """Return the parts that stay open at no loss: what other shoppers did and what the shop links directly explain more than a similarity does.

    So do the learned item–item weights: little of them changes nothing, enough of them helps, and what is closed too early is seldom found again.
    """
    walks = (number for number, walk in enumerate(network.walks) if walk.meta_path.family != "attribute")
    return frozenset([*walks, len(network.walks)])


def _tuned_gates(network: PathSum, pool: Pool, config: ModelConfig, report: Report | None) -> Gates:
    """Return the gates, in the pool's scale: gradient steps on the likelihood, then coordinate ascent on ndcg."""
    start = _gradient_gates(pool, config, report)
    rounds = None if report is None else lambda number, ndcg: report(Progress("ascent", number, ASCENT_ROUNDS, ndcg=ndcg))
    return coordinate_ascent(pool, start, kept=_kept(network), rounds=ASCENT_ROUNDS, progress=rounds, tolerance=_NOISE)[0]


def _set_gates(network: PathSum, pool: Pool, gates: Gates) -> None:
    with torch.no_grad():
        raw = inverse_softplus((gates / pool.scales).tolist())
        network.raw_gates.copy_(raw[:-2])
        network.raw_weights_gate.copy_(raw[-2:-1])
        network.raw_learned_gate.copy_(raw[-1:])


def _loss(scores: Tensor, pool: Pool) -> Tensor:
    """Return the mean negative log likelihood of the withheld items.

        -1/U Σ_u 1/|T_u| Σ_{t ∈ T_u} [ s(u,t) - log Σ_{i ∈ C_u} exp(s(u,i) + log n_i) ]

    n_i is how many items the candidate stands for (1 where nominated).

    Shapes:
        scores [U, C] → a scalar.

    Source: sampled softmax with logQ correction (Bengio and Senécal 2008, doi:10.1109/TNN.2007.912312).
    """
    likelihood = scores - torch.logsumexp(scores + torch.from_numpy(pool.offset), dim=1, keepdim=True)
    relevant = torch.from_numpy(pool.relevant)
    per_user = torch.where(relevant, likelihood, torch.zeros_like(likelihood)).sum(dim=1) / relevant.sum(dim=1).clamp(min=1)
    return -(per_user * torch.from_numpy(pool.weights.astype(np.float32))).mean()


def _gradient_gates(pool: Pool, config: ModelConfig, report: Report | None) -> Gates:
    """Raise the likelihood of the withheld items by Adam on the logarithms of the gates; the last quarter of the users stops it early."""
    n_train = max(1, pool.n_users * 3 // 4)
    train, valid = pool.users(slice(0, n_train)), pool.users(slice(n_train, None))
    features = torch.from_numpy(train.features)
    log_gates = torch.zeros(len(pool.scales), requires_grad=True)
    optimizer = torch.optim.Adam([log_gates], lr=config.learning_rate)
    best, kept, waited = -1.0, np.ones(len(pool.scales)), 0
    for epoch in range(config.epochs):
        optimizer.zero_grad()
        loss = _loss(features @ log_gates.exp(), train)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own signature is untyped
        optimizer.step()
        gates = log_gates.detach().exp().numpy().astype(np.float64)
        ndcg = valid.ndcg(gates)
        if report is not None:
            report(Progress("gates", epoch, config.epochs, loss=float(loss.detach()), ndcg=ndcg))
        waited += 1
        if ndcg > best * (1 + 1e-4):
            best, kept, waited = ndcg, gates, 0
        if waited >= config.patience:
            break
    return kept


def _temperature(pool: Pool, gates: Gates) -> float:
    """Return the factor on all gates that makes the withheld items most likely; it changes no ranking."""
    scores = torch.from_numpy(pool.features @ gates.astype(np.float32))
    factors = np.geomspace(0.05, 50.0, 40) / max(float(gates.sum()), 1e-9)
    losses = [float(_loss(scores * float(factor), pool)) for factor in factors]
    return float(factors[int(np.argmin(losses))])
