"""Trains a workspace's own extractor from its structured fields and from what persons answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kg.errors import InputError

if TYPE_CHECKING:
    from etl.pipeline.jobs import Job


def train_shop(job: Job, minutes: float, report: Callable[[str, int, int], None] | None = None) -> int:
    """Train on the items of the workspace and store the extractor in it; the next extract stage reads with it.

    Args:
        job: The workspace; its import stage is run where that is not done.
        minutes: Time to stay within.
        report: Called with what was done, how much of it, and of how much.

    Returns:
        Titles that were taught.

    Raises:
        InputError: Neither the fields nor any answers teach anything.
    """
    from etl.pipeline.locks import locked
    from kg.extract.learned import commands
    from kg.extract.learned.attributes import AttributeModel
    from kg.extract.learned.data.distant import MIN_LABELS, gold_rows
    from kg.extract.learned.data.gold import example_of
    from kg.extract.learned.data.review import ReviewLog
    from kg.tables import Catalog

    with locked(job.workspace):
        build = job.workspace.build(job.run("import"))
    rows = gold_rows(Catalog.read(build / "catalog").items, ReviewLog(job.workspace.review).gold())
    if not rows:
        raise InputError(
            f"no structured field of {job.workspace.root} stands in {MIN_LABELS} titles",
            hint="map more fields in reckon.toml, or train on a gold file",
        )
    examples = [example_of(row, f"title {number}", labelled=True) for number, row in enumerate(rows, start=1)]
    commands.save(AttributeModel.fit(examples, minutes=minutes, report=report), job.workspace.extract_model)
    return len(examples)
