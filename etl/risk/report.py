"""What acts together in a workspace's shop, what of it counts, and what persons decided."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import polars as pl

from etl.stages.graph_build import interactions_of
from gnn.risk.shop import COUNTED, Report, counted, event_weights, examine
from kg.config import Config
from kg.errors import NotFoundError
from kg.files.json_file import write_json
from kg.ledger.database import Database
from kg.ledger.risk import DecisionStore
from kg.ledger.settings import LedgerConfig
from kg.workspace import Workspace

NAME = "risk.json"
"""File of the report in a workspace's `reports`."""


def decisions(workspace: Workspace, config: Config) -> DecisionStore:
    """Open the decisions of a workspace."""
    return DecisionStore(Database.open(workspace.ledger, config.section(LedgerConfig)))


def report(workspace: Workspace, config: Config) -> dict[str, Any]:
    """Examine the events of the published build and write the report.

    Raises:
        NotFoundError: Nothing is published.
    """
    current = workspace.current_id()
    if current is None:
        raise NotFoundError("no build is published", hint="run `reckon rebuild`")
    interactions = interactions_of(workspace.build(current))
    examined = examine(interactions)
    body = _body(examined, interactions, decisions(workspace, config).holding())
    workspace.reports.mkdir(exist_ok=True)
    write_json(workspace.reports / NAME, {"build_id": current, **body})
    return body


def _body(examined: Report, interactions: pl.DataFrame, decided: dict[str, str]) -> dict[str, Any]:
    weights = event_weights(examined.suspicion, decided)
    kept = counted(interactions, weights).height
    accounts = [
        {
            "user_id": user,
            "suspicion": round(examined.suspicion.get(user, 0.0), 6),
            "weight": weights.get(user, 1.0),
            "decision": decided.get(user, "open"),
        }
        for user in sorted({*examined.suspicion, *decided})
    ]
    return {
        "users": examined.users,
        "flagged": len(examined.suspicion),
        "events": interactions.height,
        "events_not_counted": interactions.height - kept,
        "notice": f"{interactions.height - kept} events of suspected accounts not counted",
        "formula": f"weight = 1 - suspicion; 0 where confirmed, 1 where cleared; events count while the weight is at least {COUNTED}",
        "signals": [asdict(signal) for signal in examined.signals],
        "accounts": accounts,
    }
