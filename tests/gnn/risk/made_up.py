"""Made-up transactions: honest payers keep to their shop and their amounts; frauds come from new sources, in quick rows of odd amounts."""

from __future__ import annotations

import numpy as np
import polars as pl

from gnn.risk.transactions import DEFAULT_MAP, checked


def payments(n: int = 3_000, seed: int = 0, fraud_share: float = 0.15) -> pl.DataFrame:
    """Return transactions in the columns of the default map; every third label is unknown."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, str, str, float, str, str, int]] = []
    time, bad = 0, 0
    while len(rows) < n:
        time += int(rng.integers(1, 4))
        if rng.random() < fraud_share / 4:
            bad += 1
            for _ in range(4):
                time += 1
                rows.append((time, f"X{bad}", f"T{rng.integers(30)}", round(float(rng.uniform(5, 160)), 2), f"L{rng.integers(3)}", "shop", 1))
        else:
            payer = int(rng.integers(120))
            rows.append((time, f"S{payer}", f"T{payer % 30}", round(10 + payer + float(rng.normal()), 2), f"L{payer % 3}", "shop", 0))
    frame = pl.DataFrame(rows[:n], schema=list(DEFAULT_MAP.values()), orient="row")
    unknown = rng.random(n) < 1 / 3
    return frame.with_columns(Labels=pl.when(pl.Series(unknown)).then(2).otherwise(pl.col("Labels")))


def rows_of(frame: pl.DataFrame, *, labels: bool = True) -> pl.DataFrame:
    """Check made-up transactions."""
    return checked(frame, DEFAULT_MAP, labels=labels, place="made up")
