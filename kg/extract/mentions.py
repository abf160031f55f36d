"""From a parsed text to facts: contexts, masks, the longest match, canonical values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spacy.tokens import Doc

from kg.extract.languages import AMOUNTS, MATCHES, TEXT, Match
from kg.extract.lexicon import CUE, IGNORE, IGNORE_CUE, QUANTITY, Lexicon, Rule, mask
from kg.extract.quantities.units import stated

SURFACE = "surface"
"""Rule value that stands for the text itself, as written."""
_UNSURE = 0.5
VESSEL = "vessel"
"""The context of what holds a liquid: an ounce is its capacity."""

Region = tuple[int, int]
"""(start, end) in characters."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One fact that a text states.

    Attributes:
        relation: Relation stated.
        value: Canonical value.
        start: First character.
        end: After the last character.
        surface: The characters.
        confidence: 0–1.
    """

    relation: str
    value: str
    start: int
    end: int
    surface: str
    confidence: float


def context(doc: Doc, lexicon: Lexicon) -> int:
    """Return the mask of contexts that a text speaks of, before `kg.extract.lexicon.context_of`."""
    cues, hidden = [], []
    for match in doc.user_data[MATCHES]:
        rule = lexicon.rules[match.rule]
        if rule.relation == CUE:
            cues.append((match, rule))
        elif rule.relation == IGNORE_CUE:
            hidden.append(match)
    result = 0
    for match, rule in cues:
        # A coffee mug is no coffee, but it is a mug.
        if rule.value == VESSEL or not any(other.start <= match.start and match.end <= other.end for other in hidden):
            result |= mask(rule.value)
    return result


def mentions(doc: Doc, lexicon: Lexicon, context: int, field: str, masked: Sequence[Region] = ()) -> list[Mention]:
    """Read the facts of a text.

    Of matches that overlap, the longest stays; matches of equal extent all stay, since their contexts decided already. A phrase to be ignored
    hides the shorter matches it overlaps.

    Args:
        doc: Text through `kg.extract.languages.pipeline`.
        lexicon: The pipeline's rules.
        context: Contexts of the item (`kg.extract.lexicon.context_of`).
        field: Item field the text comes from.
        masked: Regions that are something else: a brand's name.
    """
    candidates = [(match, rule) for match in doc.user_data[MATCHES] if _applies(rule := lexicon.rules[match.rule], context, field)]
    if not candidates:
        return []
    result: list[Mention] = []
    for match, rule in _longest(candidates):
        if rule.relation != IGNORE and not any(match.start_char < end and start < match.end_char for start, end in masked):
            result.extend(_read(doc, match, rule))
    return result


def whole_value(doc: Doc, lexicon: Lexicon, relation: str) -> str | None:
    """Return the canonical value of a text that is one value of a relation and nothing else, else None."""
    n_tokens = len(doc)
    for match in doc.user_data[MATCHES]:
        rule = lexicon.rules[match.rule]
        if rule.relation == relation and match.start == 0 and match.end == n_tokens:
            values = [mention.value for mention in _read(doc, match, rule) if mention.relation == relation]
            if len(values) == 1:
                return values[0]
    return None


def _applies(rule: Rule, context: int, field: str) -> bool:
    return rule.relation != CUE and rule.relation != IGNORE_CUE and rule.holds(context, field)


def _longest(candidates: list[tuple[Match, Rule]]) -> list[tuple[Match, Rule]]:
    if len(candidates) == 1:
        return candidates
    kept: list[tuple[Match, Rule]] = []
    taken: list[tuple[int, int]] = []
    for match, rule in sorted(candidates, key=lambda c: (c[0].start - c[0].end, c[0].start, c[1].relation, c[1].value)):
        extent = (match.start, match.end)
        if all(extent == other or match.end <= other[0] or other[1] <= match.start for other in taken):
            kept.append((match, rule))
            taken.append(extent)
    # A phrase hides what is shorter; a rule of its own extent knows better ("baby blue" is a colour).
    stated = {(match.start, match.end) for match, rule in kept if rule.relation != IGNORE}
    return sorted(
        ((match, rule) for match, rule in kept if rule.relation != IGNORE or (match.start, match.end) not in stated),
        key=lambda c: (c[0].start, c[1].relation),
    )


def _read(doc: Doc, match: Match, rule: Rule) -> list[Mention]:
    start, end = match.start_char, match.end_char
    text = doc.user_data[TEXT][start:end]
    if rule.value == QUANTITY:
        return [
            Mention(q.relation, q.value, one.start, one.end, text[one.start - start : one.end - start], rule.confidence if q.sure else _UNSURE)
            for one in dict.fromkeys(doc.user_data[AMOUNTS].get((match.start, match.end), ()))
            for q in stated(one, rule.relation)
        ]
    return [Mention(rule.relation, text.upper() if rule.value == SURFACE else rule.value, start, end, text, rule.confidence)]
