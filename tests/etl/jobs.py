"""Jobs of the pipeline in a workspace, and a shop of twelve teas for them."""

from __future__ import annotations

from pathlib import Path

from etl.console import Console
from etl.pipeline.jobs import Job
from kg.config import load_config
from kg.workspace import Workspace

SOURCES = """
[[source]]
table = "items"
path = "items.csv"
columns = { item_id = "id", title = "title", brand = "brand" }

[[source]]
table = "interactions"
path = "events.csv"
columns = { user_id = "user", item_id = "item" , time = "n" }
kind = "purchase"
"""
TOML = f"""
[model]
factors = 4
factor_iterations = 2

[evaluate]
bootstrap = 0
ablations = false
baselines = ["popularity"]
{SOURCES}"""


def job_of(workspace: Workspace, **environment: str) -> Job:
    """Return what runs the stages, without a console.

    Args:
        workspace: The workspace.
        **environment: Variables that configure it, such as RECKON__LEDGER__URL.
    """
    return Job(workspace, load_config(workspace.root, environment), Console())


def write_teas(root: Path) -> Workspace:
    """Write the files of twelve teas of three brands and ten shoppers."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "reckon.toml").write_text(TOML)
    (root / "items.csv").write_text("id,title,brand\n" + "".join(f"i{n},Tea number {n} {n}00 g,Brand {n % 3}\n" for n in range(12)))
    events = [(user, (user * 5 + step) % 12, step) for user in range(10) for step in range(5)]
    (root / "events.csv").write_text("user,item,n\n" + "".join(f"u{user},i{item},{n}\n" for user, item, n in events))
    return Workspace.open(root)
