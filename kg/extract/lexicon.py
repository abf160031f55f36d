"""The rules as data: `patterns/*.jsonl`, in spaCy's own pattern format, with what a shop's language needs beside it.

One line is one pattern: `label` (the relation), `pattern` (a phrase, or a list of token conditions) and `id` (the canonical value, or "quantity"
where `kg.extract.quantities.units` reads it). Five keys are ours: `phrases` lists several phrases in place of one pattern, `if` and
`unless` name the contexts
a rule needs or shuns, `fields` the item fields it reads, `confidence` what a match is worth. Labels that are no relation: `cue` (its id is a
context), `ignore` (a longer phrase that hides the words in it), `ignore_cue` (the same for cues) and `quantity`: a number with a unit, whose id is
the shape ("amount", "times", …). What a quantity states depends on its unit: `units.jsonl` names, for each unit and shape, the relation, with the
same `if`, `unless` and `confidence`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from kg.errors import ConfigError

CONFIDENCE = 0.9
CUE, IGNORE, IGNORE_CUE = "cue", "ignore", "ignore_cue"
QUANTITY = "quantity"
CONTEXTS = ("grocery", "food", "beauty", "cleaning", "pet", "home", "apparel", "electronics", "screen", "liquid", "vessel", "health", "media")
"""What a text or its categories speak of. A context is one bit of a mask."""

_BIT = {name: 1 << n for n, name in enumerate(CONTEXTS)}
_NOT_FOOD = _BIT["beauty"] | _BIT["cleaning"] | _BIT["pet"] | _BIT["home"] | _BIT["apparel"] | _BIT["electronics"] | _BIT["media"]
_LANGUAGE_FREE = ("quantities.jsonl",)


@dataclass(frozen=True, slots=True)
class Rule:
    """What all patterns of one (label, id) share.

    Attributes:
        relation: The relation stated, or one of the labels that state none.
        value: Canonical value, a context, or "quantity".
        needs: Mask of contexts of which one must hold; 0 for none.
        shuns: Mask of contexts of which none may hold.
        fields: Item fields the rule reads; empty for all.
        confidence: What a match is worth, 0–1.
    """

    relation: str
    value: str
    needs: int
    shuns: int
    fields: tuple[str, ...]
    confidence: float

    def holds(self, context: int, field: str) -> bool:
        """Say whether the rule applies in a context and a field."""
        return (not self.needs or bool(context & self.needs)) and not context & self.shuns and (not self.fields or field in self.fields)


@dataclass(frozen=True)
class Lexicon:
    """The rules of one language.

    Attributes:
        patterns: spaCy patterns; the `id` of each is a position in `rules`, or a shape where the label is "quantity".
        rules: The rules.
        senses: (shape, unit's word in lower case, or as written where case matters) → positions in `rules`.
        has_words: Whether the language has word rules, not only those for quantities, which every language shares.
    """

    patterns: tuple[Mapping[str, Any], ...]
    rules: tuple[Rule, ...]
    senses: Mapping[tuple[str, str], tuple[int, ...]]
    has_words: bool


def context_of(names: int) -> int:
    """Complete a mask of contexts: a grocer's shelf holds food unless something says otherwise.

    >>> bool(context_of(mask("grocery")) & mask("food")), bool(context_of(mask("grocery", "pet")) & mask("food"))
    (True, False)
    >>> bool(context_of(mask("food", "pet")) & mask("food"))
    False
    """
    if names & _NOT_FOOD:
        return names & ~_BIT["food"]
    return names | _BIT["food"] if names & _BIT["grocery"] else names


def mask(*names: str) -> int:
    """Return the mask of some contexts.

    Raises:
        ConfigError: A context is not one of `CONTEXTS`.
    """
    unknown = [name for name in names if name not in _BIT]
    if unknown:
        raise ConfigError(f"unknown context {unknown[0]!r} in a rule", hint=f"use one of {', '.join(CONTEXTS)}")
    return sum(_BIT[name] for name in set(names))


@cache
def lexicon(language: str) -> Lexicon:
    """Read the rules of a language.

    Raises:
        ConfigError: A pattern file holds a line that is no pattern; the message names it.
    """
    folder = files("kg.extract") / "patterns"
    words = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(f".{language}.jsonl"))
    rules: dict[Rule, int] = {}
    patterns: dict[str, dict[str, Any]] = {}
    for name in (*_LANGUAGE_FREE, *words):
        for row in read_lines(name):
            rule = _rule(row, name)
            rule_id = rule.value if rule.relation == QUANTITY else str(rules.setdefault(rule, len(rules)))
            entry = {"label": rule.relation, "id": rule_id}
            for written in row.get("phrases") or [row["pattern"]]:
                for pattern in _spellings(written):
                    patterns.setdefault(json.dumps([entry, pattern]), {**entry, "pattern": pattern})
    senses = _senses(rules)
    return Lexicon(tuple(patterns.values()), tuple(rules), senses, bool(words))


def _senses(rules: dict[Rule, int]) -> dict[tuple[str, str], tuple[int, ...]]:
    result: dict[tuple[str, str], tuple[int, ...]] = {}
    for row in read_lines("units.jsonl"):
        for shape, senses in row.get("senses", {}).items():
            of = tuple(
                rules.setdefault(_rule({"label": s["relation"], "id": QUANTITY, "pattern": shape, **_conditions(s)}, "units.jsonl"), len(rules))
                for s in senses
            )
            result[shape, str(row["unit"])] = of
    return result


def _conditions(sense: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in sense.items() if key != "relation"}


def read_lines(name: str) -> list[dict[str, Any]]:
    """Read one of the data files.

    Raises:
        ConfigError: A line is no JSON object with a pattern.
    """
    lines = (files("kg.extract") / "patterns" / name).read_text(encoding="utf-8").splitlines()
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{name}, line {number}: not JSON ({error})", hint="one JSON object per line") from None
        if not isinstance(row, dict):
            raise ConfigError(f"{name}, line {number}: {line[:60]!r} is no JSON object", hint="one JSON object per line")
        rows.append(row)
    return rows


@cache
def has_lines(name: str) -> bool:
    """Say whether there is a data file of this name: not every language has each."""
    return (files("kg.extract") / "patterns" / name).is_file()


def word_sets(name: str) -> dict[str, frozenset[str]]:
    """Read a data file of word lists: `kind` → its `words`."""
    result: dict[str, frozenset[str]] = {}
    for row in read_lines(name):
        result[row["kind"]] = result.get(row["kind"], frozenset()) | frozenset(row["words"])
    return result


def alternation(words: Iterable[str]) -> str:
    """Return a pattern that matches any of some words, the longest that fits; shared beginnings are tried once, several times as fast as a list.

    >>> alternation(["free", "free of", "no"])
    '(?:free(?:\\\\ of)?|no)'
    """
    tails: dict[str, set[str]] = {}
    for word in words:
        tails.setdefault(word[:1], set()).add(word[1:])
    ends = tails.pop("", None) is not None
    branches = [re.escape(first) + alternation(rest) for first, rest in sorted(tails.items())]
    if not branches:
        return ""
    body = branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
    return f"(?:{body})?" if ends else body


def _rule(row: Mapping[str, Any], name: str) -> Rule:
    missing = [key for key in ("label", "pattern", "id") if not row.get(key) and not (key == "pattern" and row.get("phrases"))]
    unknown = [key for key in row if key not in {"label", "pattern", "phrases", "id", "if", "unless", "fields", "confidence"}]
    if missing or unknown:
        where = f"{name}: {json.dumps(row, ensure_ascii=False)[:100]}"
        raise ConfigError(f"{where} {'lacks ' + missing[0] if missing else 'has the unknown key ' + unknown[0]}", hint="see docs/extraction.md")
    return Rule(
        str(row["label"]),
        str(row["id"]),
        mask(*row.get("if", ())),
        mask(*row.get("unless", ())),
        tuple(row.get("fields", ())),
        float(row.get("confidence", CONFIDENCE)),
    )


def _spellings(pattern: str | list[dict[str, Any]]) -> list[str | list[dict[str, Any]]]:
    """A blank in a phrase also stands for a hyphen: "sugar free" finds "sugar-free"."""
    return [pattern, pattern.replace(" ", "-")] if isinstance(pattern, str) and " " in pattern else [pattern]


@cache
def placeholders() -> frozenset[str]:
    """Return the cells that state nothing ("unknown", "n/a"), in lower case."""
    return frozenset(str(row["pattern"]) for row in read_lines("placeholders.jsonl") if "columns" not in row)
