"""Tuning: degree exponents, fading of old events, and gates, chosen on the users of a tuning set.

1. On a pool of candidates (all items in a small shop, `softmax_over`): walks that add nothing are dropped; the degree exponents of the others and
   the fading of old events are chosen from small grids by the ndcg of the whole model.
2. Gates: gradient steps on the softmax likelihood P(i|u) = exp s(u,i) / Σ_j exp s(u,j), stopped early, then coordinate ascent on ndcg itself;
   a last scalar keeps the scores on the likelihood's scale.
3. A factor of the candidate's popularity, where it helps by more than chance; gates that help nobody are closed, those that move too much of a list
   made smaller (`gnn.training.gate_choice`), and the embeddings give way to paths at an equal ranking (`gnn.training.graph_first`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from gnn.config import ModelConfig
from gnn.graph.walks import FloatArray, attraction
from gnn.metrics import IntArray
from gnn.model.closed import LEARNED_EMBEDDINGS
from gnn.model.copurchases import CoPurchases
from gnn.model.history import HistoryWeights
from gnn.model.path_sum import PathSum, inverse_softplus
from gnn.model.scorer import PathModel, history_weights
from gnn.ratings import RatingWeights
from gnn.training.candidates import Candidates, Gates, Pool, all_items, build_pool, candidates, coordinate_ascent, scaled
from gnn.training.gate_choice import popularity_exponent, simplified
from gnn.training.graph_first import SAMPLE, SharePool, share_pool
from gnn.training.progress import Progress, Report, Softmax
from gnn.training.sampling import proposal, target_weights
from gnn.training.tuning_set import TuningSet

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
FULL_CELLS = 50_000_000
"""Most numbers of a pool in which every item is a candidate, users × items × parts: 200 MB, as much as a pool of nominated items takes."""
_FEWEST_USERS = 250


def tune(
    network: PathSum, tuning: TuningSet, config: ModelConfig, clock: bool, report: Report, shared: CoPurchases | None = None
) -> tuple[PathModel, float]:
    """Choose exponents, history weights and gates.

    Args:
        network: Every walk with its starting weights, and the learned parts; all of it of the graph of `tuning`.
        tuning: Who should find what.
        config: See `ModelConfig`.
        clock: Whether times are dates, not order numbers.
        report: Called as tuning goes on.
        shared: What of the learned parts runs over paths; None leaves the gate of the embeddings as it was tuned.

    Returns:
        The tuned model and its ndcg on the candidates of the last pool.
    """
    small = tuning.first(max(_FEWEST_USERS, _COARSE_CELLS // tuning.graph.n_items))
    weights = HistoryWeights(config.kinds, ratings=RatingWeights.of(tuning.graph.edges))
    pool = candidate_pool(network, small, weights, config)
    gates = _tuned_gates(network, pool, config, None)
    n_walks = len(network.walks)
    kept = [place for place, gate in enumerate(gates[:n_walks]) if gate > 0 or place in _kept(network)]
    network = _of_walks(network, kept)
    kept_and_learned = [*kept, *range(n_walks, len(gates))]
    gates = gates[kept_and_learned]
    pool = _choose_exponents(network, small, pool.parts(kept_and_learned), gates, weights, report)
    weights = _choose_history(network, small, pool, gates, weights, clock, report)
    pool = candidate_pool(network, tuning.first(max(_FEWEST_USERS, _POOL_CELLS // tuning.graph.n_items)), weights, config)
    gates = _tuned_gates(network, pool, config, report)
    exponent = popularity_exponent(pool, gates, tuning.graph.popularity)
    if exponent:
        pool = pool.times(attraction(tuning.graph.popularity, exponent))
    names = [*(walk.meta_path.name for walk in network.walks), "learned item–item weights", LEARNED_EMBEDDINGS]
    shares = None if shared is None else _shares(network, tuning, pool, gates, weights, shared, exponent)
    attributes = [place for place, walk in enumerate(network.walks) if walk.meta_path.family == "attribute"]
    choice = simplified(pool, gates, names, _kept(network), attributes, shares, config.graph_first, again=bool(exponent))
    _set_gates(network, pool, choice.gates * _temperature(pool, choice.gates))
    model = network.path_model(weights, neighbours=config.neighbours)
    model = replace(model, popularity_exponent=exponent, closed=choice.closed, bounded=choice.bounded, graph_first=choice.graph_first)
    return model, pool.ndcg(choice.gates)


def _shares(
    network: PathSum, tuning: TuningSet, pool: Pool, gates: Gates, weights: HistoryWeights, shared: CoPurchases, exponent: float
) -> SharePool:
    """Work out what of the tuning shoppers' scores runs over paths."""
    history = history_weights(tuning.graph, weights)[tuning.users[:SAMPLE]]
    begins = tuning.graph.adjacency(shared.edge_type).T.tocsr()
    begins.sort_indices()
    factor = attraction(tuning.graph.popularity, exponent)
    source, target = network.source.detach().numpy(), network.target.detach().numpy()
    return share_pool(pool, gates, history, source, target, network.item_weights, begins, shared, factor)


def _of_walks(network: PathSum, kept: list[int]) -> PathSum:
    """Return a network of some of the walks, with the same learned parts and their gates open."""
    source, target = network.source.detach().numpy(), network.target.detach().numpy()
    return PathSum(network.graph, [network.walks[place] for place in kept], source, target, 1.0, network.item_weights, 1.0)


def equal_gates(network: PathSum, history: sp.csr_matrix) -> list[float]:
    """Return the gates with which all walks count alike: each divided by the mean top score that it gives to the first users.

    Args:
        network: The walks.
        history: c, [n_users, n_items].
    """
    gates = []
    for number in range(len(network.walks)):
        tops = [network.carry(number, columns).detach().amax(dim=0) for columns in _dense_batches(history[:_FEWEST_USERS])]
        mean = float(torch.cat(tops).mean()) if tops else 0.0
        gates.append(1.0 / mean if mean > 0 else 1.0)
    return gates


def _dense_batches(history: sp.csr_matrix, parts: int = 1) -> Iterator[Tensor]:
    """Yield the histories of some users at a time, one column per user, [n_items, B]."""
    size = max(1, min(256, _BATCH_CELLS // max(1, history.shape[1] * parts)))
    for start in range(0, history.shape[0], size):
        yield torch.from_numpy(np.ascontiguousarray(history[start : start + size].toarray().T))


def softmax_over(n_users: int, n_items: int, n_parts: int) -> Softmax:
    """Say which softmax the gates of a tuning set are tuned by: the full one where all candidates of all users fit the memory meant for them."""
    return "full" if n_users * n_items * n_parts <= FULL_CELLS else "sampled"


@torch.no_grad()
def candidate_pool(network: PathSum, tuning: TuningSet, weights: HistoryWeights, config: ModelConfig) -> Pool:
    """Carry the histories of the tuning users along every walk and keep what reaches their candidates.

    Args:
        network: Walks and learned parts; gates do not matter.
        tuning: Whose candidates, and which of them are to be found.
        weights: How their histories are weighted.
        config: How many candidates, and how they are drawn where not all fit.
    """
    history = history_weights(tuning.graph, weights)[tuning.users]
    popularity = np.asarray(tuning.graph.popularity, dtype=np.float64)
    choose = _chooser(network, tuning, config)
    rows: list[Candidates] = []
    for columns in _dense_batches(history, len(network.walks) + 2):
        parts = [network.carry(number, columns) for number in range(len(network.walks))]
        parts += [network.regressed(columns), network.embedded(columns)]
        rows += choose(parts, columns == 0, tuning.withheld[len(rows) :])
    counts = np.array([len(items) for items in tuning.withheld], dtype=np.int64)
    return build_pool(rows, counts, target_weights(popularity, tuning.withheld, config.target_weights))


_Chooser = Callable[[list[Tensor], Tensor, tuple[IntArray, ...]], list[Candidates]]


def _chooser(network: PathSum, tuning: TuningSet, config: ModelConfig) -> _Chooser:
    """Return what chooses the candidates of a batch of users from parts [n_items, B], what is allowed [n_items, B] and the withheld items."""
    rng = np.random.default_rng(config.seed)
    drawn_by = proposal(np.asarray(tuning.graph.popularity, dtype=np.float64), config.negative_sampling)
    families = [*(walk.meta_path.family for walk in network.walks), "regression", "embeddings"]

    def full(parts: list[Tensor], allowed: Tensor, withheld: tuple[IntArray, ...]) -> list[Candidates]:
        arrays, free = [part.numpy() for part in parts], allowed.T.numpy()
        return [all_items([part[:, place] for part in arrays], free[place], withheld[place]) for place in range(len(free))]

    def sampled(parts: list[Tensor], allowed: Tensor, withheld: tuple[IntArray, ...]) -> list[Candidates]:
        nominated = _nominated(parts, families, allowed, config.candidates)
        arrays, free = [part.numpy() for part in parts], allowed.T.numpy()
        return [
            candidates(
                [part[:, place] for part in arrays],
                nominated[place],
                free[place],
                withheld[place],
                negatives=config.negatives,
                rng=rng,
                proposal=drawn_by,
            )
            for place in range(len(free))
        ]

    return full if softmax_over(len(tuning.users), tuning.graph.n_items, len(families)) == "full" else sampled


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
        reached = network.reach(number, columns, start, middle).numpy()  # [n_items, B]
        rows.append(reached[pool.items[done : done + columns.shape[1]], np.arange(columns.shape[1])[:, None]])
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
    softmax = softmax_over(pool.n_users, network.graph.n_items, len(pool.scales))
    progress = None if report is None else lambda event: report(replace(event, softmax=softmax))
    start = _gradient_gates(pool, config, progress)
    rounds = None if report is None else lambda number, ndcg: report(Progress("ascent", number, ASCENT_ROUNDS, ndcg=ndcg))
    return coordinate_ascent(pool, start, kept=_kept(network), rounds=ASCENT_ROUNDS, progress=rounds, tolerance=_NOISE)[0]


def _set_gates(network: PathSum, pool: Pool, gates: Gates) -> None:
    with torch.no_grad():
        raw = inverse_softplus((gates / pool.scales).tolist())
        network.raw_gates.copy_(raw[:-2])
        network.raw_weights_gate.copy_(raw[-2:-1])
        network.raw_learned_gate.copy_(raw[-1:])


def negative_log_likelihood(scores: Tensor, pool: Pool) -> Tensor:
    """Return the mean negative log likelihood of the withheld items, nats.

        -1/U Σ_u 1/|T_u| Σ_{t ∈ T_u} [ s(u,t) - log Σ_{i ∈ C_u} exp(s(u,i) + log n_i) ]

    n_i is how many items the candidate stands for (1 where nominated).

    Shapes:
        scores [U, C] → a scalar.

    C_u are all items that may be recommended, each counted once, where those fit (`softmax_over`): then this is the full softmax.

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
        loss = negative_log_likelihood(features @ log_gates.exp(), train)
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
    losses = [float(negative_log_likelihood(scores * float(factor), pool)) for factor in factors]
    return float(factors[int(np.argmin(losses))])
