"""Quantities in running text: numbers with their units, as one grammar over characters.

A quantity may be compound ("1 lb 4 oz"), a fraction ("1-1/2 in"), a chain ("2 x 500ml", "10 x 15 cm", "550ml*24瓶") or a register's short form
("12/18&15PK"). What a quantity is in its context, and so whether it is the item's own, is settled in `kg.extract.quantities.roles`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from kg.extract.lexicon import read_lines

COUNT, DOZEN = "count", "dozen"
_DENOMINATORS = frozenset({2, 3, 4, 5, 8, 10, 16, 32, 64})
_SPACES = "\u00a0\u2009\u202f"
_PLAIN = rf"(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d{{1,3}}(?:[{_SPACES}]\d{{3}})+|\d+(?:[.,]\d+)?|\.\d+)"
_BEGIN = re.compile(r"\d|\.(?=\d)")
_NOT_WITHIN = r"(?<!#)(?<![^\W\d_\u3000-\u9fff])(?<![\d][.,/])(?<![\d])(?<![A-Za-z]\.)"
_WORDS = {
    **{"half": 0.5, "quarter": 0.25, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "ten": 10, "twelve": 12},
    **{"半": 0.5},
}
_WORDED = frozenset({"gallon", "quart", "pint", "liter", "pound", "ounce", "kilogram", "fluid_ounce", "half_kilogram"})
_WORDED_PARTS = frozenset({*_WORDED, "inch", "yard", "meter", "dozen"})
_TIMES = re.compile(r"\.?\s*[xX×✕*＊]\s*(?=[\d.])|\s+[xX×✕*＊]\s+(?=[HWDLØø]\s?\d)|\.?\s+by\s+(?=\d)")
_AXIS = re.compile(r"\s?(?:[HWDL](?![\w'])|(?:high|wide|deep|long|tall|width|height|depth|length)\b)", re.IGNORECASE)
_LEAD = re.compile(r"[HWDLØø]\s?")
_JOINT = re.compile(r"\s?,?\s?(?:and\s|&\s)?-?")
_THREAD = re.compile(
    r"(?<![A-Za-z0-9])M\d{1,2}(?:\.5)?(?:\s?[x×*-]\s?\d+(?:\.\d+)?(?:\s?mm)?){1,2}(?![\w.])"
    r"|(?<![A-Za-z0-9])M\d{1,2}(?![\w.])(?=.*\b(?:bolt|screw|nut|washer|thread|stud|rivnut|tap)s?\b)"
    r"|(?<=bolt |crew |nuts |olts |rews |sher )M\d{1,2}(?![\w.])",
    re.IGNORECASE,
)
_METRIC = re.compile(r"[Mm]\d")
_WORDED_ANY = re.compile("|".join(_WORDS))
_REGISTER = re.compile(r"\d[^/&\d]*[/&]|d(?:o?z|ozen)")
_SPF = re.compile(r"(?<![A-Za-z])SPF[\s-]?(\d{1,3})(?!\d)\+?|(?<![\d.])(\d{1,3})\+?\s?SPF(?![A-Za-z])", re.IGNORECASE)
_PACK_OF = re.compile(r"\b(?:pack|packs|set|case|box|lot|bundle|carton|bag|pk|tray)\s+of\s+(\d{1,4})(?![\d.,]*\d)\b", re.IGNORECASE)
_PACK_SLASH = re.compile(r"\b(?:pack|pk|case|cs)/(\d{1,4})\b", re.IGNORECASE)
_TIMES_LAST = re.compile(r"(?:^|(?<=[\s(（]))(?:[x×]\s?|X\s|X(?=\d{1,2}(?!\d)))(\d{1,3})(?=\s*(?:$|[)）,]))")
_SORTED = re.compile(
    r"(?<![\w.,/-])(\d{1,4})\s+(?:(?:mega|double|jumbo|giant|regular|super|family|large|big|huge|mini|triple|coated|film-coated|individual|disposable|"
    r"single-use|fresh|unscented|scented)\s+){1,2}(rolls|sheets|bars|tablets|capsules|caplets|softgels|packets|packs|bags|wipes|sachets|pods|cans|bottles)\b",
    re.IGNORECASE,
)
_STICKS = re.compile(
    r"(?<!holds )(?<!fits )(?<!for )(?<![\w.,/-])(\d{1,3})\s(?:sticks|pairs|pieces of gum|pouches|servings? pouches)(?![\w-])", re.IGNORECASE
)
_PLURAL_ENDS = re.compile(
    r"rolls|sheets|bars|tablets|capsules|caplets|softgels|packets|packs|bags|wipes|sachets|pods|cans|bottles|sticks|pairs|pieces|pouches"
)
_MEMORY_PLUS = re.compile(
    r"(?<![\w.+])(\d{1,2})\s?(?:GB?)?\s?\+\s?(?=(?:32|64|128|256|512|1024)\s?GB?(?![A-Za-z])|[12]\s?TB?(?![A-Za-z]))", re.IGNORECASE
)
_DOZEN = re.compile(r"(?<![\w'’])(half\s(?:a\s)?|a\s)?dozen(?!s|\s+of\s+\d)\b", re.IGNORECASE)
_TEENS = re.compile(r"\b(?:[Bb]aker'?s|\d|[Tt]wo|[Tt]hree|[Ff]our|[Ff]ive|[Ss]ix)\s*-?$")
_ACROSS = {
    **{("pound", "ounce"): 16, ("foot", "inch"): 12, ("yard", "foot"): 3, ("yard", "inch"): 36, ("kilogram", "gram"): 1000},
    **{("meter", "centimeter"): 100, ("liter", "milliliter"): 1000, ("gallon", "quart"): 4, ("quart", "pint"): 2, ("quart", "fluid_ounce"): 32},
    **{("gallon", "fluid_ounce"): 128, ("half_kilogram", "gram"): 500},
}
"""Larger and smaller unit of one compound quantity → how many of the smaller make the larger."""

_DIGIT = re.compile(r"\d")
_WORDED_TRIGGER = re.compile(r"\b(?:half|quarter|one|two|three|four|five|six|eight|ten|twelve)\b|半|dozen")
PACKS = frozenset(
    {"pk", "pks", "pck", "pack", "packs", "pac", "packet", "packets", "pkg", "packages", "box", "boxes", "case", "包", "盒", "袋", "箱", "提"}
)
"""Words for packs, where others count what is in one."""
LENGTHS = frozenset({"inch", "foot", "yard", "meter", "centimeter", "millimeter"})


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity as written.

    Attributes:
        start: First character.
        end: After the last one.
        shape: How it is built: amount, dimensions, packs, thread, spf, and what `kg.extract.quantities.roles` makes of an amount (memory,
        dose, network, gig).
        unit: Its unit ("pound"), of a compound one the larger; COUNT for pieces.
        parts: (number, unit) of its parts: one, two of a compound, two or three sides.
        packs: How many of it there are, where the text says so.
        word: The unit as written.
        several: Other counts that the text names as well: the item has one of them.
    """

    start: int
    end: int
    shape: str
    unit: str
    parts: tuple[tuple[float, str], ...]
    packs: float | None = None
    word: str = ""
    several: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class _Term:
    """A number with or without its unit."""

    start: int
    end: int
    number: float
    unit: str
    word: str
    ratio: tuple[float, float] | None = None


def amounts(text: str) -> list[Amount]:
    """Return the quantities of a text in order.

    >>> [(one.unit, one.parts[0][0], one.packs) for one in amounts("Water 2 x 500ml")]
    [('milliliter', 500.0, 2.0)]
    """
    if not _DIGIT.search(text):
        return _set_phrases(text)[0] if _WORDED_TRIGGER.search(text.lower()) else []
    result, taken = _set_phrases(text)
    result += _running(text, taken)
    for match in _TIMES_LAST.finditer(text):
        if all(match.end() <= one.start or one.end <= match.start() for one in result):
            result.append(Amount(match.start(), match.end(), "amount", COUNT, ((float(match[1]), COUNT),)))
    return sorted(result, key=lambda one: (one.start, one.end))


@lru_cache(maxsize=4096)
def number(text: str) -> float:
    """Read a number: "1,000" is a thousand, "0,5" a half."""
    text = re.sub(rf"[{_SPACES}]", "", text)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text) and not text.startswith("0,"):
        return float(text.replace(",", ""))
    return float(text.replace(",", "."))


@lru_cache(maxsize=4096)
def unit_of(word: str) -> str:
    """Return the unit behind a word: "lbs." is a pound; "" where it is none."""
    exact, folded = _words()
    written = re.sub(r"[\s.]+", " ", word).strip() or word.strip()
    return exact.get(written) or folded.get(written.lower()) or folded.get(written.lower().replace(" ", "")) or ""


@cache
def _words() -> tuple[dict[str, str], dict[str, str]]:
    exact: dict[str, str] = {}
    folded: dict[str, str] = {}
    for row in read_lines("units.jsonl"):
        (exact if row.get("case") else folded).update(dict.fromkeys(row["words"], str(row["unit"])))
    return exact, folded


@cache
def _grammar() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a number with its unit, of a register's counts, of worded quantities, and of the first one right after a sign."""
    exact, folded = _words()

    def spelled(word: str, *, case: bool) -> str:
        pattern = re.escape(word).replace(r"\ ", r"\.?\s?")
        latin = word[-1].isascii() and word[-1].isalpha()
        pattern = f"(?-i:{pattern})" if case else pattern
        return pattern + (r"(?![^\W_\u3000-\u9fff]|[²³^])" if latin else r"(?![²³])" if word[-1] == "'" else "")

    words = sorted([(word, True) for word in exact] + [(word, False) for word in folded], key=lambda pair: (-len(pair[0]), pair[0]))
    units = "|".join(spelled(word, case=case) for word, case in words)
    counts = "|".join(spelled(word, case=False) for word in sorted((w for w, unit in folded.items() if unit == COUNT), key=lambda w: (-len(w), w)))
    alone = (
        rf"(?:(?:(?P<whole>\d+)[\s-])?(?P<above>{_PLAIN})\s?/\s?(?P<below>{_PLAIN})(?P<gap1>\s?-?\s?)(?P<unit1>{units})"
        r"|(?:(?P<whole0>\d+)[\s-])?(?P<above0>\d+)/(?P<below0>\d+)(?=\s*[xX×]\s*\d)"
        rf"|(?P<grouped>\d{{1,3}} 000|1 \d[05]0)(?P<gap2>\s?)(?P<unit2>{units})"
        rf"|(?P<number>{_PLAIN})(?:(?P<gap3>\s{{0,2}}-?\s?)(?P<unit3>{units}))?)"
    )
    term, joined = re.compile(_NOT_WITHIN + alone, re.IGNORECASE), re.compile(alone, re.IGNORECASE)
    register = re.compile(
        rf"{_NOT_WITHIN}(?P<all>\d+(?:\s?(?:{counts}))?(?:\s?[/&]\s?\d+)+)\s?-?(?:{counts})"
        rf"|{_NOT_WITHIN}(?P<dozens>\d+(?:/\d+)?)\s?-?(?:dozen|dz|doz)(?![A-Za-z])",
        re.IGNORECASE,
    )
    worded = re.compile(
        rf"(?<![\w-])(?P<three>three\s)?(?P<count>{'|'.join(word for word in _WORDS if word.isascii())})"
        rf"(?:[\s-]+(?:an?\s+|of\s+an?\s+)?)(?P<unit>{units})"
        rf"|(?P<half>半)(?P<zh>{units})",
        re.IGNORECASE,
    )
    return term, register, worded, joined


def _set_phrases(text: str) -> tuple[list[Amount], list[tuple[int, int]]]:
    """Return what has a form of its own, and where it stands."""
    _, register, worded, _ = _grammar()
    result: list[Amount] = []

    def add(match: re.Match[str], shape: str, unit: str, value: float, several: tuple[float, ...] = ()) -> None:
        if all(match.end() <= one.start or one.end <= match.start() for one in result):
            result.append(Amount(match.start(), match.end(), shape, unit, ((value, unit),), several=several))

    lower = text.lower()
    for match in _THREAD.finditer(text) if _METRIC.search(text) else ():
        head = re.match(r"M(\d+(?:\.5)?)", match.group(), re.IGNORECASE)
        if head and 1 < float(head[1]) <= 64:
            add(match, "thread", "thread", float(head[1]))
    for match in _SPF.finditer(text) if "spf" in lower else ():
        add(match, "spf", "spf", float(match[1] or match[2]))
    for pattern in (_PACK_OF, _PACK_SLASH) if "of " in lower or "/" in text else ():
        for match in pattern.finditer(text):
            add(match, "amount", COUNT, float(match[1]))
    for pattern in (_SORTED, _STICKS) if _PLURAL_ENDS.search(lower) else ():
        for match in pattern.finditer(text):
            add(match, "amount", COUNT, float(match[1]))
    for match in _MEMORY_PLUS.finditer(text) if "+" in text else ():
        add(match, "memory", "gigabyte", float(match[1]))
    for match in register.finditer(text) if _REGISTER.search(lower) else ():
        if match["dozens"]:
            above, _, below = match["dozens"].partition("/")
            part = float(above) / float(below) if below and float(above) < float(below) and float(below) in _DENOMINATORS else float(above)
            add(match, "amount", COUNT, 12 * part)
            continue
        numbers = [float(one) for one in re.findall(r"\d+", match["all"])]
        fraction = "&" not in match["all"] and len(numbers) == 2 and numbers[0] < numbers[1] and numbers[1] in {2, 3, 4}
        if not fraction:
            add(match, "amount", COUNT, numbers[0], tuple(numbers[1:]))
    for match in worded.finditer(text) if _WORDED_ANY.search(lower) else ():
        unit = unit_of(match["unit"] or match["zh"])
        word = (match["count"] or match["half"]).lower()
        value = (3 if match["three"] else 1) * _WORDS[word]
        if unit in (_WORDED_PARTS if word in {"half", "quarter", "半"} else _WORDED) and unit != DOZEN:
            add(match, "amount", unit, float(value))
    for match in _DOZEN.finditer(text) if "dozen" in lower else ():
        if not _TEENS.search(text[max(0, match.start() - 10) : match.start()]):
            add(match, "amount", COUNT, 6.0 if (match[1] or "").lower().startswith("half") else 12.0)
    return result, [(one.start, one.end) for one in result]


def _running(text: str, taken: list[tuple[int, int]]) -> list[Amount]:
    """Return the quantities made of numbers and units: alone, in chains, compound."""
    result: list[Amount] = []
    position, n = 0, len(text)
    while position < n:
        term = _next_term(text, position)
        if term is None:
            break
        if any(term.start < end and start < term.end for start, end in taken):
            position = max(end for start, end in taken if term.start < end and start < term.end)
            continue
        chain = _chain(text, term)
        if len(chain) > 1:
            result.extend(_of_chain(chain))
        elif term.unit:
            result.append(_compound(text, term))
        position = max(chain[-1].end, result[-1].end if result else 0)
    return result


def _first(term: re.Pattern[str], text: str, position: int) -> re.Match[str] | None:
    """Search for a term; every one begins with a digit or a point, and these are found many times as fast as tried for everywhere."""
    for begin in _BEGIN.finditer(text, position):
        match = term.match(text, begin.start())
        if match is not None:
            return match
    return None


def _next_term(text: str, position: int, *, at: bool = False) -> _Term | None:
    term, _, _, joined = _grammar()
    match = joined.match(text, position) if at else _first(term, text, position)
    if match is None:
        return None
    if match["unit1"]:
        above, below = number(match["above"]), number(match["below"])
        unit = unit_of(match["unit1"])
        if above < below and below in _DENOMINATORS:
            return _Term(match.start(), match.end(), float(match["whole"] or 0) + above / below, unit, match["unit1"])
        start = match.start("above")
        return _Term(start, match.end(), below, unit, match["unit1"], (above, below))
    if match["above0"]:
        above, below = float(match["above0"]), float(match["below0"])
        if above < below and below in _DENOMINATORS:
            return _Term(match.start(), match.end(), float(match["whole0"] or 0) + above / below, "", "")
        return _Term(match.start("below0"), match.end(), below, "", "")
    if match["unit2"]:
        before = text[max(0, match.start() - 8) : match.start()].lower()
        if re.search(r"(?:of|no\.?|nr\.?|#|size|type|gen|model|\bv)\s*$", before):
            start = match.start("grouped") + match["grouped"].index(" ") + 1
            return _next_term(text, start, at=True)
        return _Term(match.start(), match.end(), float(match["grouped"].replace(" ", "")), unit_of(match["unit2"]), match["unit2"])
    unit, word, end = unit_of(match["unit3"] or ""), match["unit3"] or "", match.end()
    if unit and _quoting(text, match, word):
        unit, word, end = "", "", match.end("number")
    value = number(match["number"])
    if unit in {"milliliter", "gram", "milligram"} and re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", match["number"]):
        # "1.000 ml": a thousand, since nobody measures a millilitre to the thousandth.
        value *= 1000
    return _Term(match.start(), end, value, unit, word)


def _quoting(text: str, match: re.Match[str], word: str) -> bool:
    """Say whether a sign of inches or feet closes a quotation or an apostrophe ("Top 40" in quotes, "the 90's")."""
    if word in {"'", "’", "′"}:
        return text[match.end() : match.end() + 1].isalpha() or match["gap3"] != ""
    if word in {'"', "”"}:
        before = text[: match.start()]
        return match["gap3"] != "" or bool(re.search(r"(?:^|[\s(])[\"“](?=[^\s\"”]*[A-Za-z])[^\"”]*$", before)) or "“" in before.rpartition("”")[2]
    return False


def _chain(text: str, first: _Term) -> list[_Term]:
    """Return the terms that signs of multiplication join."""
    chain = [first]
    while len(chain) < 4:
        end = chain[-1].end
        axis = _AXIS.match(text, end)
        times = _TIMES.match(text, axis.end() if axis else end)
        if times is None:
            break
        lead = _LEAD.match(text, times.end())
        term = _next_term(text, lead.end() if lead else times.end(), at=True)
        if term is None:
            break
        chain.append(term)
    if len(chain) > 1 and (axis := _AXIS.match(text, chain[-1].end)) and chain[-1].unit in LENGTHS:
        last = chain[-1]
        chain[-1] = _Term(last.start, axis.end(), last.number, last.unit, last.word, last.ratio)
    return chain


def _of_chain(chain: list[_Term]) -> list[Amount]:
    start, end = chain[0].start, chain[-1].end
    units = [term.unit for term in chain]
    stated = [unit for unit in units if unit]
    if not stated:
        return []
    if all(unit in LENGTHS for unit in stated) and len(chain) in {2, 3} and units[-1]:
        sides = _sides(chain)
        return [Amount(start, end, "dimensions", sides[-1][1], sides)]
    if all(unit in LENGTHS for unit in stated) and len(chain) in {2, 3}:
        sides = tuple((term.number, term.unit or stated[0]) for term in chain)
        return [Amount(start, end, "dimensions", stated[0], sides)]
    measured = [term for term in chain if term.unit and term.unit not in {COUNT, DOZEN}]
    counted = [term for term in chain if not term.unit or term.unit == COUNT]
    if len(measured) == 1 and len(counted) == len(chain) - 1:
        packs = 1.0
        for term in counted:
            packs *= term.number
        one = measured[0]
        return [Amount(start, end, "packs", one.unit, ((one.number, one.unit),), packs, one.word)]
    if not measured and len(chain) == 2 and chain[-1].unit == COUNT:
        # "4 x 80 ct", "24 ct x 6 pk": the packs are counted, not what is in one.
        one = next((term for term in chain if term.word.lower() in PACKS and term.unit), None) or chain[0 if not chain[0].unit else -1]
        return [Amount(start, end, "amount", COUNT, ((one.number, COUNT),), word="pack")]
    return [Amount(term.start, term.end, "amount", term.unit, ((term.number, term.unit),), word=term.word) for term in chain if term.unit]


def _sides(chain: list[_Term]) -> tuple[tuple[float, str], ...]:
    """A side without a unit has that of the next one."""
    sides: list[tuple[float, str]] = []
    unit = chain[-1].unit
    for term in reversed(chain):
        unit = term.unit or unit
        sides.append((term.number, unit))
    return tuple(reversed(sides))


def _compound(text: str, first: _Term) -> Amount:
    if first.ratio is not None:
        return Amount(first.start, first.end, "packs", first.unit, ((first.ratio[1], first.unit),), first.ratio[0], first.word)
    joint = _JOINT.match(text, first.end)
    second = _next_term(text, joint.end(), at=True) if joint else None
    if second is not None and second.ratio is None:
        limit = _ACROSS.get((first.unit, second.unit))
        smaller = second.unit
        if limit is None and first.unit == "foot" and not second.unit and first.word in {"'", "’", "′"} and second.start == first.end:
            limit, smaller = 12, "inch"
        if limit is not None and second.number < limit and first.number == int(first.number):
            parts = ((first.number, first.unit), (second.number, smaller))
            return Amount(first.start, second.end, "amount", first.unit, parts, word=first.word)
    return Amount(first.start, first.end, "amount", first.unit, ((first.number, first.unit),), word=first.word)
