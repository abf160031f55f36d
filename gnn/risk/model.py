"""The risk model of transactions: train, save, load, score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit
from sklearn.metrics import average_precision_score, roc_auc_score

from gnn.risk.calibration import LABELLED_WINDOW, STEP, WINDOW, Calibration, calibration_error
from gnn.risk.features import Stream, behaviour, spacing_of
from gnn.risk.label_features import label_features
from gnn.risk.past import Floats, Ints
from gnn.risk.transactions import FRAUD, HONEST, UNKNOWN, joined
from gnn.risk.trees import Trees
from kg.errors import ArtifactError, InputError
from kg.models.array_file import Format, read_arrays, write_arrays

FORMAT = Format("risk model", 1, "train it again with `reckon risk train`")
FEWEST_OF_EACH = 20
"""Frauds and honest transactions that training needs."""
_FOLDS = ((0.6, 0.8), (0.8, 1.0))
"""Trees of the rows up to the first part are judged on the rows up to the second; only the order of time counts."""


@dataclass(frozen=True)
class RiskModel:
    """What was learned from past transactions.

    Attributes:
        trees: Boosted trees over the features.
        names: Of the features.
        calibration: From their log-odds to probabilities.
        spacing: Mean distance in time between two transactions of the training part.
        feedback: Whether it was trained with labels that come back.
        delay: How long a label takes to come back, in the unit of the file's time.
        columns: Canonical column → column of the file that it was trained on.
        measured: What the held-out later parts of the training data gave: auc, ap, ece, rows, share.
    """

    trees: Trees
    names: tuple[str, ...]
    calibration: Calibration
    spacing: float
    feedback: bool
    delay: float
    columns: Mapping[str, str]
    measured: Mapping[str, float]

    def save(self, path: Path) -> None:
        """Write the model; the file appears complete or not at all."""
        meta = {name: getattr(self, name) for name in ("names", "spacing", "feedback", "delay", "columns", "measured")}
        write_arrays(path, FORMAT, {**meta, "calibration": asdict(self.calibration)}, self.trees.arrays())

    @classmethod
    def load(cls, path: Path) -> RiskModel:
        """Read a model; nothing in the file is executed.

        Raises:
            ArtifactError: The file is missing, damaged or of another kind.
        """
        meta, arrays = read_arrays(path, FORMAT)
        try:
            names = tuple(meta["names"])
            return cls(
                Trees.from_arrays(arrays, n_features=len(names)),
                names,
                Calibration(**meta["calibration"]),
                *(meta[name] for name in ("spacing", "feedback", "delay", "columns", "measured")),
            )
        except (KeyError, TypeError) as error:
            raise ArtifactError(f"{path} is not a risk model of this version: {error}", hint=FORMAT.hint) from None


@dataclass(frozen=True)
class Scored:
    """Scores of transactions and what they rest on.

    Attributes:
        model: What scored them.
        rows: All rows in the order of time, history too.
        stream: The same rows as numbers.
        at: Positions of the scored rows.
        x: Their features, [n, n_features].
        plain: Their calibrated log-odds before the shift, [n].
        shift: The shift for the share of fraud lately, [n].
    """

    model: RiskModel
    rows: pl.DataFrame
    stream: Stream
    at: Ints
    x: npt.NDArray[np.float32]
    plain: Floats
    shift: Floats

    @property
    def scores(self) -> Floats:
        """The probability of fraud per scored row."""
        return np.asarray(expit(self.plain + self.shift), dtype=np.float64)


def train(rows: pl.DataFrame, columns: Mapping[str, str], *, feedback: bool = False, delay: float = 0.0, seed: int = 0) -> RiskModel:
    """Train on labelled transactions; rows of unknown label count as the past of others.

    Args:
        rows: Checked transactions (`gnn.risk.transactions.checked`) with labels.
        columns: The map that they were read with.
        feedback: Use the labels of earlier rows as features.
        delay: How long a label takes to come back, in the unit of the file's time.
        seed: Of the trees.

    Raises:
        InputError: There are too few labels of either kind.
    """
    ordered = joined(None, rows)
    labels = ordered["label"].to_numpy()
    counts = {"fraud": int((labels == FRAUD).sum()), "honest": int((labels == HONEST).sum())}
    if min(counts.values()) < FEWEST_OF_EACH:
        what = ", ".join(f"{n} {name}" for name, n in counts.items())
        raise InputError(f"too few labels to learn from: {what}", hint=f"give at least {FEWEST_OF_EACH} of each")
    spacing, prior = spacing_of(ordered), counts["fraud"] / sum(counts.values())
    stream = Stream.of(ordered, spacing)
    names, x = _features(stream, labels if feedback else None, prior, delay / spacing)
    calibration, measured = _calibrated(stream, x, labels, feedback, delay / spacing, seed)
    known = labels != UNKNOWN
    trees = Trees.fit(x[known], labels[known], seed=seed)
    return RiskModel(trees, names, calibration, spacing, feedback, delay, dict(columns), measured)


def score(model: RiskModel, transactions: pl.DataFrame, history: pl.DataFrame | None) -> Scored:
    """Score transactions in the order of time, each with what is strictly earlier in the history and the transactions themselves.

    Args:
        model: The model.
        transactions: Checked transactions; their labels are used only by a model with feedback, and only for later rows.
        history: Checked transactions before or among them.
    """
    rows = joined(history, transactions)
    stream, labels = Stream.of(rows, model.spacing), rows["label"].to_numpy()
    delay = model.delay / model.spacing
    names, x = _features(stream, labels if model.feedback else None, model.calibration.prior, delay)
    if names != model.names:
        raise ArtifactError("the model has other features than this Reckon computes", hint=FORMAT.hint)
    at = np.flatnonzero(rows["scored"].to_numpy())
    needed = _first_needed(at, labels, model.feedback)
    plain = np.full(len(labels), np.nan)
    plain[needed:] = model.calibration.plain(model.trees.log_odds(x[needed:]))
    return Scored(model, rows, stream, at, x[at], plain[at], _shift(model.calibration, plain, stream, labels, at, model.feedback, delay))


def _features(stream: Stream, labels: npt.NDArray[np.int8] | None, prior: float, delay: float) -> tuple[tuple[str, ...], npt.NDArray[np.float32]]:
    features = behaviour(stream)
    if labels is not None:
        features |= label_features(stream, labels, prior, delay)
    return tuple(features), np.column_stack(list(features.values()))


def _first_needed(at: Ints, labels: npt.NDArray[np.int8], feedback: bool) -> int:
    """Return the first row whose score some shift of the wanted rows can need."""
    first = int(at.min(initial=len(labels)))
    if not feedback:
        return max(0, first - WINDOW - STEP)
    return 0 if first == 0 else _back(labels, first)


def _back(labels: npt.NDArray[np.int8], first: int) -> int:
    known = np.flatnonzero(labels[:first] != UNKNOWN)
    return int(known[-4 * LABELLED_WINDOW]) if len(known) > 4 * LABELLED_WINDOW else 0


def _shift(calibration: Calibration, plain: Floats, stream: Stream, labels: npt.NDArray[np.int8], at: Ints, feedback: bool, delay: float) -> Floats:
    if not feedback:
        return calibration.shift_without_labels(plain, stream.before, at)
    return calibration.shift_by_labels(plain, labels, stream.known_before(delay), at)


def _calibrated(
    stream: Stream, x: npt.NDArray[np.float32], labels: npt.NDArray[np.int8], feedback: bool, delay: float, seed: int
) -> tuple[Calibration, dict[str, float]]:
    """Fit the calibration on later parts that the trees of the earlier parts have not seen, and measure there."""
    n, plain = len(labels), np.full(len(labels), np.nan)
    for start, end in ((int(n * a), int(n * b)) for a, b in _FOLDS):
        early = np.flatnonzero(labels[:start] != UNKNOWN)
        if min((labels[early] == FRAUD).sum(), (labels[early] == HONEST).sum()) > 0:
            plain[start:end] = Trees.fit(x[early], labels[early], seed=seed).log_odds(x[start:end])
    first = int(n * _FOLDS[0][0])
    judged = np.flatnonzero(~np.isnan(plain))
    frauds = labels[judged][labels[judged] != UNKNOWN] == FRAUD
    if min(frauds.sum(), (~frauds).sum()) < FEWEST_OF_EACH:
        share = float((labels == FRAUD).sum() / (labels != UNKNOWN).sum())
        return Calibration(1.0, 0.0, share, share), {}
    calibration = Calibration.fit(plain[judged], labels[judged])
    plain[first:] = calibration.plain(plain[first:])
    known = judged[labels[judged] != UNKNOWN]
    # The first rows of the part have no scored window before them yet: their shift is not measured.
    later = known[known >= first + (n - first) // 4]
    shift = _shift(calibration, np.nan_to_num(plain), stream, labels, later, feedback, delay)
    scores, truth = np.asarray(expit(plain[later] + shift)), labels[later] == FRAUD
    if min(truth.sum(), (~truth).sum()) == 0:
        return calibration, {}
    measured = {
        "auc": float(roc_auc_score(truth, scores)),
        "ap": float(average_precision_score(truth, scores)),
        "ece": calibration_error(scores, truth),
        "rows": float(len(later)),
        "share": float(truth.mean()),
    }
    return calibration, {name: round(value, 4) for name, value in measured.items()}
