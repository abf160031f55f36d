"""The commands `reckon opinions …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import InputError
from kg.files.atomic import write_text, write_whole

if TYPE_CHECKING:
    import polars as pl

opinions = typer.Typer(help="Opinions in reviews: polarity, aspects with their places, and surges of complaints.", no_args_is_help=True)


@opinions.callback()
def _group() -> None:
    """Keep the name of each command, however many there are."""


@opinions.command("train")
def train_(
    reviews: Annotated[Path, typer.Option(help="Parquet, CSV or JSON Lines of labelled reviews.")],
    text: Annotated[str, typer.Option(help="Column of the texts.")],
    label: Annotated[str, typer.Option(help="Column of the labels: 0 and 1, words, or ratings from 1 to 5 (3 is left out).")],
    language: Annotated[str, typer.Option(help="en or zh.")],
    out: Annotated[Path, typer.Option(help="File to write the model to.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the held-out part.")] = 0,
) -> None:
    """Train a model of polarity on labelled reviews; a fifth is held out to say how good it is."""
    from etl.opinions.tables import read_reviews, texts_of
    from kg.opinions.labels import labels_of
    from kg.opinions.reading import checked_language
    from kg.opinions.training import train

    chosen = checked_language(language)
    frame = read_reviews(reviews, text, label)
    texts = texts_of(frame, text, str(reviews))
    labels = labels_of(frame[label], f"{reviews}, column {label}")
    kept = [at for at, row in enumerate(labels.rows.tolist()) if (texts[row] or "").strip()]
    model = train([texts[labels.rows[at]] or "" for at in kept], labels.positive[kept], chosen, values=labels.values, seed=seed)
    model.save(out)
    typer.echo(f"{len(kept):,} of {frame.height:,} reviews, {labels.positive[kept].sum():,} of them positive; wrote {out}")
    typer.echo("on the fifth held out: " + ", ".join(f"{name} {value:g}" for name, value in model.measured.items()))


@opinions.command("run")
def run_(
    model: Annotated[Path, typer.Option(help="A model that `reckon opinions train` wrote.")],
    input_: Annotated[Path, typer.Option("--input", help="Parquet, CSV or JSON Lines of reviews.")],
    text: Annotated[str, typer.Option(help="Column of the texts.")],
    out: Annotated[Path, typer.Option(help="Parquet to write: the rows as they are, with label, score and aspects.")],
) -> None:
    """Say of each review whether it is positive, how probably, and which aspects it praises or complains of."""
    from etl.opinions.analysis import analysed
    from etl.opinions.tables import read_reviews
    from kg.opinions.polarity import PolarityModel

    opened = PolarityModel.load(model)
    frame = read_reviews(input_, text)
    texts = _texts(frame, text, input_)
    result = analysed(frame, texts, opened)
    write_whole(out, result.write_parquet)
    n_positive = int((result["score"] >= opened.threshold).sum())
    typer.echo(f"{result.height:,} reviews, {n_positive:,} positive, {result['aspects'].list.len().sum():,} aspects, in {out}")


@opinions.command("summary")
def summary_(
    input_: Annotated[Path, typer.Option("--input", help="The Parquet that `reckon opinions run` wrote.")],
    key: Annotated[str, typer.Option(help="Column of what is summarised: items, brands.")],
    out: Annotated[Path, typer.Option(help="Parquet to write: key, aspect, mentions, praised, complained, sentence.")],
    fewest: Annotated[int, typer.Option(min=1, help="Reviews that mention an aspect before it is spoken of.")] = 3,
) -> None:
    """Count what the reviews of each item say of each aspect: praised by so many of those who mention it."""
    from etl.opinions.summaries import summarised
    from etl.opinions.tables import read_reviews

    result = summarised(read_reviews(input_, key, "aspects"), key, str(input_), fewest=fewest)
    write_whole(out, result.write_parquet)
    typer.echo(f"{result.height:,} aspects of {result[key].n_unique():,} values of {key}, in {out}")


@opinions.command("watch")
def watch_(
    reviews: Annotated[Path, typer.Option(help="Parquet, CSV or JSON Lines of reviews with their times.")],
    text: Annotated[str, typer.Option(help="Column of the texts.")],
    time: Annotated[str, typer.Option(help="Column of the times: Unix seconds, or dates.")],
    key: Annotated[str, typer.Option(help="Column of what is watched: items, brands, channels.")],
    out: Annotated[Path, typer.Option(help="JSON Lines to write, an alert a line.")],
    model: Annotated[Path | None, typer.Option(help="A model that `reckon opinions train` wrote; without it one is made from the file.")] = None,
    rating: Annotated[str, typer.Option(help="Without --model: column of ratings to learn from, where the file has it.")] = "rating",
    false_alarms: Annotated[float, typer.Option(help="Bound on the false alarms per stream and month.")] = 2e-3,
) -> None:
    """Replay reviews in the order of time, and write an alert where a stream turns negative."""
    import orjson

    from etl.opinions.tables import read_reviews
    from etl.opinions.watching import alerts, watched
    from kg.opinions.polarity import PolarityModel

    if not 0 < false_alarms < 1:
        raise InputError(f"--false-alarms is {false_alarms:g}", hint="give a number between 0 and 1, such as 0.002")
    opened = None if model is None else PolarityModel.load(model)
    frame = read_reviews(reviews, text, time, key)
    texts = _texts(frame, text, reviews)
    stream = watched(frame, texts, time, key, model=opened, rating=rating, place=str(reviews))
    result = alerts(stream, false_alarms=false_alarms)
    write_text(out, "".join(orjson.dumps(alert).decode() + "\n" for alert in result))
    share = float(stream.negative.mean())
    typer.echo(f"{len(stream.texts):,} reviews of {len(set(stream.keys)):,} streams, {share:.1%} negative by {stream.source}")
    typer.echo(f"{len(result):,} alerts in {out}")


def _texts(frame: pl.DataFrame, column: str, path: Path) -> list[str | None]:
    """Return the texts of a file, and say on stderr which of them are not read whole."""
    from etl.opinions.tables import texts_of, unreadable

    texts = texts_of(frame, column, str(path))
    for note in unreadable(texts):
        typer.echo(f"{path}, {note}", err=True)
    return texts
