"""Payments as a checked table: one row per transaction, in the order of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from kg.errors import InputError

FRAUD, HONEST, UNKNOWN = 1, 0, 2
"""Labels of a transaction."""

DEFAULT_MAP: Mapping[str, str] = {
    "time": "Time",
    "source": "Source",
    "target": "Target",
    "amount": "Amount",
    "location": "Location",
    "type": "Type",
    "label": "Labels",
}
"""Canonical column → column of the file."""

OPTIONAL = ("location", "type")
"""Columns that a map may leave out: every row then has the same empty value."""
_ENTITIES = ("source", "target", "location", "type")
_HINT = "name the columns with --map time=…,source=…,target=…,amount=…"


def parse_map(text: str) -> dict[str, str]:
    """Read what `--map` gives; an empty text is the default map.

    Raises:
        InputError: A part is not `name=Column`, a name is unknown or repeated, or one that is needed is missing.

    >>> parse_map("time=at,source=payer,target=payee,amount=sum")["amount"]
    'sum'
    """
    if not text.strip():
        return dict(DEFAULT_MAP)
    columns: dict[str, str] = {}
    for part in text.split(","):
        name, equals, column = (piece.strip() for piece in part.partition("="))
        if not equals or not column or name not in DEFAULT_MAP or name in columns:
            raise InputError(f"--map: cannot use {part.strip()[:80]!r}", hint=f"write each name=Column once; names are {', '.join(DEFAULT_MAP)}")
        columns[name] = column
    missing = [name for name in DEFAULT_MAP if name not in columns and name not in (*OPTIONAL, "label")]
    if missing:
        raise InputError(f"--map lacks {', '.join(missing)}", hint=_HINT)
    return columns


def read_transactions(path: Path, columns: Mapping[str, str], *, labels: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read transactions and check them.

    Args:
        path: A Parquet file.
        columns: Canonical column → column of the file.
        labels: Whether the labels are needed; without them the column is not looked at.

    Returns:
        The file as it is, and the checked table.

    Raises:
        InputError: The file is missing, broken or empty, a column is missing, or a row cannot be used; the first such row is named.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist", hint="name a Parquet file of transactions")
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path} is not a Parquet file: {str(error).splitlines()[0][:200]}", hint="write the transactions as Parquet") from None
    return frame, checked(frame, columns, labels=labels, place=str(path))


def checked(frame: pl.DataFrame, columns: Mapping[str, str], *, labels: bool, place: str) -> pl.DataFrame:
    """Check transactions and give them their canonical columns.

    Args:
        frame: As read.
        columns: Canonical column → column of the frame.
        labels: Whether the labels are needed.
        place: Where they come from, for messages.

    Returns:
        row (its number in the file, from 0), time, source, target, location, type, amount_cents, and label (all unknown without `labels`).

    Raises:
        InputError: There is no row, a column is missing, or a row cannot be used.
    """
    if not frame.height:
        raise InputError(f"{place} has no rows", hint="give at least one transaction")
    wanted = {name: column for name, column in columns.items() if name != "label" or labels}
    absent = [column for column in wanted.values() if column not in frame.columns]
    if labels and "label" not in columns:
        absent.append("of the labels")
    if absent:
        raise InputError(f"{place} lacks the column {', '.join(absent)}", hint=f"it has {', '.join(frame.columns[:40])}; {_HINT}")
    parts = [pl.Series("row", range(frame.height), dtype=pl.Int64), _times(frame, wanted["time"], place), _cents(frame, wanted["amount"], place)]
    parts += [_entity(frame, name, wanted.get(name), place) for name in _ENTITIES]
    parts.append(_labels(frame, wanted["label"], place) if labels else pl.Series("label", [UNKNOWN] * frame.height, dtype=pl.Int8))
    return pl.DataFrame(parts)


def joined(history: pl.DataFrame | None, transactions: pl.DataFrame) -> pl.DataFrame:
    """Put history and transactions into one order of time; `scored` says which are the transactions.

    Rows of equal time keep their order, history first; nothing that is computed from earlier rows depends on it.
    """
    parts = (
        [transactions.with_columns(scored=True)] if history is None else [history.with_columns(scored=False), transactions.with_columns(scored=True)]
    )
    return pl.concat(parts).sort("time", maintain_order=True)


def _refuse(frame: pl.DataFrame, bad: pl.Series, column: str, place: str, what: str, hint: str) -> None:
    """Refuse the first bad row, with how many there are."""
    n_bad = int(bad.sum())
    if not n_bad:
        return
    row = int(bad.arg_max() or 0)
    value = frame[column][row]
    more = f"; {n_bad:,} rows are like this" if n_bad > 1 else ""
    raise InputError(f"{place}, row {row}, column {column}: the {what} is {'null' if value is None else repr(value)[:60]}{more}", hint=hint)


def _times(frame: pl.DataFrame, column: str, place: str) -> pl.Series:
    series = frame[column]
    if isinstance(series.dtype, pl.Date | pl.Datetime):
        series = series.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
    elif not (series.dtype.is_numeric() or series.dtype == pl.Null):
        raise InputError(
            f"{place}, column {column}: times are {series.dtype}", hint="use numbers (Unix seconds or order numbers) or dates with times"
        )
    values = series.cast(pl.Float64)
    _refuse(frame, ~values.is_finite().fill_null(value=False), column, place, "time", "give every transaction a time, or leave the row out")
    return values.alias("time")


def _cents(frame: pl.DataFrame, column: str, place: str) -> pl.Series:
    if not (frame[column].dtype.is_numeric() or frame[column].dtype == pl.Null):
        raise InputError(f"{place}, column {column}: amounts are {frame[column].dtype}", hint="use numbers, in units of money such as 12.5")
    values = frame[column].cast(pl.Float64)
    bad = ~((values >= 0) & (values < 1e12)).fill_null(value=False)
    _refuse(frame, bad, column, place, "amount", "amounts run from 0 to 1e12; write refunds as a type of their own")
    return (values * 100).round().cast(pl.Int64).alias("amount_cents")


def _entity(frame: pl.DataFrame, name: str, column: str | None, place: str) -> pl.Series:
    if column is None:
        return pl.Series(name, [""] * frame.height, dtype=pl.String)
    try:
        values = frame[column].cast(pl.String)
    except pl.exceptions.PolarsError:
        raise InputError(f"{place}, column {column}: {frame[column].dtype} cannot be a name", hint="use text or whole numbers") from None
    if name in OPTIONAL:
        return values.fill_null("").alias(name)
    _refuse(frame, values.is_null() | (values == ""), column, place, name, f"give every transaction a {name}, or leave the row out")
    return values.fill_null("").alias(name)


def _labels(frame: pl.DataFrame, column: str, place: str) -> pl.Series:
    values = frame[column].cast(pl.Float64, strict=False)
    bad = ~values.is_in([float(HONEST), float(FRAUD), float(UNKNOWN)]).fill_null(value=False) & frame[column].is_not_null()
    _refuse(frame, bad, column, place, "label", "labels are 1 for fraud, 0 for honest, 2 or null for unknown")
    return values.fill_null(UNKNOWN).cast(pl.Int8).alias("label")
