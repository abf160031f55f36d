"""Whether a word of an English title is the item's own, or a word of a purpose, a part, a name or another noun.

The head of a title's noun phrase is its last noun before a preposition, a comma, a bracket or a number: a "leather conditioner" is a conditioner, a
"powder room mirror" a mirror. Word lists are data (`patterns/heads_en.jsonl`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kg.extract.lexicon import mask
from kg.extract.statements.materials import for_a_list, material_status
from kg.extract.statements.phrases import DOUBTFUL, FOREIGN, OWN, Phrase, Place, phrases, place_of, title_words, word_lists

OF_FOOD = frozenset({"has_carbonation", "has_pack_type", "has_preparation", "has_texture"})
"""How food and drinks are made and sold; a word before a noun is theirs as well: smoked ham is smoked."""

OF_WORDS = OF_FOOD | {
    *("has_material", "has_color", "has_form", "has_flavor", "has_scent", "has_packaging", "has_gender", "has_age_group", "has_audience")
}
"""Relations that word rules read."""

_NO_SCENT = frozenset({"oil", "butter", "extract", "seed", "milk", "water", "gold", "bristle", "wood", "brown", "red", "pink", "kernel", "peel"})
_MEDIA_OR_THING = frozenset({"book", "books", "edition", "film", "season", "volume", "vol", "4k", "uhd"})
_NUMBERED = frozenset({"season", "volume", "vol"})
_MANY_PARTS = 4
"""So many commas make a list of ingredients."""
_INGREDIENTS = frozenset({"oil", "butter", "milk", "wax"})
_POSSESSIVE = re.compile(r"['’]s\b")
_GRADED = re.compile(r"\b80\s?(?:plus|\+)\s*$", re.IGNORECASE)
_BEAUTY, _FOOD, _GROCERY = mask("beauty"), mask("food"), mask("grocery")
_PET, _ELECTRONICS, _APPAREL = mask("pet"), mask("electronics"), mask("apparel")
_LONG_TITLE = 100
_FOR_BABIES = mask("beauty", "food", "grocery", "apparel", "health", "cleaning")


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
    sets = word_lists()
    if _is_media(title.lower(), phrases(title), sets):
        return FOREIGN
    at = place_of(title, start, end, context)
    if at is None:
        return OWN
    if _other_thing(at.phrase, relation, sets):
        return FOREIGN
    before, after = at.before, at.after
    match relation:
        case "has_material":
            return material_status(at, value)
        case "has_color":
            return _color(at, sets)
        case "has_form":
            first = at.phrase is at.phrases[0]
            return DOUBTFUL if at.surface in _INGREDIENTS and not first and not context & _FOOD else _form(at.surface, after, context, sets)
        case "has_packaging":
            if at.surface == "can" and before and before[-1] not in sets["pack_unit"] and not at.phrase.number_after:
                return FOREIGN
            return _packaging(at.phrase, before, after, sets)
        case "has_gender":
            return FOREIGN if after and after[0] in sets["verb"] | sets["gender_next"] else OWN
        case "has_age_group":
            return _age(at, sets)
        case "has_scent":
            return _scent(title, at.phrase, before, after, sets)
        case "has_flavor":
            # Apples are no apple-flavoured item, and a tin with cherries on it tastes of none.
            plural = at.surface.endswith("s") and not at.surface.endswith("ss")
            design = not context & _GROCERY and not title_words(title).isdisjoint(sets["homeware"])
            return FOREIGN if design or (plural and not after) else OWN
    return OWN


def _other_thing(phrase: Phrase, relation: str, sets: dict[str, frozenset[str]]) -> bool:
    if relation in {"has_gender", "has_age_group", "has_audience"}:
        return False
    first = phrase.words[0][0]
    if phrase.lead in sets["purpose"]:
        return first not in sets["person"]
    return phrase.lead in sets["part"] and relation != "has_scent"


def _is_media(title: str, phrases: Sequence[Phrase], sets: dict[str, frozenset[str]]) -> bool:
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


def _age(at: Place, sets: dict[str, frozenset[str]]) -> str:
    surface, before, after = at.surface, at.before, at.after
    if surface in {"junior", "teen", "teenage", "teens", "senior"} or (surface in {"children", "child"} and at.phrase.lead != "for"):
        return DOUBTFUL
    if surface in {"baby", "babies"} and not at.context & _FOR_BABIES:
        return DOUBTFUL
    if (before and before[-1] == "young") or (at.context & _PET and surface in {"adult", "adults"}):
        return DOUBTFUL
    if at.phrase is not at.phrases[0] and len(at.title) > _LONG_TITLE:
        # Long titles list everybody who might use a thing.
        return DOUBTFUL
    blocked = {"baby": sets["baby_next"], "youth": sets["youth_next"]}.get(surface, frozenset())
    return FOREIGN if after and after[0] in blocked else OWN


def _color(at: Place, sets: dict[str, frozenset[str]]) -> str:
    before, after = at.before, at.after
    if _POSSESSIVE.match(at.title, at.end) or (before and before[-1] in {"of", "shades"}):
        return FOREIGN
    if (after and after[0] in sets["colour_next"]) or (before and _named_so(at, sets)):
        return FOREIGN
    last = at.surface.split()[-1]
    if last in sets["metal"] and after and (after[0] in sets["metal_next"] or _head_in(after, sets["care"]) or "cleaner" in after):
        return FOREIGN
    if last in sets["metal"] and for_a_list(at.phrases, at.phrase, sets):
        return DOUBTFUL
    words = title_words(at.title)
    if at.context & _BEAUTY and words & (sets["perfume"] | {"shampoo", "conditioner"}):
        return FOREIGN
    if last in sets["fruit_colour"] and words & sets["scented"]:
        return FOREIGN
    if at.context & _BEAUTY and any(word not in sets["trail"] | sets["made_as"] for word in after):
        return DOUBTFUL
    return OWN


def _named_so(at: Place, sets: dict[str, frozenset[str]]) -> bool:
    """Say whether a colour is the name of a model or a grade: "Xeon Gold", "WD Black 1TB", "80 Plus Bronze"."""
    if at.before[-1] in sets["colour_line"] and not at.context & _BEAUTY:
        return True
    # A grade stands behind its scheme wherever it is: "80 PLUS Gold", "80+ Platinum".
    return at.surface in sets["grade"] and _GRADED.search(at.title, 0, at.end - len(at.surface)) is not None


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


def _packaging(phrase: Phrase, before: Sequence[str], after: Sequence[str], sets: dict[str, frozenset[str]]) -> str:
    made_of = before and before[-1] in {"glass", "plastic"} and not phrase.number_before
    if made_of or (before and before[-1] in sets["pack_product"]) or any(word not in sets["trail"] for word in after):
        return FOREIGN
    sized = (before and before[-1] in sets["pack_unit"]) or phrase.number_before or phrase.number_after
    return OWN if sized else DOUBTFUL


def _scent(title: str, phrase: Phrase, before: Sequence[str], after: Sequence[str], sets: dict[str, frozenset[str]]) -> str:
    words = title_words(title)
    if words & sets["makeup"] or (after and after[0] in _NO_SCENT):
        return FOREIGN
    if phrase.lead or "extract" in words or title.count(",") >= _MANY_PARTS:
        return DOUBTFUL
    if words.isdisjoint(sets["perfumed"] | sets["perfume"]):
        return DOUBTFUL
    named = "scent" in title.lower() or bool(words & {"fragrance", "aroma", "candle", "candles"})
    return OWN if named or (not before and not after) else DOUBTFUL
