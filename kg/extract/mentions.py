"""From a parsed text to facts: contexts, masks, the longest match, canonical values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spacy.tokens import Doc, Span

from kg.extract.languages import AMOUNTS, SPANS
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
    for span in doc.spans[SPANS]:
        rule = lexicon.rules[int(span.id_)]
        if rule.relation == CUE:
            cues.append((span, rule))
        elif rule.relation == IGNORE_CUE:
            hidden.append(span)
    found = 0
    for span, rule in cues:
        # A coffee mug is no coffee, but it is a mug.
        if rule.value == VESSEL or not any(other.start <= span.start and span.end <= other.end for other in hidden):
            found |= mask(rule.value)
    return found


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
    candidates = [(span, rule) for span in doc.spans[SPANS] if _applies(rule := lexicon.rules[int(span.id_)], context, field)]
    if not candidates:
        return []
    found: list[Mention] = []
    for span, rule in _longest(candidates):
        if rule.relation != IGNORE and not any(span.start_char < end and start < span.end_char for start, end in masked):
            found.extend(_read(span, rule))
    return found


def whole_value(doc: Doc, lexicon: Lexicon, relation: str) -> str | None:
    """Return the canonical value of a text that is one value of a relation and nothing else, else None."""
    n_tokens = len(doc)
    for span in doc.spans[SPANS]:
        rule = lexicon.rules[int(span.id_)]
        if rule.relation == relation and span.start == 0 and span.end == n_tokens:
            values = [mention.value for mention in _read(span, rule) if mention.relation == relation]
            if len(values) == 1:
                return values[0]
    return None


def _applies(rule: Rule, context: int, field: str) -> bool:
    return rule.relation != CUE and rule.relation != IGNORE_CUE and rule.holds(context, field)


def _longest(candidates: list[tuple[Span, Rule]]) -> list[tuple[Span, Rule]]:
    if len(candidates) == 1:
        return candidates
    kept: list[tuple[Span, Rule]] = []
    taken: list[tuple[int, int]] = []
    for span, rule in sorted(candidates, key=lambda c: (c[0].start - c[0].end, c[0].start, c[1].relation, c[1].value)):
        extent = (span.start, span.end)
        if all(extent == other or span.end <= other[0] or other[1] <= span.start for other in taken):
            kept.append((span, rule))
            taken.append(extent)
    # A phrase hides what is shorter; a rule of its own extent knows better ("baby blue" is a colour).
    stated = {(span.start, span.end) for span, rule in kept if rule.relation != IGNORE}
    return sorted(
        ((span, rule) for span, rule in kept if rule.relation != IGNORE or (span.start, span.end) not in stated),
        key=lambda c: (c[0].start, c[1].relation),
    )


def _read(span: Span, rule: Rule) -> list[Mention]:
    start, end, text = span.start_char, span.end_char, span.text
    if rule.value == QUANTITY:
        return [
            Mention(q.relation, q.value, one.start, one.end, text[one.start - start : one.end - start], rule.confidence if q.sure else _UNSURE)
            for one in dict.fromkeys(span.doc.user_data[AMOUNTS].get((span.start, span.end), ()))
            for q in stated(one, rule.relation)
        ]
    return [Mention(rule.relation, text.upper() if rule.value == SURFACE else rule.value, start, end, text, rule.confidence)]
