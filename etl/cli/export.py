"""`reckon export`: a build written for other programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from etl.cli.registered import name_in
from etl.export.exporters import EXPORTERS
from kg.errors import InputError, NotFoundError
from kg.workspace import Workspace


def export(
    file_format: Annotated[str, typer.Option("--format", parser=name_in(EXPORTERS), metavar="FORMAT", help="docs/import.md says what each writes.")],
    out: Annotated[Path, typer.Option(help="File, or a new or empty folder.")],
    workspace: Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")] = Path(),
    build_id: Annotated[str, typer.Option("--build", help="A build; the published one by default.")] = "",
    escape_formulas: Annotated[
        bool, typer.Option("--escape-formulas", help="csv: an apostrophe before texts that a spreadsheet would run as a formula.")
    ] = False,
) -> None:
    """Write a build for other programs: its graph, its catalogue, or both; graphml and cypher write one file, the others a folder."""
    from etl.export.exporters import ExportedBuild, ExportOptions
    from etl.stages import graph_build
    from kg.config import ShopConfig, load_config
    from kg.files.atomic import whole_file, whole_folder

    exporter = EXPORTERS.get(file_format)
    if escape_formulas and not exporter.escapes_formulas:
        able = ", ".join(each.name for each in EXPORTERS if each.escapes_formulas)
        raise InputError(f"--escape-formulas is for {able}, not for {exporter.name}", hint="leave it out")
    opened = Workspace.open(workspace)
    name = load_config(opened.root, os.environ).section(ShopConfig).name
    chosen = build_id or opened.current_id()
    if chosen is None:
        raise NotFoundError("no build has been published", hint="run `reckon rebuild`, or name one with --build")
    build = opened.build(chosen)
    graph_build.check_saved(build)
    whole = whole_file if exporter.one_file else whole_folder
    with whole(out) as path:
        exporter.write(ExportedBuild(build, ExportOptions(_file_name(name), escape_formulas)), path)
    typer.echo(f"wrote {out}: build {chosen}")


def _file_name(shop: str) -> str:
    import re

    return re.sub(r"[^a-z0-9]+", "-", shop.lower()).strip("-") or "shop"
