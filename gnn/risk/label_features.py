"""What came back of earlier rows: labels by entity, known before the row is judged. Used with `--feedback` alone.

A rate that is frozen when a model is trained and then grows old misleads more than it helps, so these features exist only where labels keep coming,
and training sees them as old as service does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnn.risk.features import Stream, log_gap
from gnn.risk.past import Floats, Ints, Past, codes
from gnn.risk.transactions import FRAUD, UNKNOWN

KEYS = ("S", "T", "L", "Y", "ST", "SL", "SY", "TL", "TY", "SA", "TA", "TLY", "TN", "YN", "TB", "YB", "TYB", "TG", "YG", "TYN", "NB", "GB", "SB")
"""As in `gnn.risk.features`; N is how many rows the source has so far, G how long ago its last one was, both in classes."""
_WINDOWS = (500, 4_000)
_LATEST = (5, 20)
_MISSING = np.nan


def label_features(stream: Stream, labels: npt.NDArray[np.int8], prior: float, delay: float) -> dict[str, npt.NDArray[np.float32]]:
    """Compute the label features of all rows.

    Args:
        stream: The rows.
        labels: Their labels.
        prior: Share of fraud in the training part, that rates of few rows are drawn to.
        delay: How long a label takes to come back, in the unit of the stream's time; 0 knows the labels of all strictly earlier rows.
    """
    known, fraud = labels != UNKNOWN, (labels == FRAUD).astype(np.int64)
    seen = stream.known_before(delay)
    lows = {window: stream.low(window + delay) for window in _WINDOWS}
    classes = _classes(stream)
    features: dict[str, npt.NDArray[np.float32]] = {}
    for key in KEYS:
        _of_key(features, key, _codes(stream, classes, key), stream.time, (known, fraud), seen, lows, prior)
    return features


def class_codes(stream: Stream, key: str) -> Ints:
    """Number a key of `KEYS` in each row."""
    return _codes(stream, _classes(stream), key)


def _codes(stream: Stream, classes: dict[str, Ints], key: str) -> Ints:
    return codes(*(classes[letter] if letter in classes else stream.base[letter] for letter in key))


def _classes(stream: Stream) -> dict[str, Ints]:
    past = Past(stream.base["S"], stream.before)
    at = past.latest()
    gap = np.where(at >= 0, log_gap(stream.time, at), -1.0)
    return {"N": np.digitize(past.count, (1, 2, 5, 20)).astype(np.int64), "G": np.digitize(gap, (-0.5, 0.8, 2, 5, 8)).astype(np.int64)}


def _of_key(
    features: dict[str, npt.NDArray[np.float32]],
    key: str,
    code: Ints,
    time: Floats,
    labels: tuple[npt.NDArray[np.bool_], Ints],
    seen: Ints,
    lows: dict[int, Ints],
    prior: float,
) -> None:
    known, fraud = labels
    past, frauds = Past(code, seen, known), Past(code, seen, fraud == 1)
    name = f"label.{key}"

    def rate(first: Ints, strength: float) -> npt.NDArray[np.float32]:
        return np.asarray((past.total(fraud, first) + prior * strength) / (past.end - first + strength), dtype=np.float32)

    features[f"{name}.rate"] = rate(past.start, 2.0)
    if "S" in key:
        features[f"{name}.frauds"] = past.total(fraud).astype(np.float32)
    for window, low in lows.items():
        features[f"{name}.rate{window}"] = rate(past.since(low), 1.0)
    for most in _LATEST:
        features[f"{name}.last{most}"] = rate(np.maximum(past.end - most, past.start), 1.0)
    latest = past.latest()
    features[f"{name}.last"] = np.where(latest >= 0, fraud[latest], _MISSING).astype(np.float32)
    for suffix, at in (("gap", latest), ("fraudgap", frauds.latest())):
        features[f"{name}.{suffix}"] = np.where(at >= 0, log_gap(time, at), _MISSING).astype(np.float32)
