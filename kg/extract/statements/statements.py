"""Which of the mentions in a text are statements about the item: scopes, dietary claims, and the heads of titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from kg.extract.lexicon import mask
from kg.extract.mentions import Mention, Region
from kg.extract.statements.allergens import declarations
from kg.extract.statements.claims import CLAIMS, absences, asserted, contradicted, names_substance
from kg.extract.statements.heads import OF_WORDS, mention_status
from kg.extract.statements.materials import attached
from kg.extract.statements.phrases import DOUBTFUL, FOREIGN
from kg.extract.statements.scope import CARED, ELSEWHERE, IMITATED, Scope, scopes, sentence_at

UNSURE = 0.5
"""What a statement is worth that may be about something else; below `kg.graph.build.REASON_CONFIDENCE`, so that no reason shows it."""

_PERSONS = frozenset({"has_gender", "has_age_group", "has_audience"})
_IMITATED = frozenset({"has_material", "has_form"})
_SCOPED = OF_WORDS | CLAIMS | {"has_brand"}
_MAY_BE_FREE = re.compile(
    r"[Ff]ree|FREE|[Nn]o |NO |[Nn]ot |[Ww]ithout|[Cc]ontain|CONTAIN|WITHOUT|[Zz]ero|w/o|0 ?%|[Mm]inus|[Dd]evoid|[Ee]xclud|[Ll]acking|[Nn]ever"
)
_FREE = re.compile(r"(\w+)[\s-]*free$", re.IGNORECASE)
_MADE_OF = re.compile(
    r"\b(?:made|crafted|constructed|built|cut|woven|sewn|knitted|forged|moulded|molded)\s+(?:of|from|in|out of|entirely of)\s+(?:[\w%-]+\s+){0,3}$"
    r"|\b(?:100\s?%|genuine)\s+$",
    re.IGNORECASE,
)
_ITSELF = frozenset({"it", "it's", "this", "these", "they", "they're", "is", "are", "precision", "all", "each", "entirely", "well", "hand"})
_IN_GENERAL = re.compile(
    r"\b(?:typically|usually|generally|often|commonly|mostly|can be|may be|might|or|other materials|such as|than|unlike|compared|instead|e\.g\.)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w'’-]+")
_ELECTRONICS = mask("electronics")
_BY_LENGTH = re.compile(
    r"\b(?:cables?|cords?|leads?|patch\s?cords?|extensions?|wires?|hoses?|tapes?|strips?|rolls?|ribbons?|rails?|films?|fib(?:er|re)|tethers?|straps?)\b",
    re.IGNORECASE,
)
_BY_WEIGHT = re.compile(
    r"\b(?:inks?|pastes?|compounds?|glues?|adhesives?|gels?|clean(?:ers?|ing)|sprays?|dusters?|refills?|powders?|filaments?|resins?|solders?|fluids?|oils?|paints?|"
    r"dough|sand|slime)\b",
    re.IGNORECASE,
)
_NUMBER_AND_LETTER = re.compile(r"\d+[LGlg]")
_MANY_LITRES = re.compile(r"(?:\d+\s?x\s?)?\d{2,}L")
_LIQUIDS = mask("grocery", "food", "beauty", "cleaning", "pet", "home", "liquid", "vessel", "health")


def statements(text: str, field: str, mentions: Iterable[Mention], context: int, language: str, masked: Sequence[Region] = ()) -> list[Mention]:
    """Keep what a text states about its item, and add what it says the item is free from and which allergens it declares.

    Args:
        text: The text.
        field: Item field it comes from.
        mentions: What the rules read (`kg.extract.mentions.mentions`).
        context: Contexts of the item.
        language: ISO 639-1 code.
        masked: Regions that are something else: a brand's name.
    """
    mentions = [*mentions, *declarations(text, context, language)]
    if language == "en" and all(mention.relation not in _SCOPED for mention in mentions) and not _MAY_BE_FREE.search(text):
        return [_measured(text, mention, context) for mention in mentions]
    title = field == "title"
    ruled = scopes(text, language, title=title)
    kept: list[Mention] = []
    for mention in mentions:
        if mention.relation not in _SCOPED:
            kept.append(_measured(text, mention, context))
        elif not denied(mention.relation, mention.start, mention.end, ruled):
            kept.extend(_weighed(text, mention, context, language, title=title))
    if ruled:
        free = absences(text, ruled, context, field, language)
        kept.extend(one for one in free if not any(one.start < end and start < one.end for start, end in masked))
    return kept


def _measured(text: str, mention: Mention, context: int) -> Mention:
    """Mark what an electronic thing seems to measure, unless it is sold by that.

    Mostly a length is that of a screen or a part, a weight what a thing bears or part of a name ("9g"), and a letter right behind a number part of a
    name ("Fan 12L"). So are litres of what is no liquid and holds none ("Photo 28L", binoculars "10x42L").
    """
    if not context & _LIQUIDS and mention.relation == "has_volume" and _MANY_LITRES.fullmatch(text, mention.start, mention.end):
        return replace(mention, confidence=min(mention.confidence, UNSURE))
    if not context & _ELECTRONICS:
        return mention
    lettered = mention.relation == "has_volume" and _NUMBER_AND_LETTER.fullmatch(text, mention.start, mention.end) is not None
    doubtful = (lettered or mention.relation == "has_weight") and not _BY_WEIGHT.search(text)
    if doubtful or (mention.relation == "has_length" and not _BY_LENGTH.search(text)):
        return replace(mention, confidence=min(mention.confidence, UNSURE))
    return mention


def denied(relation: str, start: int, end: int, ruled: tuple[Scope, ...]) -> bool:
    """Say whether a scope takes a mention away from the item."""
    return any(scope.holds(start, end) and _takes(scope, relation, start) for scope in ruled)


def _takes(scope: Scope, relation: str, start: int) -> bool:
    if scope.kind == IMITATED:
        return relation == "has_material" or (relation in _IMITATED and scope.cue_start > start)
    if scope.kind == CARED:
        return relation == "has_material"
    return not (scope.kind == ELSEWHERE and relation in _PERSONS)


def states(text: str, relation: str, start: int, end: int, language: str, *, title: bool = True) -> bool:
    """Say whether a text states a value of its item at a place that some extractor found."""
    if denied(relation, start, end, scopes(text, language, title=title)):
        return False
    return relation not in CLAIMS or asserted(text, start, end, title=title, language=language)


def _weighed(text: str, mention: Mention, context: int, language: str, *, title: bool) -> list[Mention]:
    if mention.relation in CLAIMS:
        sure = asserted(text, mention.start, mention.end, title=title, language=language)
        sure = sure and not (language == "zh" and mention.surface.endswith("添加") and names_substance(text, mention.end, language))
        named = _FREE.match(mention.surface) if language == "en" else None
        return [mention] if sure and not (named and contradicted(text, named.group(1), scopes(text, language, title=title))) else []
    if mention.relation not in OF_WORDS or language != "en":
        return [mention]
    if not title:
        own = mention.relation == "has_material" and _made_of(text, mention.start, mention.end)
        return [mention] if own else [replace(mention, confidence=min(mention.confidence, UNSURE))]
    verdict = mention_status(text, mention.relation, mention.value, mention.start, mention.end, context)
    if verdict == FOREIGN:
        return []
    return [replace(mention, confidence=min(mention.confidence, UNSURE))] if verdict == DOUBTFUL else [mention]


def _made_of(text: str, start: int, end: int) -> bool:
    """Say whether a description states what the item itself is made of, not a part of it ("the handle is made of") or its kind ("typically")."""
    match = _MADE_OF.search(text, max(0, start - 60), start)
    if match is None or attached(text, end):
        return False
    left, right = sentence_at(text, start, end)
    if _IN_GENERAL.search(text, left, right):
        return False
    before = _WORD.findall(text[left : match.start()].lower())
    return not before or before[0] in _ITSELF
