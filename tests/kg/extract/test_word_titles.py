"""Which words of hard titles become facts: labelled by hand, one line a title (`word_titles.jsonl`)."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from kg.extract.pipeline import Extractor
from kg.graph.build import REASON_CONFIDENCE
from kg.tables import ITEM_COLUMNS
from tests.kg.extract.test_quantities import MEASURED

LINES = [json.loads(line) for line in (Path(__file__).parent / "word_titles.jsonl").read_text(encoding="utf-8").splitlines()]


def _read(language: str) -> list[tuple[dict[str, list[str]], set[str]]]:
    """Return each line with the facts that a reason may show, "relation=value" without its "has_"."""
    lines = [line for line in LINES if line["language"] == language]
    rows = [{"item_id": str(n), "title": line["title"], "brand": line.get("brand"), "categories": []} for n, line in enumerate(lines)]
    found = Extractor(language).extract(pl.DataFrame(rows, schema=dict(ITEM_COLUMNS)))
    sure = found.filter((pl.col("confidence") >= REASON_CONFIDENCE) & (pl.col("field") == "title") & ~pl.col("relation").is_in(sorted(MEASURED)))
    read: dict[str, set[str]] = {}
    for item_id, relation, value in sure.select("item_id", "relation", "value").iter_rows():
        read.setdefault(item_id, set()).add(f"{relation.removeprefix('has_')}={value}")
    return [(line, read.get(str(n), set())) for n, line in enumerate(lines)]


def test_few_titles_give_a_wrong_fact_and_most_right_ones_are_found() -> None:
    lines = [*_read("en"), *_read("zh")]
    wrong = {line["title"]: facts - {*line["right"], *line.get("allowed", [])} for line, facts in lines}
    wrong = {title: facts for title, facts in wrong.items() if facts}
    assert len(lines) >= 140
    assert len(wrong) <= 0.03 * len(lines), wrong
    right = [fact in facts for line, facts in lines for fact in line["right"]]
    assert sum(right) >= 0.85 * len(right)
