"""Whether a material that an English title names is what the item is made of, not of what it is for, a part, a finish, an ingredient or a name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kg.extract.lexicon import mask
from kg.extract.statements.phrases import DOUBTFUL, FOREIGN, OWN, Phrase, Place, title_words, word_lists

_BEAUTY, _HEALTH, _ELECTRONICS, _APPAREL = mask("beauty"), mask("health"), mask("electronics"), mask("apparel")
_ATTACHED = re.compile(r"[\s-]+([^\W\d_]+)")
_COMPOUND = re.compile(r"-([^\W\d_]+)")
_LISTED_WORDS = 2
_PREPARED = frozenset({"charcoal", "salt", "salts"})


def material_status(at: Place, value: str) -> str:
    """Say what a material is to the item: "own", "doubtful" or "foreign".

    Args:
        at: Where the title names it.
        value: Its canonical name.
    """
    lists, before, after = word_lists(), at.before, at.after
    words = title_words(at.title)
    if _ingredient(at, value, words, lists) or _design(at, value, words, lists):
        return FOREIGN
    if value == "lace" and (not at.context & (_BEAUTY | _APPAREL) or not words.isdisjoint(lists["homeware"])):
        return DOUBTFUL
    if for_a_list(at.phrases, at.phrase, lists) or _part(at, lists):
        return DOUBTFUL
    if len(after) > 1 and after[0] in lists["held"] and after[-1] in lists["tool"]:
        # A cotton pad dispenser is not of cotton.
        return FOREIGN
    if "filament" in words or (value == "acrylic" and at.context & _BEAUTY and not words.isdisjoint(lists["acrylic_work"])):
        return DOUBTFUL
    if after and after[0] in lists["not_made"]:
        return FOREIGN
    if at.context & _ELECTRONICS and value in lists["line_word"] and words.isdisjoint(lists["media_sheet"]):
        # "Canvas Go!", "Titanium": names of product lines.
        return DOUBTFUL
    if before and before[-1] in lists["not_solid"]:
        return DOUBTFUL
    return _cared_for(after, lists)


def attached(text: str, end: int) -> bool:
    """Say whether a word behind a material makes it that of a part or a filler: "cork lined", "glass-reinforced"."""
    match = _ATTACHED.match(text, end)
    return match is not None and match.group(1).lower() in word_lists()["attached"]


def _ingredient(at: Place, value: str, words: frozenset[str], lists: dict[str, frozenset[str]]) -> bool:
    """Say whether the material is in a preparation or an ink: "bamboo charcoal toothpaste", "HP Latex ink"."""
    if at.context & (_BEAUTY | _HEALTH) and not words.isdisjoint(lists["consumable"]):
        return True
    if not _PREPARED.isdisjoint(at.after[:3]) or at.before[-1:] == ("salt",) or (value == "latex" and not words.isdisjoint(lists["inked"])):
        return True
    return value == "foam" and bool(at.before) and at.before[-1] in lists["foaming"]


def _design(at: Place, value: str, words: frozenset[str], lists: dict[str, frozenset[str]]) -> bool:
    """Say whether the word is a finish ("satin photo paper"), the name of a disc's layer, or what is drawn on a thing ("scales rubber ducks")."""
    if value in lists["finish"] and not words.isdisjoint(lists["finished"]) and "fabric" not in words:
        return True
    if not words.isdisjoint(lists["disc"]) and words.isdisjoint(lists["disc_cover"]):
        return True
    return value == "rubber" and at.after[:1] in {("duck",), ("ducks",)} and bool(at.before)


def _part(at: Place, lists: dict[str, frozenset[str]]) -> bool:
    after = at.after
    if attached(at.title, at.end):
        return True
    compound = _COMPOUND.match(at.title, at.end)
    if compound and compound.group(1).lower() not in lists["compound"]:
        # "Silk-épil" is a name; "cotton-polyester" and "wood-framed" say what the thing is of.
        return True
    if (after and at.phrase.lead == "in") or (len(after) > 1 and after[0] == "top"):
        # "In cotton bag", "ceramic top storage jar": what it comes in, and a part.
        return True
    if after and after[-1] in lists["part_noun"] and at.phrase is not at.phrases[0]:
        # "Mover's dolly, 4 rubber casters", "… case, tempered glass panel".
        return True
    return bool(at.before) and after[:1] == ("door",) and all(word in lists["trail"] for word in after[1:])


def for_a_list(phrases: Sequence[Phrase], phrase: Phrase, lists: dict[str, frozenset[str]]) -> bool:
    """Say whether a phrase continues what an item is for: "grommets for clothes, leather, canvas", "for wood, metal – steel, brass"."""
    at = phrases.index(phrase)
    while at > 0 and (phrases[at].listed or phrases[at].dashed) and len(phrases[at].words) <= _LISTED_WORDS:
        before = phrases[at - 1]
        if phrases[at].dashed and not before.listed:
            # A dash goes on with a list, but what stands behind one thing's dash is said of the item.
            return False
        at -= 1
        if phrases[at].lead in lists["purpose"]:
            return phrases[at].words[0][0] not in lists["person"] and len(phrases[at].words) <= _LISTED_WORDS + 1
    return False


def _cared_for(after: Sequence[str], lists: dict[str, frozenset[str]]) -> str:
    """Say whether the item cleans, cuts or joins the material: "leather conditioner", "metal and stainless steel cutting wheels"."""
    care = lists["care"]
    if len(after) > 1 and after[0] in {"and", "or"}:
        return DOUBTFUL if any(word in care for word in after[1:4]) and after[-1] not in lists["board"] else OWN
    if not after or not (after[-1] in care or after[0] in care):
        return OWN
    # A cutting board is for no care, whatever "cutting" is elsewhere.
    if after[-1] in lists["board"]:
        return OWN
    if after[0] in care:
        return FOREIGN
    return OWN if set(after) & lists["not_care"] else FOREIGN
