"""What a build knows of one item: its fields, and its facts with their evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from gnn.artifact.artifact import Artifact
from gnn.live.overlay import base_facts
from kg.catalog.item_changes import fields_of
from kg.catalog.records import Fields


def built_item(build: Path, artifact: Artifact, item_id: str) -> tuple[Fields, Sequence[Mapping[str, Any]]]:
    """Return fields and facts of an item of a build: from its tables, or from the artifact where those are not on this machine.

    Args:
        build: Folder of the build.
        artifact: Of that build.
        item_id: One of its items.
    """
    rows = _rows(build / "catalog" / "items.parquet", item_id)
    num = artifact.item_nums[item_id]
    price = float(artifact.price_cents[num])
    fields = fields_of(rows[0]) if rows else {"title": artifact.titles[num], **({"price_cents": int(price)} if price == price else {})}
    if not rows and not artifact.available[num]:
        fields["available"] = False
    evidence = {(str(row["relation"]), str(row["value"])): row for row in _rows(build / "attributes.parquet", item_id)}
    facts = [
        {**evidence.get((relation, value), {}), "relation": relation, "node_type": node_type, "value": value}
        for (_, relation, node_type), values in base_facts(artifact, item_id).items()
        for value in values
    ]
    return fields, facts


def _rows(path: Path, item_id: str) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return pl.scan_parquet(path).filter(pl.col("item_id") == item_id).collect().to_dicts()
