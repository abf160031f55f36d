"""Whether a word of an English title is the item's own, or a word of a purpose, a part, a name or another noun.

The head of a title's noun phrase is its last noun before a preposition, a comma, a bracket or a number: a "leather conditioner" is a conditioner, a
"powder room mirror" a mirror. Word lists are data (`patterns/heads_en.jsonl`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from kg.extract.lexicon import mask, word_sets

OWN, DOUBTFUL, FOREIGN = "own", "doubtful", "foreign"
"""What a word is to the item: its own, perhaps, or not at all."""

OF_WORDS = frozenset(
    {"has_material", "has_color", "has_form", "has_flavor", "has_scent", "has_packaging", "has_gender", "has_age_group", "has_audience"}
)
"""Relations that word rules read."""

_TOKEN = re.compile(r"([^\W\d_]+(?:['’.&-][^\W\d_]+)*)|\d[\d.,/]*|[^\w\s]")
_BREAKS = frozenset(",;()[]|/–—")
_DASHES = frozenset("-–—")
_LISTS = frozenset({",", "/"})
_NO_SCENT = frozenset({"oil", "butter", "extract", "seed", "milk", "water", "gold", "bristle", "wood", "brown", "red", "pink", "kernel", "peel"})
_MEDIA_OR_THING = frozenset({"book", "books", "edition", "film", "season", "volume", "vol", "4k", "uhd"})
_NUMBERED = frozenset({"season", "volume", "vol"})
_MANY_PARTS = 4
"""So many commas make a list of ingredients."""
_INGREDIENTS = frozenset({"oil", "butter", "milk", "wax"})
_POSSESSIVE = re.compile(r"['’]s\b")
_BEAUTY, _FOOD, _GROCERY = mask("beauty"), mask("food"), mask("grocery")
_PET, _ELECTRONICS, _APPAREL = mask("pet"), mask("electronics"), mask("apparel")
_ATTACHED = re.compile(r"[\s-]+([^\W\d_]+)")
_LISTED_WORDS = 2
_LONG_TITLE = 100
_FOR_BABIES = mask("beauty", "food", "grocery", "apparel", "health", "cleaning")


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A noun phrase of a title.

    Attributes:
        words: (word in lower case, start, end).
        lead: The preposition before it; empty for none.
        number_before: Whether a number stands before it.
        number_after: Whether it ends at a number.
        listed: Whether it is a further part of a list: a comma or a stroke stands before it.
    """

    words: tuple[tuple[str, int, int], ...]
    lead: str
    number_before: bool
    number_after: bool
    listed: bool


def mention_status(title: str, relation: str, value: str, start: int, end: int, context: int) -> str:
    """Say what a word is to the item: "own", "doubtful" or "foreign".

    Args:
        title: The title.
        relation: What a rule read there.
        value: Its value.
        start: First character.
        end: After the last one.
        context: Contexts of the item.

    >>> [mention_status(title, "has_material", "leather", 0, 7, 0) for title in ("Leather conditioner 8 oz", "Leather belt")]
    ['foreign', 'own']
    """
    sets, phrases = _sets(), _phrases(title)
    if _is_media(title.lower(), phrases, sets):
        return FOREIGN
    phrase = next((one for one in phrases if one.words and one.words[0][1] <= start < one.words[-1][2]), None)
    if phrase is None:
        return OWN
    before = [word for word, _, stop in phrase.words if stop <= start]
    after = [word for word, begin, _ in phrase.words if begin >= end]
    if _other_thing(phrase, relation, sets):
        return FOREIGN
    surface = title[start:end].lower()
    match relation:
        case "has_material":
            return _material_of(title, phrases, phrase, value, end, before, after, context, sets)
        case "has_color":
            return _color(title, surface, end, before, after, context, sets)
        case "has_form":
            first = phrase is phrases[0]
            return DOUBTFUL if surface in _INGREDIENTS and not first and not context & _FOOD else _form(surface, after, context, sets)
        case "has_packaging":
            if surface == "can" and before and before[-1] not in sets["pack_unit"] and not phrase.number_after:
                return FOREIGN
            return _packaging(phrase, before, after, sets)
        case "has_gender":
            return FOREIGN if after and after[0] in sets["verb"] | sets["gender_next"] else OWN
        case "has_age_group":
            return _age(title, surface, phrase, phrase is phrases[0], before, after, context, sets)
        case "has_scent":
            return _scent(title, phrase, before, after, sets)
        case "has_flavor":
            # Apples are no apple-flavoured item, and a tin with cherries on it tastes of none.
            plural = surface.endswith("s") and not surface.endswith("ss")
            design = not context & _GROCERY and not _title_words(title).isdisjoint(sets["homeware"])
            return FOREIGN if design or (plural and not after) else OWN
    return OWN


def _other_thing(phrase: _Phrase, relation: str, sets: dict[str, frozenset[str]]) -> bool:
    if relation in {"has_gender", "has_age_group", "has_audience"}:
        return False
    first = phrase.words[0][0]
    if phrase.lead in sets["purpose"]:
        return first not in sets["person"]
    return phrase.lead in sets["part"] and relation != "has_scent"


def _is_media(title: str, phrases: Sequence[_Phrase], sets: dict[str, frozenset[str]]) -> bool:
    """Say whether the title is one of a book, film or record: its words are no attributes."""
    media, sure = sets["media"], sets["media_sure"]
    for phrase in phrases:
        last = phrase.words[-1][0]
        if last not in media:
            continue
        # "Pocket book", "limited edition" and "cling film" are things; "Yellowstone Season 1" is a title.
        if last not in _MEDIA_OR_THING or (last in _NUMBERED and phrase.number_after):
            return True
    return any(word in sure for phrase in phrases if phrase.words[-1][0] not in media for word, _, _ in phrase.words) or "blu-ray disc" in title


def _head_in(after: Sequence[str], words: frozenset[str]) -> bool:
    return bool(after) and after[-1] in words


def _material(after: Sequence[str], sets: dict[str, frozenset[str]]) -> str:
    if not after or not (_head_in(after, sets["care"]) or after[0] in sets["care"]):
        return OWN
    # A cutting board is for no care, whatever "cutting" is elsewhere.
    if after[-1] in sets["board"]:
        return OWN
    if after[0] in sets["care"]:
        return FOREIGN
    return OWN if set(after) & sets["not_care"] else FOREIGN


def _material_of(
    title: str,
    phrases: Sequence[_Phrase],
    phrase: _Phrase,
    value: str,
    end: int,
    before: Sequence[str],
    after: Sequence[str],
    context: int,
    sets: dict[str, frozenset[str]],
) -> str:
    words = _title_words(title)
    if context & _BEAUTY and not words.isdisjoint(sets["consumable"]):
        return FOREIGN
    if value == "lace" and not context & (_BEAUTY | _APPAREL):
        return DOUBTFUL
    if value == "foam" and before and before[-1] in sets["foaming"]:
        return FOREIGN
    if _for_a_list(phrases, phrase, sets):
        return DOUBTFUL
    attached = _ATTACHED.match(title, end)
    if (attached and attached.group(1).lower() in sets["attached"]) or (before and before[-1] in sets["not_solid"]):
        return DOUBTFUL
    if (after and phrase.lead == "in") or (len(after) > 1 and after[0] == "top"):
        # "In cotton bag", "ceramic top storage jar": what it comes in, and a part.
        return DOUBTFUL
    if len(after) > 1 and after[0] in sets["held"] and after[-1] in sets["tool"]:
        # A cotton pad dispenser is not of cotton.
        return FOREIGN
    if "filament" in words or (value == "acrylic" and context & _BEAUTY and not words.isdisjoint(sets["acrylic_work"])):
        return DOUBTFUL
    if after and after[0] in sets["not_made"]:
        return FOREIGN
    if context & _ELECTRONICS and value in sets["line_word"] and words.isdisjoint(sets["media_sheet"]):
        # "Canvas Go!", "Titanium": names of product lines.
        return DOUBTFUL
    return _material(after, sets)


def _for_a_list(phrases: Sequence[_Phrase], phrase: _Phrase, sets: dict[str, frozenset[str]]) -> bool:
    """Say whether a phrase continues what an item is for: "grommets for clothes, leather, canvas"."""
    at = phrases.index(phrase)
    while at > 0 and phrases[at].listed and len(phrases[at].words) <= _LISTED_WORDS:
        at -= 1
        if phrases[at].lead in sets["purpose"]:
            return phrases[at].words[0][0] not in sets["person"] and len(phrases[at].words) <= _LISTED_WORDS + 1
    return False


def _age(
    title: str, surface: str, phrase: _Phrase, first: bool, before: Sequence[str], after: Sequence[str], context: int, sets: dict[str, frozenset[str]]
) -> str:
    if surface in {"junior", "teen", "teenage", "teens", "senior"} or (surface in {"children", "child"} and phrase.lead != "for"):
        return DOUBTFUL
    if surface in {"baby", "babies"} and not context & _FOR_BABIES:
        return DOUBTFUL
    if (before and before[-1] == "young") or (context & _PET and surface in {"adult", "adults"}):
        return DOUBTFUL
    if not first and len(title) > _LONG_TITLE:
        # Long titles list everybody who might use a thing.
        return DOUBTFUL
    blocked = {"baby": sets["baby_next"], "youth": sets["youth_next"]}.get(surface, frozenset())
    return FOREIGN if after and after[0] in blocked else OWN


def _color(title: str, surface: str, end: int, before: Sequence[str], after: Sequence[str], context: int, sets: dict[str, frozenset[str]]) -> str:
    if _POSSESSIVE.match(title, end) or (before and before[-1] in {"of", "shades"}):
        return FOREIGN
    if after and after[0] in sets["colour_next"]:
        return FOREIGN
    last = surface.split()[-1]
    if last in sets["metal"] and after and (after[0] in sets["metal_next"] or _head_in(after, sets["care"]) or "cleaner" in after):
        return FOREIGN
    words = _title_words(title)
    if context & _BEAUTY and words & (sets["perfume"] | {"shampoo", "conditioner"}):
        return FOREIGN
    if last in sets["fruit_colour"] and words & sets["scented"]:
        return FOREIGN
    if context & _BEAUTY and any(word not in sets["trail"] | sets["made_as"] for word in after):
        return DOUBTFUL
    return OWN


def _form(surface: str, after: Sequence[str], context: int, sets: dict[str, frozenset[str]]) -> str:
    if context & _FOOD:
        return OWN
    if _head_in(after, sets["tool"]) or (after and after[0] in sets["tool"]):
        return FOREIGN
    if all(word in sets["trail"] for word in after):
        return OWN
    if surface in sets["head_only"] or after[0] not in sets["made_as"]:
        return FOREIGN if surface in sets["head_only"] else DOUBTFUL
    return OWN


def _packaging(phrase: _Phrase, before: Sequence[str], after: Sequence[str], sets: dict[str, frozenset[str]]) -> str:
    made_of = before and before[-1] in {"glass", "plastic"} and not phrase.number_before
    if made_of or (before and before[-1] in sets["pack_product"]) or any(word not in sets["trail"] for word in after):
        return FOREIGN
    sized = (before and before[-1] in sets["pack_unit"]) or phrase.number_before or phrase.number_after
    return OWN if sized else DOUBTFUL


def _scent(title: str, phrase: _Phrase, before: Sequence[str], after: Sequence[str], sets: dict[str, frozenset[str]]) -> str:
    words = _title_words(title)
    if words & sets["makeup"] or (after and after[0] in _NO_SCENT):
        return FOREIGN
    if phrase.lead or "extract" in words or title.count(",") >= _MANY_PARTS:
        return DOUBTFUL
    if words.isdisjoint(sets["perfumed"] | sets["perfume"]):
        return DOUBTFUL
    named = "scent" in title.lower() or bool(words & {"fragrance", "aroma", "candle", "candles"})
    return OWN if named or (not before and not after) else DOUBTFUL


@lru_cache(maxsize=4096)
def _title_words(title: str) -> frozenset[str]:
    return frozenset(word for phrase in _phrases(title) for word, _, _ in phrase.words)


@lru_cache(maxsize=4096)
def _phrases(title: str) -> tuple[_Phrase, ...]:
    leads = _leads()
    result: list[_Phrase] = []
    words: list[tuple[str, int, int]] = []
    lead, numbered, listed = "", False, False
    for match in _TOKEN.finditer(title):
        token = match.group().lower()
        if match.lastindex and token not in leads and token[0].isalpha():
            words.append((token, *match.span()))
            continue
        number = token[0].isdigit()
        loose = token in _DASHES and title[match.start() - 1 : match.start()] == " "
        if not (number or loose or token in _BREAKS or token in leads):
            continue
        if lead and not words and _goes_on(lead, token, number=number):
            numbered = number
            continue
        if words:
            result.append(_Phrase(tuple(words), lead, numbered, number, listed))
        words, lead, numbered, listed = [], token if token in leads else "", number, token in _LISTS
    result.append(_Phrase(tuple(words), lead, numbered, number_after=False, listed=listed))
    return tuple(phrase for phrase in result if phrase.words)


def _goes_on(lead: str, mark: str, *, number: bool) -> bool:
    """Say whether a preposition's phrase goes on: "with 1 free refill", "w/ glass door"."""
    return number or (mark == "/" and lead == "w")


@cache
def _leads() -> frozenset[str]:
    return _sets()["purpose"] | _sets()["part"] | {"in", "by", "from", "without"}


@cache
def _sets() -> dict[str, frozenset[str]]:
    return word_sets("heads_en.jsonl")
