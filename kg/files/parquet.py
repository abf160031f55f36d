"""Parquet files that a person names."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from kg.errors import InputError


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a Parquet file.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        why = (str(error).strip().splitlines() or ["damaged"])[0][:200]
        raise InputError(f"{path} cannot be read as Parquet: {why}", hint="name a Parquet file") from None
