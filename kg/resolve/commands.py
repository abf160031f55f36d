"""Trains and applies an item matcher on parquet files of pairs."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from kg.files.atomic import write_whole
from kg.resolve.items.matcher import ItemMatcher
from kg.resolve.items.records import read_pairs


def train_matcher(train_path: Path, valid_path: Path, out_path: Path) -> ItemMatcher:
    """Train on two files of labelled pairs and store the matcher.

    Args:
        train_path: Parquet with `left`, `right`, `match`.
        valid_path: The same.
        out_path: File to write; it appears complete or not at all.

    Raises:
        InputError: A file is missing or malformed; names the file, row and column.
    """
    matcher = ItemMatcher.fit(read_pairs(train_path, labelled=True), read_pairs(valid_path, labelled=True))
    matcher.save(out_path)
    return matcher


def score_pairs(model_path: Path, pairs_path: Path, out_path: Path) -> pl.DataFrame:
    """Score a file of pairs with a stored matcher and write it with `score` and `match` added.

    Args:
        model_path: What `train_matcher` wrote.
        pairs_path: Parquet with `left` and `right`; labels, where there are any, are not looked at and are replaced.
        out_path: Parquet to write; it appears complete or not at all.

    Raises:
        ArtifactError: The matcher cannot be read.
        InputError: The pairs are missing or malformed; names the file, row and column.
    """
    scored = ItemMatcher.load(model_path).score(read_pairs(pairs_path, labelled=False))
    write_whole(out_path, scored.write_parquet)
    return scored
