"""What each stage depends on, by name: the fingerprints follow from it, and the plan says what of it changed."""

from __future__ import annotations

from typing import Any

from etl.clean.config import CleanConfig
from etl.pipeline.stage_list import STAGE_LIST
from etl.settings import SourceConfig
from etl.stages import extraction, fingerprints, graph_build, ledger_import
from gnn.config import EvaluateConfig, ModelConfig
from gnn.gates.base import GATES
from gnn.metrics import METRICS
from gnn.risk.config import RiskConfig
from kg.config import Config, ExtractConfig, ResolveConfig, Section, ShopConfig
from kg.workspace import Workspace

_HOLD_OUT = ("split", "test_fraction", "seed")
"""What training depends on of `[evaluate]`: which events it may not see."""
_JUDGED = ("require", "waive", "limits")
"""What changes no number of the report."""


def parts_of(workspace: Workspace, config: Config, model: ModelConfig, mark: ledger_import.LedgerPosition) -> dict[str, dict[str, Any]]:
    """Return stage → name of an input → what identifies it; names in brackets are sections of the configuration.

    Args:
        workspace: Whose.
        config: Its configuration.
        model: `[model]` with what `reckon tune` found.
        mark: How much of the ledger counts.
    """
    sources = [source for source in config.sources if isinstance(source, SourceConfig)]
    section: dict[type[Section], dict[str, Any]] = {
        kind: config.section(kind).model_dump(mode="json") for kind in (ShopConfig, ExtractConfig, EvaluateConfig, ResolveConfig, RiskConfig)
    }
    settings, matcher, corrections, kept_apart = graph_build.inputs(workspace, config)
    return {
        "import": {
            "files": fingerprints.inputs(workspace.root, sources, config.section(CleanConfig)),
            "ledger": ledger_import.record(mark),
            "changes by file": graph_build.changes_digest(workspace),
        },
        "extract": {"[shop]": section[ShopConfig], "[extract]": section[ExtractConfig], "trained extractor": extraction.inputs(workspace, config)},
        "build": {"[resolve]": settings, "matcher": matcher, "corrections": corrections, "kept apart": kept_apart},
        "train": {
            "[model]": fingerprints.section(model),
            "[evaluate]": {name: section[EvaluateConfig][name] for name in _HOLD_OUT},
            "[risk]": section[RiskConfig],
            "decisions on risk": ledger_import.risk_decisions(workspace, config),
        },
        "evaluate": {"[evaluate]": section[EvaluateConfig], "plug-ins": [fingerprints.plugin_code(each) for each in (*GATES, *METRICS)]},
        "report": {},
    }


def measured_as(parts: dict[str, dict[str, Any]]) -> str:
    """Return what identifies the model of a build and what is measured of it: everything but how the gates judge that."""
    judged = {name: value for name, value in parts["evaluate"]["[evaluate]"].items() if name not in _JUDGED}
    return prints_of({**parts, "evaluate": {**parts["evaluate"], "[evaluate]": judged}})["evaluate"]


def prints_of(parts: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the fingerprint of every stage."""
    prints: dict[str, str] = {}
    upstream = ""
    for stage in STAGE_LIST:
        given = list(parts[stage.name].items())
        prints[stage.name] = upstream = fingerprints.fingerprint(stage.name, upstream, stage.version, given)
    return prints
