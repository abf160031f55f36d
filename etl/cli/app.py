"""The command line: one function per command.

Everything heavy is imported inside the commands: `reckon --help` is quick, and `reckon recommend` needs neither torch nor spaCy.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from contextlib import suppress
from importlib.metadata import entry_points
from importlib.metadata import version as version_of
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import builds, check, explain, export, facts, graph, rebuild
from etl.cli.ledger import ledger_app
from etl.cli.registered import command_with_epilog
from etl.cli.resolve import resolve_app
from etl.extract.commands import extract_app
from etl.operation import commands
from kg.errors import DiskFullError, InputError, ReckonError
from kg.workspace import Workspace

if TYPE_CHECKING:
    from etl.pipeline.jobs import Job
    from kg.config import Config

OS_EXIT = 71
INTERNAL_EXIT = 70
"""As sysexits.h numbers them: the system refused something; our own mistake. The codes of our errors are in kg/errors.py."""

Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
AllowRejects = Annotated[int, typer.Option("--allow-rejects", min=0, help="Rows that may be rejected without a failing exit code.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reckon {version_of('reckon')}")
        raise typer.Exit


app = typer.Typer(
    name="reckon",
    help="Recommendations whose scores add up, path by path.",
    epilog="--debug anywhere shows the traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="The configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(graph.graph_app, name="graph")
app.add_typer(resolve_app, name="resolve")
app.add_typer(extract_app, name="extract")
app.add_typer(ledger_app, name="ledger")
app.add_typer(facts.facts_app, name="facts")
app.command("why-fact")(facts.why_fact)
app.command()(check.check)
app.command()(rebuild.rebuild)
for _command in (commands.schedule, commands.status, commands.backup, commands.restore, commands.doctor):
    app.command()(_command)
app.command()(builds.publish)
app.command()(builds.rollback)
app.add_typer(builds.builds_app, name="builds")
app.command(cls=export.WithFormats)(export.export)
app.command("why-not")(explain.why_not)
app.command("what-if")(explain.what_if)


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")] = False,
) -> None:
    """Recommendations whose scores add up, path by path."""


def main() -> None:
    """Run the command line; every error becomes one line and an exit code."""
    # SIGTERM ends a command as Ctrl-C does, so that it stops its children in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    if len(arguments) < len(sys.argv) - 1:
        _run_app(arguments)
        return
    try:
        _run_app(arguments)
    except ReckonError as error:
        _complain(error.message, error.hint)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            _complain(f"{error.filename or 'the disk'}: {error.strerror or error}", "free some space; `reckon builds prune` removes old builds")
            sys.exit(DiskFullError.exit_code)
        _complain(f"{error.filename or 'the system'}: {error.strerror or error}", "check the disk, the permissions and the ports")
        sys.exit(OS_EXIT)
    except Exception as error:
        what = (str(error).strip().splitlines() or [""])[0][:300]
        _complain(f"internal error: {type(error).__name__}: {what}", "run it again with --debug and report what it prints")
        sys.exit(INTERNAL_EXIT)


def _run_app(arguments: list[str]) -> None:
    own = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    if not arguments or arguments[0] not in own:
        _add_commands()
    app(arguments)


def _add_commands() -> None:
    """Add the commands that other rooms register as entry points."""
    for entry in sorted(entry_points(group="reckon.commands"), key=lambda entry: entry.name):
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(entry.name)(command)


def _complain(message: str, hint: str) -> None:
    from rich.markup import escape

    from etl.console import Console

    Console().err.print(f"[red]error:[/] {escape(message)}" + (f"\n  [dim]→[/] {escape(hint)}" if hint else ""))


@app.command()
def init(folder: Path, template: Annotated[str, typer.Option(help="empty or demo.")] = "empty") -> None:
    """Make a workspace: a folder with a reckon.toml."""
    templates = files("etl") / "templates"
    source = templates / f"{template}.toml"
    if not template.isidentifier() or not source.is_file():
        raise InputError(f"there is no template {template!r}", hint="use empty or demo")
    target = folder / "reckon.toml"
    if target.exists():
        raise InputError(f"{target} exists", hint="edit it, or name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    typer.echo(f"wrote {target}")
    files_line = "look at it; it fetches its data itself" if template == "demo" else "name the shop's files there: one [[source]] per file"
    typer.echo(
        "next:\n"
        f"  1. {target}: {files_line} (docs/import.md)\n"
        f"  2. reckon rebuild -w {folder}\n"
        f"  3. reckon keys create -w {folder} --scope recommend:read --name shop\n"
        f"  4. reckon serve -w {folder}, then http://127.0.0.1:8000/docs with the key as the password"
    )


@config_app.command("show")
def show_config(workspace: Folder = Path()) -> None:
    """Print every setting with its effective value and meaning; secrets are masked."""
    _, config = _open(workspace)
    for name, section in sorted(config.sections.items()):
        typer.echo(f"[{name}]")
        for key, field in type(section).model_fields.items():
            value = section.model_dump(mode="json")[key]
            typer.echo(f"{key} = {json.dumps(value, ensure_ascii=False)}  # {field.description}")
        typer.echo("")
    for name, table in [*(("source", each) for each in config.sources), *(("rule", each) for each in config.rules)]:
        typer.echo(f"[[{name}]]")
        for key, value in table.model_dump(mode="json", exclude_unset=True).items():
            typer.echo(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        typer.echo("")


@app.command("import")
def import_(
    workspace: Folder = Path(),
    allow_rejects: AllowRejects = 0,
    changes: Annotated[
        Path | None, typer.Option(help="JSON lines or CSV of changes to items and events: into the graph at once, and into every later build.")
    ] = None,
    forget_changes: Annotated[bool, typer.Option("--forget-changes", help="Forget earlier changes: the files contain them by now.")] = False,
) -> None:
    """Validate and normalise the shop's files, or take in changes beside them."""
    if changes is not None or forget_changes:
        from etl.cli import changes as cli_changes

        cli_changes.run(_job(workspace), changes, forget=forget_changes, allow_rejects=allow_rejects)
        return
    _run(workspace, "import", allow_rejects)


@app.command()
def build(workspace: Folder = Path()) -> None:
    """Build the graph; as long as nothing is published, write it to the database as well."""
    build_id = _run(workspace, "build")
    job = _job(workspace)
    if job.workspace.current_id() is None:
        job.restore_graph(build_id)


@app.command()
def train(
    workspace: Folder = Path(),
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write event files: builds/<id>/tensorboard.")] = False,
) -> None:
    """Train the model on the graph."""
    build_id = _run(workspace, "train")
    if tensorboard:
        from etl.stages.training import write_events

        folder = write_events(_open(workspace)[0].build(build_id))
        typer.echo(f"tensorboard --logdir {folder}")


@app.command()
def tune(
    workspace: Folder = Path(),
    minutes: Annotated[float, typer.Option(min=0.01, help="How long; a trial that would not end in time is given up.")] = 20.0,
    sampler: Annotated[str, typer.Option(help="tpe, random or grid.")] = "tpe",
    folds: Annotated[int, typer.Option(min=1, max=10, help="Validations per trial; by time where the events have times.")] = 1,
    trials: Annotated[int | None, typer.Option(min=1, help="Most trials.")] = None,
) -> None:
    """Search for better settings of the model; the next build uses the best ones found.

    A graph that is not built yet is built first. A message says how long that took; the minutes begin then, and all else counts.
    """
    from etl.pipeline.locks import locked
    from etl.tuning.search import tune as search

    job = _job(workspace)
    with locked(job.workspace):
        search(job, minutes=minutes, sampler=sampler, folds=folds, trials=trials)


@app.command()
def evaluate(workspace: Folder = Path()) -> None:
    """Score the withheld events and write the report."""
    opened, _ = _open(workspace)
    build_id = _run(workspace, "report")
    typer.echo((opened.build(build_id) / "report.md").read_text(encoding="utf-8"))


@app.command("model-card")
def model_card() -> None:
    """Print docs/model-card.md: what the model is for, its data, method and limits; each build has a card of its own."""
    from gnn.evaluation.model_card import general_card

    typer.echo(general_card(), nl=False)


def _registered() -> str:
    from gnn.recommend.rerankers import base as rerankers
    from gnn.recommend.strategies import registry as strategies

    return f"Strategies: {strategies.summaries()}. With --all it is personal. Re-rankers: {rerankers.summaries()}."


@app.command(cls=command_with_epilog(_registered))
def recommend(
    user_id: Annotated[str, typer.Argument(help="Whom to recommend to; leave out with --all.")] = "",
    workspace: Folder = Path(),
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many items.")] = 10,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who has a history.")] = False,
    out: Annotated[Path | None, typer.Option(help="Parquet file for --all.")] = None,
    strategy: Annotated[str, typer.Option(help="Where the list comes from.")] = "personal",
    rerank: Annotated[list[str] | None, typer.Option(help="A re-ranker that needs no parameter; may be repeated.")] = None,
    no_rules: Annotated[
        bool, typer.Option("--no-rules", help="The build's own ranking: no business rules, edited interests or events since; so is --all.")
    ] = False,
    language: Annotated[str, typer.Option(help="Language of the reasons, such as zh; that of the shop by default.")] = "",
) -> None:
    """Recommend items to one user with their reasons, as the API does, or to everybody into a file."""
    from etl import printing
    from etl.console import Console
    from etl.printing import catalogue
    from etl.published import published_recommender, served_recommender
    from gnn.recommend.query import PERSONAL, RecQuery
    from kg.files.atomic import write_whole

    opened, config = _open(workspace)
    if everybody and strategy != PERSONAL:
        raise InputError(f"--all and --strategy {strategy[:60]} do not go together", hint="name one user, or leave --strategy out")
    if bool(user_id) == everybody or (everybody and out is None):
        raise InputError("name one user, or --all with --out FILE.parquet", hint="reckon recommend USER_ID -k 10")
    if everybody and out is not None:
        table = published_recommender(opened).recommend_all(k)
        write_whole(out, table.write_parquet)
        typer.echo(f"{table['user_id'].n_unique():,} users, {table.height:,} recommendations in {out}")
        return
    recommender, fresh = (published_recommender(opened), ()) if no_rules else served_recommender(opened, config, user_id)
    answer = recommender.answer(recommender.users.user(user_id, fresh), RecQuery(k=k, strategy=strategy, rerank=tuple(rerank or ())))
    printing.recommendations(Console(), answer, catalogue(opened, config, language))


@app.command()
def follow(workspace: Folder = Path()) -> None:
    """Read changed items and write them to the graph as they come, until stopped; `reckon serve` runs this beside it."""
    from etl.live.follow import ItemFollower
    from etl.pipeline.locks import following
    from kg import logs

    logs.configure()
    opened, config = _open(workspace)
    with following(opened), suppress(KeyboardInterrupt):
        ItemFollower(opened, config).run()


@app.command()
def demo(
    workspace: Folder = Path("var/demo"),
    stop: Annotated[bool, typer.Option("--exit", help="Stop after the printed answer.")] = False,
    port: Annotated[int, typer.Option(help="Port of the API.")] = 8000,
) -> None:
    """Run the whole path on Complete Journey, serve it, and print an explained recommendation."""
    from etl.pipeline.demo import run_demo

    run_demo(workspace, port=port, stop=stop)


def _open(folder: Path) -> tuple[Workspace, Config]:
    from kg.config import load_config

    workspace = Workspace.open(folder)
    return workspace, load_config(workspace.root, os.environ)


def _job(folder: Path) -> Job:
    from etl.console import Console
    from etl.pipeline.jobs import Job

    return Job(*_open(folder), Console())


def _run(folder: Path, upto: str, allow_rejects: int | None = None) -> str:
    from etl.pipeline.locks import locked

    job = _job(folder)
    with locked(job.workspace):
        build_id = job.run(upto)
    if allow_rejects is not None:
        builds.check_rejects(job.workspace.build(build_id), allow_rejects)
    return build_id
