"""Looks at a pair beside its rivals: the other pairs that the same record occurs in.

An item of one feed usually has one counterpart in the other. So a pair is judged against the other candidates of its two records: how
much better it fits than the best of them, and, where their answer is known from training, what that answer was and how similar they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kg.resolve.items.records import RecordPairs

_BLOCK = 256
"""Pairs of one record compared at once; bounds memory where a record has very many candidates."""

_NO_RIVAL = 5.0
"""Lead of a pair without rivals; every real lead is smaller in practice."""

RIVAL_KEYS = frozenset(
    [
        "weighted_jaccard",
        "cosine",
        "soft_left",
        "soft_right",
        "soft_sum_left",
        "soft_sum_right",
        "token_set",
        "log_ratio",
        "code_best_ratio",
        "code_contained",
        "left_in_right",
        "right_in_left",
    ]
)
"""Last part of the names of the features that are compared with the rivals'."""

N_CONTEXT = 26
"""Columns of `rival_scores`: 13 for each side."""


def key_features(names: Sequence[str]) -> list[int]:
    """Return the positions of the features that are compared with the rivals'."""
    return [number for number, name in enumerate(names) if name.rpartition(".")[2] in RIVAL_KEYS]


def leads(values: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return by how much each row exceeds the best other row of its group, and the group's size as the last column.

    Shapes:
        values: [n, d], groups: [n], returns [n, d + 1].
    """
    n_groups = int(groups.max()) + 1 if len(groups) else 0
    best = np.full((n_groups, values.shape[1]), -np.inf, dtype=np.float32)
    np.maximum.at(best, groups, values)
    holds = values == best[groups]
    holders = np.zeros(best.shape, dtype=np.int32)
    np.add.at(holders, groups, holds)
    alone = holds & (holders[groups] == 1)
    second = np.full_like(best, -np.inf)
    np.maximum.at(second, groups, np.where(alone, -np.inf, values))
    rival = np.where(alone, second[groups], best[groups])
    lead = np.where(np.isinf(rival), _NO_RIVAL, values - rival)
    size = np.bincount(groups, minlength=n_groups)[groups][:, None]
    return np.hstack([lead, size]).astype(np.float32)


@dataclass(frozen=True)
class PairEvidence:
    """What is known of every pair before it is judged beside its rivals.

    Attributes:
        score: Score of the pair on its own. Shape [n].
        match: Its known answer; read only where another pair's `part` differs. Shape [n].
        part: Pairs of one part do not know each other's answers. Shape [n].
    """

    score: NDArray[np.float64]
    match: NDArray[np.int8]
    part: NDArray[np.int64]


def _side(groups: NDArray[np.int64], partner: NDArray[np.int64], grams: sparse.csr_matrix, evidence: PairEvidence, start: int) -> NDArray[np.float32]:
    wanted = set(groups[start:].tolist())
    members: dict[int, list[int]] = defaultdict(list)
    for row, number in enumerate(groups.tolist()):
        if number in wanted:
            members[number].append(row)
    out = np.zeros((len(groups) - start, N_CONTEXT // 2), dtype=np.float32)
    for rows in members.values():
        group = np.array(rows)
        vectors = grams[partner[group]]
        positions = np.flatnonzero(group >= start)
        for block in np.array_split(positions, -(-len(positions) // _BLOCK)):
            likeness = (vectors[block] @ vectors.T).toarray()
            for at, alike in zip(block, likeness, strict=True):
                out[group[at] - start] = _rivals(at, group, alike, evidence)
    return out


def _best(values: NDArray[np.float64] | NDArray[np.float32]) -> float:
    return float(values.max()) if len(values) else -1.0


def _rivals(at: np.int64, group: NDArray[np.int64], likeness: NDArray[np.float32], evidence: PairEvidence) -> list[float]:
    score, part = evidence.score[group], evidence.part[group]
    other = np.arange(len(group)) != at
    known = other & (part != part[at])
    positive, negative = known & (evidence.match[group] == 1), known & (evidence.match[group] == 0)
    open_ = other & ~known
    belief = np.where(known, evidence.match[group], score)
    rival = score[open_]
    return [
        len(group),
        int(known.sum()),
        int(positive.sum()),
        _best(rival),
        score[at] - max(_best(rival), 0.0),
        int((rival > score[at]).sum()),
        _best(belief[other]),
        float(belief[other].sum()),
        _best(likeness[positive]),
        _best(likeness[negative]),
        _best(likeness[open_]),
        float((likeness[other] * belief[other]).sum()),
        _best(score[other]),
    ]


def rival_scores(
    pairs: RecordPairs, left_grams: sparse.csr_matrix, right_grams: sparse.csr_matrix, evidence: PairEvidence, *, start: int = 0
) -> NDArray[np.float32]:
    """Describe, for every pair from number `start` on, the other pairs of its left and of its right record.

    Per side: number of pairs, of known ones, of known matches; best open score, lead over it, number of better ones; best and summed belief
    (known answer or score); likeness of the partner to known matches, known non-matches and open candidates; likeness-weighted belief; best score.

    Shapes:
        left_grams: [n_left, n_grams], right_grams: [n_right, n_grams], returns [n_pairs - start, N_CONTEXT].
    """
    return np.hstack(
        [
            _side(pairs.left_num, pairs.right_num, right_grams, evidence, start),
            _side(pairs.right_num, pairs.left_num, left_grams, evidence, start),
        ]
    )
