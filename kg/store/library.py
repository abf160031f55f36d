"""The query library: questions that a shop's analysts ask, one file each in `kg/store/queries`, with a header that says what it takes and gives.

    // title: Best sellers of a category
    // question: Which items of a category reach most shoppers?
    // parameter: category text
    // parameter: limit integer = 20
    // scope: profile:read
    // columns: item, title, shoppers
    // chart: bar title shoppers

A parameter without a default must be given. `scope` stands in queries that name shoppers. `chart` is table, graph, or bar or line with the columns
to draw.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from kg.errors import InputError, NotFoundError
from kg.validation.suggest import did_you_mean

ParameterType = Literal["text", "integer", "number", "boolean"]
_TYPES: dict[ParameterType, tuple[type, ...]] = {"text": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}
_HEADER = re.compile(r"// (title|question|parameter|scope|columns|chart): (.+)")
_PARAMETER = re.compile(r"([a-z_]+) (text|integer|number|boolean)(?: = (.+))?")
_CHART = re.compile(r"table|graph|(?:bar|line) \w+ \w+")
_INTEGER = re.compile(r"-?\d{1,18}")
_PERSONAL = "profile:read"
ROW_LIMIT = "limit"
"""The parameter that says how many rows a query gives."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a query takes.

    Attributes:
        name: Its name in the query.
        type: text, integer, number or boolean.
        default: Its value where none is given; None where one must be.
    """

    name: str
    type: ParameterType
    default: str | int | float | bool | None = None

    def checked(self, value: Any) -> Any:
        """Return a value if it is of the type.

        Raises:
            InputError: It is not.
        """
        good = isinstance(value, _TYPES[self.type]) and isinstance(value, bool) == (self.type == "boolean")
        if not good or (isinstance(value, int | float) and not abs(value) < 2**63):
            raise InputError(f"parameter {self.name}: {str(value)[:60]!r} is no {self.type}", hint=f"give a value of the type {self.type}")
        if self.name == ROW_LIMIT and value < 0:
            raise InputError(f"parameter {self.name} is {value}", hint="give 0 or more")
        return value

    def read(self, text: str) -> Any:
        """Return the value that a text says, as the command line and forms have it.

        Raises:
            InputError: It says none of the type.
        """
        match self.type:
            case "integer" if _INTEGER.fullmatch(text):
                return int(text)
            case "number":
                try:
                    return self.checked(float(text))
                except (ValueError, InputError):
                    pass
            case "boolean" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "text":
                return text
        raise InputError(f"parameter {self.name}: {text[:60]!r} is no {self.type}", hint=f"give a value of the type {self.type}")


@dataclass(frozen=True, slots=True)
class LibraryQuery:
    """One question.

    Attributes:
        name: What commands and addresses call it.
        title: A few words.
        question: What it answers.
        parameters: What it takes.
        columns: What it gives.
        chart: How its answer is best shown.
        text: The Cypher, without the header.
        personal: It names shoppers.
    """

    name: str
    title: str
    question: str
    parameters: tuple[Parameter, ...]
    columns: tuple[str, ...]
    chart: str
    text: str
    personal: bool = False

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of every parameter.

        Args:
            given: Values by name; what is left out takes its default.

        Raises:
            InputError: One is missing, unknown, or of another type.
        """
        names = [parameter.name for parameter in self.parameters]
        for name in given:
            if name not in names:
                takes = f"it takes {', '.join(names)}" if names else "it takes none"
                raise InputError(f"query {self.name} has no parameter {name[:60]!r}{did_you_mean(name, names)}", hint=takes)
        values: dict[str, Any] = {}
        for parameter in self.parameters:
            value = given.get(parameter.name, parameter.default)
            if value is None:
                hint = f"give one: -p {parameter.name}=…, or in `parameters`"
                raise InputError(f"query {self.name}: the parameter {parameter.name} ({parameter.type}) has no value", hint=hint)
            values[parameter.name] = parameter.checked(value)
        return values

    def read(self, texts: Iterable[str]) -> dict[str, Any]:
        """Return the values that `name=value` texts give, each read as its parameter's type.

        Raises:
            InputError: One is no such text, or says no value of the type.
        """
        parameters = {parameter.name: parameter for parameter in self.parameters}
        values: dict[str, Any] = {}
        for name, text in map(pair, texts):
            values[name] = parameters[name].read(text) if name in parameters else text
        return values


def pair(text: str) -> tuple[str, str]:
    """Return the two sides of `name=value`.

    Raises:
        InputError: There is no name, or no equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"{text[:60]!r} is no parameter", hint="write -p name=value")
    return name, value


@cache
def library() -> Mapping[str, LibraryQuery]:
    """Return all queries by name, sorted."""
    folder = files("kg.store") / "queries"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".cypher"))
    return {name.removesuffix(".cypher"): parsed(name.removesuffix(".cypher"), (folder / name).read_text(encoding="utf-8")) for name in names}


def library_query(name: str) -> LibraryQuery:
    """Return the query of a name.

    Raises:
        NotFoundError: There is none.
    """
    queries = library()
    if name not in queries:
        raise NotFoundError(f"there is no query {name[:80]!r}{did_you_mean(name, queries)}", hint="`reckon query list` or GET /v1/queries lists them")
    return queries[name]


def parsed(name: str, source: str) -> LibraryQuery:
    """Return the query of a file.

    Args:
        name: Its name.
        source: The file's text.

    Raises:
        InputError: Its header cannot be read.
    """
    lines = source.splitlines()
    n_header = next((n for n, line in enumerate(lines) if not line.startswith("//")), len(lines))
    header: dict[str, list[str]] = {}
    for line in lines[:n_header]:
        entry = _HEADER.fullmatch(line)
        if entry is None:
            raise InputError(f"query {name}: {line[:60]!r} is no line of a header", hint="see kg/store/library.py")
        header.setdefault(entry[1], []).append(entry[2])
    once = {key: header[key][0] for key in ("title", "question", "columns", "chart") if len(header.get(key, ())) == 1}
    if len(once) < 4 or not _CHART.fullmatch(once["chart"]):
        raise InputError(f"query {name}: title, question, columns and chart stand once each", hint="chart is table, graph, bar X Y or line X Y")
    columns = tuple(column.strip() for column in once["columns"].split(","))
    parameters = tuple(_parameter(name, text) for text in header.get("parameter", ()))
    text = "\n".join(lines[n_header:]).strip()
    return LibraryQuery(name, once["title"], once["question"], parameters, columns, once["chart"], text, header.get("scope") == [_PERSONAL])


def _parameter(name: str, text: str) -> Parameter:
    match = _PARAMETER.fullmatch(text)
    if match is None:
        raise InputError(f"query {name}: {text[:60]!r} is no parameter", hint="write NAME TYPE, or NAME TYPE = DEFAULT")
    kind = cast(ParameterType, match[2])
    parameter = Parameter(match[1], kind)
    return parameter if match[3] is None else Parameter(match[1], kind, parameter.checked(json.loads(match[3])))
