"""Gold lines: which values of which attributes a text states. Three formats are read, told apart by their fields.

`titles`: `input`, `category`, `target_scores` {attribute: {value: 1}}; "n/a" says that the attribute was asked for and not found.
`offers`: `input_title`, `input_description`, `category`, `target_scores` {attribute: {value: {"pid": [0, 1], "score": 1}}}, pid 0 is the title.
`characters`: `chars`, `tags` (B, I, E, S with a type, and O), one tag per character.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kg.errors import InputError

Format = Literal["titles", "offers", "characters"]
NOTHING = "n/a"
MAX_LINE_BYTES = 1_000_000
MAX_LINES = 1_000_000
TEXT_FIELDS: Mapping[Format, tuple[str, ...]] = {"titles": ("input",), "offers": ("input_title", "input_description"), "characters": ("chars",)}

_TAG = re.compile(r"O|[BIES]-\S+")


@dataclass(frozen=True)
class Line:
    """One text with what was asked of it.

    Attributes:
        texts: The text fields, in the order of `TEXT_FIELDS`.
        category: Category of the item, "" where the line has none.
        asked: attribute → values stated (empty: asked for and nothing there). None where the line names no attributes at all.
        tags: One tag per character; only in the format `characters`, and only in gold.
        raw: The line as it was read.
    """

    texts: tuple[str, ...]
    category: str
    asked: Mapping[str, tuple[str, ...]] | None
    tags: tuple[str, ...] | None
    raw: Mapping[str, Any] = field(repr=False, compare=False)


def read_gold(path: Path) -> tuple[Format, list[Line]]:
    """Read a file of gold lines.

    Raises:
        InputError: The file is missing or empty, or a line is malformed; the message names file and line.
    """
    return _read(path, gold=True)


def read_input(path: Path) -> tuple[Format, list[Line]]:
    """Read a file of lines to extract from: the text fields of a gold line, with `attributes` (names) or without.

    Raises:
        InputError: The file is missing or empty, or a line is malformed; the message names file and line.
    """
    return _read(path, gold=False)


def parse_line(row: object, where: str, *, gold: bool) -> tuple[Format, Line]:
    """Read one line that is already parsed as JSON; `where` names it in errors.

    Raises:
        InputError: The line is malformed.
    """
    if not isinstance(row, dict):
        raise InputError(f"{where}: {str(row)[:40]!r} is no JSON object", hint="write one JSON object per line")
    kind = _format(row, where)
    texts = tuple(_text(row, name, where) for name in TEXT_FIELDS[kind])
    if not texts[0].strip():
        raise InputError(f"{where}: {TEXT_FIELDS[kind][0]} is empty", hint="every line needs a text")
    category = row.get("category") or ""
    if not isinstance(category, str):
        raise InputError(f"{where}: category is {category!r}, not text", hint="write the category's name")
    if kind == "characters":
        return kind, Line(texts, category, None, _tags(row, texts[0], where) if gold else None, row)
    asked = _gold(row, where) if gold else _names(row, where)
    return kind, Line(texts, category, asked, None, row)


def _read(path: Path, *, gold: bool) -> tuple[Format, list[Line]]:
    kind: Format | None = None
    lines = []
    for where, row in read_json_lines(path):
        found, line = parse_line(row, where, gold=gold)
        if kind is not None and found != kind:
            raise InputError(f"{where}: a line of the format {found!r} in a file of {kind!r}", hint="keep one format per file")
        kind = found
        lines.append(line)
    if kind is None:
        raise InputError(f"{path} has no lines", hint="write one JSON object per line")
    return kind, lines


def read_json_lines(path: Path) -> Iterator[tuple[str, object]]:
    """Yield (where, parsed line) of a JSONL file, its lines bounded in length and number.

    Raises:
        InputError: The file cannot be read, or a line is too long, not UTF-8 or not JSON.
    """
    try:
        with path.open("rb") as stream:
            number = 0
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                where = f"{path}, line {number}"
                if len(raw) > MAX_LINE_BYTES:
                    raise InputError(f"{where} is longer than {MAX_LINE_BYTES:,} bytes", hint="one JSON object per line, ended by a line break")
                if number > MAX_LINES:
                    raise InputError(f"{path} has more than {MAX_LINES:,} lines", hint="split the file")
                if raw.strip():
                    yield where, _json(raw, where)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", hint="name an existing JSONL file") from None


def _json(raw: bytes, where: str) -> object:
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: byte {error.start + 1} is not UTF-8", hint="save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({str(error)[:80]})", hint="write one JSON object per line") from None


def _format(row: Mapping[str, Any], where: str) -> Format:
    for kind, fields in TEXT_FIELDS.items():
        if fields[0] in row:
            return kind
    known = ", ".join(fields[0] for fields in TEXT_FIELDS.values())
    raise InputError(f"{where}: no text field (found {', '.join(list(row)[:6]) or 'nothing'})", hint=f"a line carries one of {known}")


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    text = row.get(name)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise InputError(f"{where}: {name} is {str(text)[:40]!r}, not text", hint="write a string")
    return text


def _gold(row: Mapping[str, Any], where: str) -> dict[str, tuple[str, ...]]:
    scores = row.get("target_scores")
    if not isinstance(scores, dict):
        raise InputError(f"{where}: target_scores is {str(scores)[:40]!r}", hint='write {"attribute": {"value": 1}}, "n/a" for nothing')
    for name, values in scores.items():
        if not isinstance(values, dict) or not values:
            raise InputError(f"{where}: target_scores of {name!r} is {str(values)[:40]!r}", hint='write {"value": 1}, or {"n/a": 1} for nothing')
    return {name: tuple(value for value in values if value != NOTHING) for name, values in scores.items()}


def _names(row: Mapping[str, Any], where: str) -> dict[str, tuple[str, ...]] | None:
    names = row.get("attributes")
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{where}: attributes is {str(names)[:40]!r}", hint="write a list of attribute names")
    return dict.fromkeys(names, ())


def _tags(row: Mapping[str, Any], chars: str, where: str) -> tuple[str, ...]:
    tags = row.get("tags")
    if not isinstance(tags, list) or len(tags) != len(chars):
        size = f"{len(tags)} tags" if isinstance(tags, list) else "no list of tags"
        raise InputError(f"{where}: {size} for {len(chars)} characters", hint="write one tag per character")
    for column, tag in enumerate(tags, start=1):
        if not isinstance(tag, str) or not _TAG.fullmatch(tag):
            raise InputError(f"{where}, tag {column}: {tag!r} is no tag", hint="tags are O, or B-, I-, E- or S- with a type")
    return tuple(tags)
