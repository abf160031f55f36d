"""Dietary and allergen claims: only a statement that makes the claim of the item itself counts.

A wrong one can do harm, so a claim must be found innocent: its sentence asks nothing, hedges nothing and negates nothing, nothing governs the claim
("serve with vegan cheese"), nothing behind it takes it over ("gluten free options"), and a subject, where there is one, is the item. What is left out
that way costs recall of roundabout sentences only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from kg.extract.lexicon import alternation, has_lines, mask, read_lines, word_sets
from kg.extract.mentions import Mention
from kg.extract.statements.scope import ABSENT, Scope, sentence_at

CLAIMS = frozenset({"has_diet", "has_claim", "has_free_from"})
FREE_FROM = "has_free_from"
_CONFIDENCE = 0.9

_WORD = re.compile(r"[\w%]+(?:['&.-][\w]+)*")
_SEGMENT = re.compile(r"[,;|()\[\]:]|\s[-–—]\s")
_SPARED = re.compile(r"\bnon[- ]?(?=gmo|fat|alcoholic|carb)", re.IGNORECASE)
_ANSWER = re.compile(r"[\s)]*(?:[:=?–—]|-\s|\()\s*(\w+|[^\w\s])")
_YES = frozenset({"yes", "true", "✓", "✔", "certified"})
_NO = frozenset({"no", "none", "false", "unknown", "n", "na", "not", "x", "0", "tbd", "pending", "✗", "✘"})
_COPULA = re.compile(r"(?:\b(?:is|are)\b|(?<=it)'s\b|(?<=they)'re\b|(?<=this)'s\b)")
# "72% organic" is no organic item; "2% reduced fat" is a milk.
_SHARE = re.compile(r"(?<![\d.])\d{1,2}(?:\.\d+)?\s*%\s*$")
_SUBJECTS = frozenset({"this", "it", "they", "these", "each", "every", "all"})
_PRONOUNS = frozenset({"it", "they", "we", "you", "i", "he", "she", "everyone", "nobody", "somebody", "someone", "who", "customers"})
_PHRASE_END = re.compile(r"[,;:.!|()\[\]•+/&]|\s[-–—]\s|\b(?:and|or|by|with|made|in|for|from|to|as)\b")
_CONTENT = r"\b(?:contains?|containing|traces?(?: amounts?)? of|with real|made with|made from)\b[^.;!?]{0,60}?\b"
# "No fish burps" is no claim about fish: what is absent must end its phrase.
_ENDS = re.compile(r"\s*(?:$|[^\w\s]|\d|and\b|or\b|nor\b|added\b|used\b|ingredients?\b|whatsoever\b|inside\b|[A-Z][a-z]+ Added\b)")
# "No unnatural preservatives" leaves the natural ones in, "saturated fat free" the other fats.
_QUALIFIED = re.compile(
    r"\b(?:unnatural|synthetic|artificial|chemical|hydrogenated|genetically|cow'?s?|excess|visible|real|whole|harsh|saturated|animal|goat'?s?|"
    r"refined|bad|sour|hard|rancid|more|less|extra|much|high|low|reduced)[\s-]+$",
    re.IGNORECASE,
)
_LONGEST_LEAD = 7


def asserted(text: str, start: int, end: int, *, title: bool, language: str = "en", eaten: bool = True) -> bool:
    """Say whether a text states a claim of the item itself.

    Args:
        text: Title or description.
        start: First character of the claim with its cue.
        end: After its last character.
        title: Titles are lists of phrases, not sentences.
        language: ISO 639-1 code.
        eaten: The claim is one of food, so that one on a cookbook, a mug or a boot is not the item's.

    >>> [asserted(text, text.index("vegan"), text.index("vegan") + 5, title=False) for text in ("A vegan snack.", "Serve with vegan cheese.")]
    [True, False]
    """
    if not has_lines(f"claims_{language}.jsonl"):
        return True
    left, right = sentence_at(text, start, end)
    if language == "zh":
        rest = text[left:start] + text[end : right + 1]
        return not any(word in rest for word in _words("zh")["doubt"])
    plain = text.replace("’", "'").lower()
    before, after = _SPARED.sub("", plain[left:start]), _SPARED.sub("", plain[end:right])
    if "?" in before or "?" in after or plain[end : end + 1] == "?" or not _answered(plain, end):
        return False
    if _SHARE.search(before) and not plain.startswith(("reduced", "low"), start):
        return False
    return _in_title(before, after, eaten=eaten) if title else _in_sentence(before, after)


def _in_title(before: str, after: str, *, eaten: bool) -> bool:
    sets = _words("en")
    whole = f"{before} | {after}"
    if _any(whole, sets["strong"]) or (eaten and _any(whole, sets["goods"])):
        return False
    lead, trail = _SEGMENT.split(before)[-1], _SEGMENT.split(after)[0]
    if eaten and (_any(lead, sets["governor"]) or _taken_over(trail)):
        return False
    return not _any(f"{lead} | {trail}", sets["doubt"])


def _in_sentence(before: str, after: str) -> bool:
    sets = _words("en")
    if _any(f"{before} | {after}", sets["doubt"]) or _taken_over(after) or _pattern(sets["ingredient"]).match(after.lstrip()):
        return False
    result = list(_COPULA.finditer(before))
    if not result:
        lead = _WORD.findall(before)
        if len(lead) > _LONGEST_LEAD or set(lead) & _PRONOUNS or _any(before, sets["governor"]) or _any(after, sets["verb"]):
            return False
        return not before.rstrip().endswith("(") and _names_an_item(after)
    subject, tail = before[: result[-1].start()], before[result[-1].end() :]
    words = _WORD.findall(subject)
    known = bool(words) and words[0] in _SUBJECTS and len(words) <= 5 and not set(words) & sets["not_subject"]
    return known and not _any(subject, sets["governor"]) and not _any(tail, sets["governor"])


def _names_an_item(after: str) -> bool:
    """Say whether nothing follows the claim in its phrase, or a noun for what a shop sells: "vegan bloggers" are none."""
    words = _WORD.findall(_PHRASE_END.split(after)[0])
    return not words or not set(words[:3]).isdisjoint(_words("en")["subject"])


def _taken_over(after: str) -> bool:
    """Say whether the next words are another thing that the claim describes: "vegan options", "organic baking recipes"."""
    words = _WORD.findall(re.split(r"[,;|()\[\]]|\s[-–—]\s", after)[0])
    followers = _words("en")["follower"]
    return bool(words) and (words[0] in followers or (len(words) > 1 and words[1] in followers and words[1] not in {"free", "in", "at", "or"}))


def _answered(plain: str, end: int) -> bool:
    """Read what stands behind a colon: "gluten free: no" is no claim, "gluten free: yes" is one."""
    result = _ANSWER.match(plain, end)
    if result is None:
        return True
    colon = ":" in result.group() or "=" in result.group()
    return result.group(1) in _YES if colon else result.group(1) not in _NO


def names_substance(text: str, at: int, language: str) -> bool:
    """Say whether a substance stands at a place of a text: 无添加蔗糖 says that no sugar is added, not that nothing is."""
    result = _substances(language)
    return result is not None and result[0].match(text, at) is not None


def absences(text: str, scopes: tuple[Scope, ...], context: int, field: str, language: str) -> Iterator[Mention]:
    """Yield what a text says the item is free from.

    Args:
        text: Title or description.
        scopes: Its scopes (`kg.extract.statements.scope.scopes`).
        context: Contexts of the item.
        field: Item field.
        language: ISO 639-1 code.
    """
    result = _substances(language)
    if result is None:
        return
    pattern, values = result
    for scope in scopes:
        if scope.kind != ABSENT:
            continue
        side = "before" if scope.cue_start < scope.start else "after"
        for match in pattern.finditer(text, scope.start, scope.end):
            value, only, sides, eaten = values[match.group().lower()]
            if (only and not context & only) or (sides and side not in sides):
                continue
            start, end = match.span()
            whole = (min(start, scope.cue_start), max(end, scope.cue_end))
            if language == "en" and side == "before" and "added" not in match.group().lower() and not _ENDS.match(text, match.end()):
                continue
            if _QUALIFIED.search(text, max(0, match.start() - 24), match.start()):
                continue
            if language == "en" and contradicted(text, match.group(), scopes):
                continue
            denied = any(other is not scope and other.holds(start, end) and not _within(other, whole) for other in scopes)
            if not denied and asserted(text, *whole, title=field == "title", language=language, eaten=eaten):
                yield Mention(FREE_FROM, value, *whole, text[slice(*whole)], _CONFIDENCE)


def contradicted(text: str, substance: str, scopes: tuple[Scope, ...]) -> bool:
    """Say whether a text that calls an item free from something also says that it contains it."""
    pattern = re.compile(_CONTENT + re.escape(substance.lower()) + r"s?\b(?![- ]free)")
    return any(
        not any(
            (scope.kind == ABSENT and scope.start <= match.end() - 1 < scope.end) or scope.cue_start <= match.start() < scope.cue_end
            for scope in scopes
        )
        for match in pattern.finditer(text.lower())
    )


def _within(scope: Scope, whole: tuple[int, int]) -> bool:
    return whole[0] <= scope.cue_start and scope.cue_end <= whole[1] and scope.kind != ABSENT


def _any(text: str, words: frozenset[str]) -> bool:
    return _pattern(words).search(text) is not None


@cache
def _pattern(words: frozenset[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w']){alternation(words)}(?![\w'])")


@cache
def _words(language: str) -> dict[str, frozenset[str]]:
    return word_sets(f"claims_{language}.jsonl")


@cache
def _substances(language: str) -> tuple[re.Pattern[str], dict[str, tuple[str, int, tuple[str, ...], bool]]] | None:
    name = f"free_from_{language}.jsonl"
    if not has_lines(name):
        return None
    values = {
        word.lower(): (row["value"], mask(*row.get("only", ())), tuple(row.get("sides", ())), bool(row.get("eaten", True)))
        for row in read_lines(name)
        for word in row["words"]
    }
    body = alternation(values)
    return re.compile(body if language == "zh" else rf"\b{body}\b", re.IGNORECASE), values
