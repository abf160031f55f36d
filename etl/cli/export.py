"""`reckon export`: a build, or the rows of a question, written for other programs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import typer

from etl.cli.registered import command_with_epilog, every, name_in
from etl.export.exporters import EXPORTERS
from etl.export.row_formats import ROW_FORMATS
from kg.errors import InputError, NotFoundError
from kg.registry import Registry
from kg.workspace import Workspace


class _Format(Protocol):
    name: str
    escapes_formulas: bool


F = TypeVar("F", bound=_Format)


def _formats() -> str:
    return f"{every(EXPORTERS)()} {every(ROW_FORMATS)()[:-1]} (with --query)."


WithFormats = command_with_epilog(_formats)


def export(
    file_format: Annotated[
        str, typer.Option("--format", parser=name_in(EXPORTERS, ROW_FORMATS), metavar="FORMAT", help="docs/import.md says what each writes.")
    ],
    out: Annotated[Path, typer.Option(help="File, or a new or empty folder.")],
    workspace: Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")] = Path(),
    build_id: Annotated[str, typer.Option("--build", help="A build; the published one by default.")] = "",
    escape_formulas: Annotated[
        bool, typer.Option("--escape-formulas", help="csv: an apostrophe before texts that a spreadsheet would run as a formula.")
    ] = False,
    query: Annotated[
        str, typer.Option("--query", metavar="NAME", help="Rows of a question of the library (`reckon query list`) in place of a build.")
    ] = "",
    param: Annotated[
        list[str] | None, typer.Option("-p", "--param", metavar="NAME=VALUE", help="A parameter of the question; may be repeated.")
    ] = None,
    timeout_s: Annotated[float, typer.Option(min=0.1, max=86_400, help="Longest time of the question.")] = 600,
) -> None:
    """Write a build for other programs: its graph, its catalogue, or both; graphml and cypher write one file, the others a folder.

    With --query: all rows of a question of the library into one file, as the database gives them.
    """
    form = _Chosen(file_format, escape_formulas=escape_formulas)
    if query:
        if build_id:
            raise InputError(
                "--build and --query do not go together", hint="a question is answered by the graph database, which holds the published build"
            )
        _export_rows(form, query, param or [], out, Workspace.open(workspace), timeout_s)
    elif param:
        raise InputError("-p is for --query", hint="leave it out, or name a question with --query")
    else:
        _export_build(form, build_id, out, Workspace.open(workspace))


@dataclass(frozen=True)
class _Chosen:
    """A format by its name, which may be one of builds, of rows, or of both."""

    name: str
    escape_formulas: bool

    def of(self, registry: Registry[F], wrong: str) -> F:
        """Return the format of a registry, or raise what is wrong."""
        if self.name not in registry.names():
            raise InputError(f"{self.name} is {wrong}", hint=f"use one of {', '.join(registry.names())}")
        form = registry.get(self.name)
        if self.escape_formulas and not form.escapes_formulas:
            able = ", ".join(each.name for each in registry if each.escapes_formulas)
            raise InputError(f"--escape-formulas is for {able}, not for {self.name}", hint="leave it out")
        return form


def _export_build(form: _Chosen, build_id: str, out: Path, workspace: Workspace) -> None:
    from etl.export.exporters import ExportedBuild, ExportOptions
    from etl.stages import graph_build
    from kg.config import ShopConfig, load_config
    from kg.files.atomic import whole_file, whole_folder

    exporter = form.of(EXPORTERS, "a format of rows, which need --query")
    name = load_config(workspace.root, os.environ).section(ShopConfig).name
    chosen = build_id or workspace.current_id()
    if chosen is None:
        raise NotFoundError("no build has been published", hint="run `reckon rebuild`, or name one with --build")
    build = workspace.build(chosen)
    graph_build.check_saved(build)
    whole = whole_file if exporter.one_file else whole_folder
    with whole(out) as path:
        exporter.write(ExportedBuild(build, ExportOptions(_file_name(name), form.escape_formulas)), path)
    typer.echo(f"wrote {out}: build {chosen}")


def _export_rows(form: _Chosen, query: str, parameters: list[str], out: Path, workspace: Workspace, timeout_s: float) -> None:
    from etl.cypher.exporting import export_query
    from etl.export.exporters import ExportOptions

    rows = form.of(ROW_FORMATS, "a format of builds, not of a question's rows")
    options = ExportOptions(escape_formulas=form.escape_formulas)
    result = export_query(workspace, query, parameters, rows, out, options, timeout_s=timeout_s)
    typer.echo(f"wrote {out}: {result.n_rows:,} rows of {query}, build {result.build_id or 'none'}")


def _file_name(shop: str) -> str:
    import re

    return re.sub(r"[^a-z0-9]+", "-", shop.lower()).strip("-") or "shop"
