"""`reckon export`: a build written for other programs."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kg.errors import InputError, NotFoundError
from kg.workspace import Workspace


class Format(StrEnum):
    """What an export is written as."""

    GRAPHML = "graphml"
    CYPHER = "cypher"
    CSV = "csv"
    RECBOLE = "recbole"
    GORSE = "gorse"


def export(
    file_format: Annotated[Format, typer.Option("--format", help="graphml and cypher write one file, the others a folder.")],
    out: Annotated[Path, typer.Option(help="File, or a new or empty folder.")],
    workspace: Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")] = Path(),
    build_id: Annotated[str, typer.Option("--build", help="A build; the published one by default.")] = "",
    escape_formulas: Annotated[
        bool, typer.Option("--escape-formulas", help="csv: an apostrophe before texts that a spreadsheet would run as a formula.")
    ] = False,
) -> None:
    """Write a build for other programs: its graph (graphml, cypher, csv), its catalogue (gorse), or both (recbole)."""
    from etl.export import atomic_output, cypher_script, gorse, graphml, recbole, tables
    from etl.stages import graph_build
    from kg.config import ShopConfig, load_config
    from kg.tables import Catalog

    if escape_formulas and file_format is not Format.CSV:
        raise InputError(f"--escape-formulas is for csv, not for {file_format.value}", hint="leave it out")
    opened = Workspace.open(workspace)
    name = load_config(opened.root, os.environ).section(ShopConfig).name
    chosen = build_id or opened.current_id()
    if chosen is None:
        raise NotFoundError("no build has been published", hint="run `reckon rebuild`, or name one with --build")
    build = opened.build(chosen)
    graph_build.check_saved(build)
    match file_format:
        case Format.GRAPHML:
            with atomic_output.whole_file(out) as path:
                graphml.write_graphml(graph_build.saved_tables(build), path)
        case Format.CYPHER:
            with atomic_output.whole_file(out) as path:
                cypher_script.write_cypher(graph_build.saved_tables(build), path)
        case Format.CSV:
            with atomic_output.whole_folder(out) as path:
                tables.write_tables(graph_build.saved_tables(build), path, escape_formulas=escape_formulas)
        case Format.RECBOLE:
            with atomic_output.whole_folder(out) as path:
                recbole.write_recbole(Catalog.read(build / "catalog"), graph_build.saved_tables(build), path, _file_name(name))
        case Format.GORSE:
            with atomic_output.whole_folder(out) as path:
                gorse.write_gorse(Catalog.read(build / "catalog"), path)
    typer.echo(f"wrote {out}: build {chosen}")


def _file_name(shop: str) -> str:
    import re

    return re.sub(r"[^a-z0-9]+", "-", shop.lower()).strip("-") or "shop"
