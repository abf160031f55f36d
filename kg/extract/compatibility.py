"""What an item is made to go with: sentences that name another item of the catalogue by its model number.

"Fits the LX-4200" says nothing of the item's own attributes; where exactly one item's title has that number as its own, the two are linked
(`kg.schema.COMPATIBLE_WITH`), and otherwise nothing is. A title's own numbers are those that no such phrase holds: a cartridge for a printer is not
the printer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import polars as pl

from kg.extract.languages import is_code
from kg.extract.statements.scope import sentence_at
from kg.tables import TEXT_FIELDS

_CONFIDENCE = 0.9

_TOKEN = re.compile(r"[A-Z0-9]+(?:[-/.#][A-Z0-9]+)*")
_RUN = "[A-Z0-9./#-]*"
# A capital and two digits in one run, in any order: every model number has them.
_MAY_BE_CODE = rf"[A-Z]{_RUN}\d{_RUN}\d|\d{_RUN}[A-Z]{_RUN}\d|\d{_RUN}\d{_RUN}[A-Z]"
_CUES = {
    "en": r"(?i:\b(?:compatible with|works? with|designed (?:for|to work with|to fit)|made for|fits|(?:for )?use with|used with|replacement for))\b",
    "zh": r"(?:兼容|适用于|适配|配合|可用于)",
}
_TITLE_CUES = {"en": r"(?i:\b(?:for|fits?|to fit|compatible|replaces)\b)", "zh": r"(?:兼容|适用|适配|用于)"}
_DENIED = {"en": re.compile(r"(?i:(?:\b(?:not|never|no longer|un|in)|n['’]t)[\s-]*)$"), "zh": re.compile("[不非未无]$")}
_UNTIL = {"en": re.compile(r"(?i:\b(?:not|except|excluding|unlike|without|nor|if|also see|see)\b)"), "zh": re.compile("[，,]?(?:不|除)|[。；]")}


def models(catalog: pl.DataFrame, language: str) -> dict[str, str]:
    """Return the model numbers that exactly one title has as its own, with the item.

    Args:
        catalog: Items.
        language: ISO 639-1 code; English and Chinese have cues.

    >>> items = pl.DataFrame({"item_id": ["p", "t"], "title": ["Laser printer LX-4200", "Toner TN-880 for LX-4200"]})
    >>> models(items, "en")
    {'LX-4200': 'p', 'TN-880': 't'}
    """
    if language not in _CUES:
        return {}
    owners: dict[str, set[str]] = {}
    coded = catalog.select("item_id", "title").filter(pl.col("title").str.contains(_MAY_BE_CODE))
    cue = re.compile(_TITLE_CUES[language])
    for item_id, title in coded.iter_rows():
        foreign = cue.search(title)
        for code, _, _ in _codes(title, 0, foreign.start() if foreign else len(title)):
            owners.setdefault(code, set()).add(str(item_id))
    return {code: next(iter(items)) for code, items in sorted(owners.items()) if len(items) == 1}


def compatible(items: pl.DataFrame, known: Mapping[str, str], language: str) -> Iterator[tuple[str, str, str, int, int, str, float]]:
    """Yield (item_id, field, the other item's id, start, end, surface, confidence) of the links that texts state.

    Args:
        items: Items to read.
        known: Model numbers of the catalogue (`models`).
        language: ISO 639-1 code.
    """
    if not known:
        return
    for field in TEXT_FIELDS:
        cue = _CUES[language] + ("|" + _TITLE_CUES[language] if field == "title" else "")
        pattern = re.compile(cue)
        for item_id, text in items.select("item_id", field).drop_nulls(field).filter(pl.col(field).str.contains(cue)).iter_rows():
            for code, start, end in _named(text, pattern, language):
                other = known.get(code, item_id)
                if other != item_id:
                    yield item_id, field, other, start, end, text[start:end], _CONFIDENCE


def changed_models(before: pl.DataFrame, after: pl.DataFrame, language: str) -> set[str]:
    """Return the model numbers, in lower case, that lead to another item after some items changed."""
    old, new = models(before, language), models(after, language)
    return {code.lower() for code in old.keys() | new.keys() if old.get(code) != new.get(code)}


def _named(text: str, cue: re.Pattern[str], language: str) -> Iterator[tuple[str, int, int]]:
    for match in cue.finditer(text):
        if _DENIED[language].search(text, max(0, match.start() - 12), match.start()):
            continue
        left, right = sentence_at(text, match.start(), match.end())
        if "?" in text[left : right + 1]:
            continue
        stop = _UNTIL[language].search(text, match.end(), right)
        yield from _codes(text, match.end(), stop.start() if stop else right)


def _codes(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    for match in _TOKEN.finditer(text, start, end):
        beside = text[max(0, match.start() - 1) : match.start()] + text[match.end() : match.end() + 1]
        if is_code(match.group()) and not any(char.isascii() and char.isalnum() for char in beside):
            yield match.group(), *match.span()
