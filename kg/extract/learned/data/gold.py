"""Gold and input files of learned extraction, one JSON object a line.

Attribute files carry `input` (or `input_title` and `input_description`), `category` and `target_scores` (attribute → {value: …}, "n/a" where
the text states none); input lines carry `attributes`, the names asked for. Tag files carry `chars` and `tags` (B-, I-, E-, S- and a type, or O).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kg.errors import InputError

Kind = Literal["attributes", "tags"]

NOTHING = "n/a"
TEXT_KEYS = ("input", "input_title", "input_description")
MAX_LINE = 1_000_000
"""Longest line that is read, in characters."""
MAX_TEXT = 20_000
"""A text is read up to here."""

_LINE_HINT = "each line is one JSON object; see docs/extraction.md for its keys"


@dataclass(frozen=True)
class Example:
    """One text and what is asked of it.

    Attributes:
        fields: (key, text) of every text field, in the order they are read.
        category: Category of the item; empty where unknown.
        attributes: Attributes asked for; empty asks for what the category is usually asked for.
        gold: Attribute → values stated, empty where the text states none. None on input lines.
        row: The line as read, to be written back.
    """

    fields: tuple[tuple[str, str], ...]
    category: str
    attributes: tuple[str, ...]
    gold: Mapping[str, tuple[str, ...]] | None
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Tagged:
    """One text as characters.

    Attributes:
        chars: The characters.
        tags: One tag a character. None on input lines.
        row: The line as read, to be written back.
    """

    chars: tuple[str, ...]
    tags: tuple[str, ...] | None
    row: Mapping[str, Any]


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, object) for every line that is not blank.

    Raises:
        InputError: The file is missing, not UTF-8, or a line is too long or no JSON object; names the line.
    """
    try:
        with path.open(encoding="utf-8") as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                where = f"{path}, line {number}"
                if len(line) > MAX_LINE:
                    raise InputError(f"{where} is longer than {MAX_LINE:,} characters", hint=_LINE_HINT)
                if line.strip():
                    yield where, _parsed(line, where)
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"{path} is not a file", hint="name a file of JSON lines") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: {error}", hint="save it as UTF-8") from None


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error}", hint=_LINE_HINT) from None
    if not isinstance(row, dict):
        raise InputError(f"{where} is {type(row).__name__}, not an object", hint=_LINE_HINT)
    if "\\u" in line:
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"{where} holds half of a character: {error}", hint="write characters beyond \\uffff as pairs, or as themselves"
            ) from None
    return row


def kind_of(row: Mapping[str, Any], where: str) -> Kind:
    """Say which kind of line this is.

    Raises:
        InputError: It carries none of the text keys.
    """
    if "chars" in row:
        return "tags"
    if "input" in row or "input_title" in row:
        return "attributes"
    raise InputError(f"{where} carries none of the keys input, input_title, chars", hint=_LINE_HINT)


def read_gold(path: Path) -> tuple[list[Example], list[Tagged]]:
    """Read a gold file; one of the two lists is empty.

    Raises:
        InputError: The file is empty or a line is malformed or of another kind than the first; names line, value and fix.
    """
    examples: list[Example] = []
    tagged: list[Tagged] = []
    for where, row in read_rows(path):
        if kind_of(row, where) == "tags":
            tagged.append(tagged_of(row, where, labelled=True))
        else:
            examples.append(example_of(row, where, labelled=True))
        if examples and tagged:
            raise InputError(f"{where} is of another kind than the lines before it", hint="one file holds attribute lines or tag lines")
    if not examples and not tagged:
        raise InputError(f"{path} holds no line", hint=_LINE_HINT)
    return examples, tagged


def example_of(row: Mapping[str, Any], where: str, *, labelled: bool) -> Example:
    """Turn one line into an example; the answers of an unlabelled one are never looked at.

    Raises:
        InputError: A key is missing or of the wrong type.
    """
    fields = tuple((key, _text(row[key], f"{where}: {key}")) for key in TEXT_KEYS if row.get(key) is not None)
    if not fields:
        raise InputError(f"{where} carries no text", hint="give input, or input_title and input_description")
    category = row.get("category")
    if category is not None and not isinstance(category, str):
        raise InputError(f"{where}: category is {category!r}, not a string", hint="write it as a string, or leave it out")
    scores = row.get("target_scores")
    if scores is not None and not isinstance(scores, dict):
        raise InputError(f"{where}: target_scores is {type(scores).__name__}, not an object", hint='write {"Brand": {"Acme": 1}}')
    if labelled:
        if scores is None:
            raise InputError(f"{where} carries no target_scores", hint='write {"Brand": {"Acme": 1}}, and {"n/a": 1} where nothing is stated')
        gold = {name: _values(values, f"{where}: target_scores.{name}") for name, values in scores.items()}
        return Example(fields, category or "", tuple(gold), gold, row)
    attributes = row.get("attributes", list(scores or ()))
    if not isinstance(attributes, list) or not all(isinstance(name, str) for name in attributes):
        raise InputError(f"{where}: attributes is {attributes!r}, not a list of names", hint='write ["Brand", "Color"]')
    return Example(fields, category or "", tuple(dict.fromkeys(attributes)), None, row)


def tagged_of(row: Mapping[str, Any], where: str, *, labelled: bool) -> Tagged:
    """Turn one line into characters and tags; the tags of an unlabelled one are never looked at.

    Raises:
        InputError: A key is missing or of the wrong type, or there are not as many tags as characters.
    """
    raw = row["chars"]
    if not isinstance(raw, str) and not (isinstance(raw, list) and all(isinstance(char, str) and char for char in raw)):
        raise InputError(f"{where}: chars is {type(raw).__name__}, not a string or a list of characters", hint='write "飞利浦 理发器"')
    chars = tuple(raw)
    if not labelled:
        return Tagged(chars, None, row)
    tags = row.get("tags")
    if not isinstance(tags, list) or len(tags) != len(chars):
        n_tags = len(tags) if isinstance(tags, list) else "no"
        raise InputError(f"{where}: {len(chars)} characters, {n_tags} tags", hint="give one tag a character")
    for tag in tags:
        if tag != "O" and not (isinstance(tag, str) and tag[:2] in {"B-", "I-", "E-", "S-"} and len(tag) > 2):
            raise InputError(f"{where}: {tag!r} is no tag", hint="write O, or B-, I-, E- or S- and a type")
    return Tagged(chars, tuple(tags), row)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{where} is {type(value).__name__}, not a string", hint="write it as a string, or leave it out")
    return value[:MAX_TEXT]


def _values(values: object, where: str) -> tuple[str, ...]:
    if not isinstance(values, dict) or not values:
        raise InputError(f"{where} is {values!r}, not values with scores", hint='write {"Acme": 1}, or {"n/a": 1} where nothing is stated')
    return tuple(value for value in values if value != NOTHING and value.strip())


def entities(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Return the (start, end, type) that tags spell; a broken sequence spells nothing.

    >>> sorted(entities(["B-HP", "E-HP", "O", "S-HC", "I-HC"]))
    [(0, 2, 'HP'), (3, 4, 'HC')]
    """
    result: set[tuple[int, int, str]] = set()
    start, open_type = 0, ""
    for position, tag in enumerate(tags):
        head, name = tag[:2], tag[2:]
        if head == "S-":
            result.add((position, position + 1, name))
            open_type = ""
        elif head == "B-":
            start, open_type = position, name
        elif head == "E-" and open_type == name:
            result.add((start, position + 1, name))
            open_type = ""
        elif not (head == "I-" and open_type == name):
            open_type = ""
    return result
