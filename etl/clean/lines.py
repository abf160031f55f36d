"""Lines of an order that are no items: postage, fees, corrections, vouchers, tests. Which they are is data (`lines.jsonl`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import orjson
import polars as pl

from etl.clean.config import CleanConfig
from kg.errors import InputError


@dataclass(frozen=True)
class LineRule:
    """One rule; both patterns must match where both are given, without regard to case.

    Attributes:
        name: What such a line is.
        item_id: Pattern of the id.
        title: Pattern of the title; a rule without an `item_id` needs one.
    """

    name: str
    item_id: str = ""
    title: str = ""

    def matches(self) -> pl.Expr:
        """Return whether a row with `item_id` and `title` matches."""
        parts = [(pl.col(name), pattern) for name, pattern in (("item_id", self.item_id), ("title", self.title)) if pattern]
        return pl.all_horizontal(column.str.contains(f"(?i){pattern}").fill_null(False) for column, pattern in parts)


def line_rules(root: Path, config: CleanConfig) -> list[LineRule]:
    """Return the rules that hold in a workspace.

    Raises:
        InputError: The shop's file of rules is missing or has a line that is no rule.
    """
    rules = _read((files("etl.clean") / "lines.jsonl").read_bytes(), "lines.jsonl") if config.service_lines else []
    if not config.rules:
        return rules
    path = root / config.rules
    try:
        return [*rules, *_read(path.read_bytes(), path.name)]
    except OSError as error:
        raise InputError(f"clean.rules: {path} cannot be read: {error.strerror}", hint="correct `rules` under [clean]") from None


def service_lines(frame: pl.DataFrame, rules: list[LineRule]) -> pl.Series:
    """Say for each row with `item_id` and `title` whether it is such a line."""
    none = pl.lit(False)
    return frame.select(pl.any_horizontal(none, *(rule.matches() for rule in rules)).alias("service")).to_series()


def _read(data: bytes, name: str) -> list[LineRule]:
    rules = []
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            rules.append(_rule(line, f"{name}, line {number}"))
    return rules


def _rule(line: bytes, where: str) -> LineRule:
    hint = 'write {"name": "postage", "item_id": "^POST$"}, with a pattern for item_id, title or both'
    try:
        said = orjson.loads(line)
        rule = LineRule(**said)
        if not (rule.item_id or rule.title):
            raise InputError(f"{where}: a rule without a pattern", hint=hint)
        for pattern in (rule.item_id, rule.title):
            re.compile(pattern)
            pl.Series([""]).str.contains(pattern)
    except (TypeError, ValueError, re.error, pl.exceptions.PolarsError) as error:
        raise InputError(f"{where} is not a rule: {str(error).splitlines()[0]}", hint=hint) from None
    return rule
