"""Allergens that a text declares: "contains milk", "may contain traces of nuts", 含有牛奶, 可能含有花生.

A declaration is a phrase of its own: a cue, and a list that holds allergens and nothing else up to its end. What is asked, supposed, negated or said
of another thing ("the box contains milk cartons") declares nothing: no wrong allergen, at the price of roundabout sentences.
"May contain" is a relation of its own (`TRACE`): it says what cannot be ruled out, not what is in the item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from kg.extract.lexicon import alternation, has_lines, mask, read_lines
from kg.extract.mentions import Mention

ALLERGEN, TRACE = "has_allergen", "has_allergen_trace"

_CONFIDENCE = 0.9
_EATEN = mask("grocery", "food")
_NOT_EATEN = mask("apparel", "electronics", "media", "home")
_CUE = {"en": re.compile(r"contain|allerg|facility|equipment|traces of", re.IGNORECASE), "zh": re.compile("含|过敏|致敏|微量|生产线")}
_SENTENCE_START = {"en": re.compile(r"[.!?;|\n•]\s*|[()\[\]]"), "zh": re.compile(r"[。！？；;!?\n|•（）()【】\[\]，,\s]")}


@dataclass(frozen=True)
class _Grammar:
    """How a language declares allergens.

    Attributes:
        declared: Matches a declaration; its group `list` holds the allergens, `trace` is there where they cannot be ruled out.
        named: Matches one allergen.
        values: Word → (value, whether it is also a thing of other trades: "nuts").
        before: What may stand in the sentence before a declaration.
        doubt: Words that make a question, a condition or a negation of the sentence.
    """

    declared: re.Pattern[str]
    named: re.Pattern[str]
    values: dict[str, tuple[str, bool]]
    before: re.Pattern[str]
    doubt: re.Pattern[str]


def declarations(text: str, context: int, language: str) -> Iterator[Mention]:
    """Yield the allergens that a text declares.

    Args:
        text: Title or description.
        context: Contexts of the item.
        language: ISO 639-1 code; English and Chinese have declarations.

    >>> [(one.relation, one.value) for one in declarations("Contains milk and soy. May contain nuts.", mask("food"), "en")]
    [('has_allergen', 'milk'), ('has_allergen', 'soy'), ('has_allergen_trace', 'nuts')]
    >>> list(declarations("Does not contain milk.", mask("food"), "en"))
    []
    """
    grammar = _grammar(language) if language in _CUE and _CUE[language].search(text) else None
    if grammar is None or context & _NOT_EATEN:
        return
    for match in grammar.declared.finditer(text):
        left, right = _sentence(text, match.start(), match.end(), language)
        around = text[left : match.start()] + " | " + text[match.end() : right]
        if not grammar.before.fullmatch(text[left : match.start()]) or grammar.doubt.search(around):
            continue
        relation = TRACE if match.group("trace") else ALLERGEN
        at = match.start("list")
        for named in grammar.named.finditer(match.group("list")):
            value, of_other_trades = grammar.values[named.group().lower()]
            if of_other_trades and not context & _EATEN and "allerg" not in text[left:right].lower():
                continue
            start, end = at + named.start(), at + named.end()
            yield Mention(relation, value, start, end, text[start:end], _CONFIDENCE)


def _sentence(text: str, start: int, end: int, language: str) -> tuple[int, int]:
    """Return the stretch around a declaration; in Chinese a clause."""
    border = _SENTENCE_START[language]
    left = 0
    for match in border.finditer(text, 0, start):
        left = match.end()
    matches = border.search(text, end)
    return left, (matches.end() if matches else len(text))


@cache
def _grammar(language: str) -> _Grammar | None:
    name = f"allergens_{language}.jsonl"
    if not has_lines(name):
        return None
    values = {word.lower(): (row["value"], bool(row.get("other_trades"))) for row in read_lines(name) for word in row["words"]}
    one = alternation(values)
    return _chinese(one, values) if language == "zh" else _english(one, values)


def _english(one: str, values: dict[str, tuple[str, bool]]) -> _Grammar:
    item = rf"(?:(?:traces\ of|cow['’]s|whole|skimmed)\s+)?(?:{one})(?:\s+(?:ingredients?|products?|derivatives|proteins?|lecithin|allergens?))?"
    listed = rf"(?P<list>{item}(?:\s*(?:,\s*(?:and\b|or\b|&)?|/|&|\band/or\b|\band\b|\bor\b)\s*{item})*)"
    maker = r"(?:an?\s+|the\s+same\s+)?(?:facility|factory|plant|equipment|machinery|line|kitchen)"
    handles = (
        r"(?:\s+(?:that|which))?(?:\s+also)?\s+(?:process(?:es|ing)?|handl(?:es|ing)|us(?:es|ing)|contain(?:s|ing)?|pack(?:s|ing)?|produc(?:es|ing))"
    )
    made = rf"(?:made|manufactured|produced|processed|packed|packaged)\s+(?:in|on)\s+{maker}{handles}"
    cue = (
        rf"(?:(?P<trace>may\s+(?:also\s+)?contain(?:\s+traces\s+of)?|can\s+contain\s+traces\s+of|contains?\s+traces\s+of|{made})"
        r"|contains?|allergens?(?:\s+(?:information|info|advice|warning|statement))?\s*:(?:\s*contains?)?)"
    )
    end = r"(?=\s*(?:[.;!|)\]\n•]|$|[-–—]\s|,?\s*(?:and\s+|but\s+)?(?:may|does\s+not|contains)\b))"
    lead = (
        r"(?:[\s:,*–—-]|\b(?:allergens?|allergy|allergic|dietary|food|warning|advice|information|info|statement|notice|note|please|important|caution"
        r"|this|the|these|product|products|item|items|it|they|bar|bars|snack|snacks|also|and|is|are|was|ingredients"
        rf"|contains?|may|of|traces|or|{one})\b)*"
    )
    doubt = (
        r"\b(?:not|never|no|without|free|if|whether|unless|check|ask|avoid|previously|formerly|used\s+to|longer|false|none|unlike|doesn['’]t)\b|\?"
    )
    return _Grammar(
        re.compile(rf"\b{cue}\s*:?\s*{listed}{end}", re.IGNORECASE),
        re.compile(rf"\b(?:{one})\b", re.IGNORECASE),
        values,
        re.compile(lead, re.IGNORECASE),
        re.compile(doubt, re.IGNORECASE),
    )


def _chinese(one: str, values: dict[str, tuple[str, bool]]) -> _Grammar:
    item = rf"(?:微量的?)?(?:{one})(?:制品|成分|蛋白|过敏原)*"
    listed = rf"(?P<list>{item}(?:\s*(?:、|，|,|和|及|与|或|以及)\s*{item})*)"
    same_line = r"(?:本?生产线|同一生产线|此生产线)(?:也|亦|还)?(?:加工|生产|处理)(?:含有?)?"
    cue = (
        rf"(?:(?P<trace>可能(?:会)?(?:含有?|包含)(?:微量|少量)?的?|含有?微量的?|{same_line})"
        r"|包含|含有|含|(?:过敏原|致敏物质|过敏物质|致敏原)(?:信息|提示|说明|提醒|警告|声明)?\s*[:：](?:\s*(?:本产品|本品|该产品|产品))?(?:含有?|包含)?)"
    )
    end = r"(?=(?:等)?(?:的?产品|的?食品)?\s*(?:[。；;！!，,\n|)）】\]•]|$|\s))"
    lead = (
        r"(?:\s|[:：]|本产品|本商品|本品|该产品|此产品|此商品|产品|配料|成分|过敏原|致敏物质|过敏物质|信息|提示|说明|温馨|注意|食物|也|还|及|其中)*"
    )
    doubt = r"不|未|无|没|非|是否|如果|若|吗|？|\?|曾|以前|除外"
    return _Grammar(re.compile(rf"{cue}\s*{listed}{end}"), re.compile(one), values, re.compile(lead), re.compile(doubt))
