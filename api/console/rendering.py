"""Templates filled in: every value is escaped, every text of ours comes from the catalogue of the reader's language."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from babel.dates import format_datetime, format_timedelta
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

from api.console.assets import asset
from api.console.registry import PAGES
from gnn.explain.messages.catalogue import Catalogue, read_catalogue
from gnn.explain.messages.languages import ENGLISH, Languages
from gnn.explain.messages.message import Argument, Message, Number
from kg import schema

_FOLDER = Path(__file__).parent


@cache
def languages() -> Languages:
    """Return the console's own words, by language."""
    english = read_catalogue(_FOLDER / "messages" / f"{ENGLISH}.toml", like=None)
    others = (read_catalogue(path, like=english) for path in sorted((_FOLDER / "messages").glob("*.toml")) if path.stem != ENGLISH)
    return Languages({catalogue.language: catalogue for catalogue in (english, *others)})


def text(words: Catalogue, key: str, **arguments: Any) -> str:
    """Return one of the console's texts; numbers are written as the language does."""
    return words.text(Message(key, {name: _argument(value) for name, value in arguments.items()}))


def _argument(value: Any) -> Argument:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return str(value)
    return Number(f"{value:.4f}".rstrip("0").rstrip(".")) if isinstance(value, float) else value


@cache
def environment() -> Environment:
    """Return the templates of the console and of the pages that packages bring."""
    folders = [_FOLDER / "templates", *(page.templates for page in PAGES if page.templates is not None)]
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = asset
    made.filters |= {"percent": percent, "json": as_json, "mib": lambda n: f"{n / 2**20:,.1f}", "edge_type": edge_type}
    return made


def render(template: str, words: Catalogue, /, **context: Any) -> str:
    """Fill in a template.

    Args:
        template: Its name.
        words: The reader's language.
        **context: What it shows.
    """

    def translated(key: str, **arguments: Any) -> str:
        return text(words, key, **arguments)

    return environment().get_template(template).render(t=translated, language=words.language, **_formats(words), **context)


def _formats(words: Catalogue) -> dict[str, Callable[..., str]]:
    locale = words.locale

    def number(value: float, places: int = 0) -> str:
        return words.text(Number(f"{value:.{places}f}"))

    def ago(time_s: float) -> str:
        return str(format_timedelta(int(time_s - time.time()), add_direction=True, locale=locale))

    def when(time_s: float) -> str:
        return str(format_datetime(datetime.fromtimestamp(time_s, UTC), "medium", locale=locale)) + " UTC"

    return {"number": number, "ago": ago, "when": when}


def percent(share: float) -> str:
    """Return a share as people read it; what is too small to show is said to be small, never to be nothing."""
    if share and abs(share) < 0.0005:
        return "<0.1%" if share > 0 else ">−0.1%"
    return f"{share:.1%}".replace("-", "−")


def as_json(value: Any) -> str:
    """Return a value as JSON text, which the template escapes like any other text: in an attribute, too."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def edge_type(relation: str) -> str:
    """Return what the database calls a relation; names that are none stay as they are."""
    return schema.relation(relation).type if relation.islower() and relation.isidentifier() else relation
