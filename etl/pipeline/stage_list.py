"""The stages of a build: what each reads and writes, and in which version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: What commands and records call it.
        summary: What it does.
        inputs: What it depends on beside the stages before it.
        outputs: What it writes into the build.
        optional: What it writes only where the configuration asks for it.
        version: Raised where its output changes though neither code nor settings that its fingerprint knows do.
    """

    name: str
    summary: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    optional: Sequence[str] = ()
    version: int = 1


STAGE_LIST = (
    Stage(
        "import",
        "reads the shop's files and the ledger into a catalogue",
        ("files", "ledger", "changes by file"),
        ("catalog", "rejects.jsonl", "flagged.parquet", "import.json", "import.md"),
    ),
    Stage(
        "extract",
        "reads attributes from titles, descriptions and fields",
        ("[shop]", "[extract]", "trained extractor"),
        ("attributes.parquet",),
        ("inferred.parquet", "learned.parquet", "text_vectors.npy"),
    ),
    Stage(
        "build",
        "resolves values and items, and builds the graph",
        ("[resolve]", "matcher", "corrections", "kept apart"),
        ("graph.json", "resolution", "hygiene.json", "hygiene.md"),
    ),
    Stage(
        "train",
        "fits the model, and again on everything",
        ("[model]", "[evaluate]", "[risk]", "decisions on risk"),
        ("model", "artifact", "search", "training.json"),
    ),
    Stage("evaluate", "measures what the gates read of the withheld events, and asks them", ("plug-ins",), ("evaluation.json",), ("ranked.npz",)),
    Stage("report", "measures what no gate reads, after the publication", (), ("report.json", "report.md", "report.html", "model-card.md")),
)
PUBLISHABLE = "evaluate"
"""After this stage a build may be published."""
