"""What a quantity is in its context: the item's own, or a limit, a part, a serving, a rate, what the item fits, what it equals.

The words that say so are data (`patterns/amount_roles.jsonl`): `role`, whether the words stand before or after the quantity, and which measures they
speak of. Only an item's own quantities are kept; a memory and a dose become facts of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

from kg.extract.lexicon import read_lines
from kg.extract.quantities.amounts import COUNT, DOZEN, LENGTHS, PACKS, Amount, amounts
from kg.extract.quantities.beside import WIRED, beside_the_point

OWN, NET, MEMORY, STORAGE, CONTENT = "own", "net", "memory", "storage", "content"
_MEASURES = {
    **dict.fromkeys(("gram", "kilogram", "milligram", "pound", "half_kilogram", "ounce"), "weight"),
    **dict.fromkeys(("milliliter", "centiliter", "deciliter", "liter", "gallon", "quart", "pint", "fluid_ounce"), "volume"),
    **dict.fromkeys(LENGTHS, "length"),
    **dict.fromkeys(("watt", "kilowatt"), "power"),
    **{
        "volt": "voltage",
        "milliampere_hour": "charge",
        "ampere_hour": "charge",
        COUNT: "count",
        DOZEN: "count",
        "microgram": "dose",
        "international_unit": "dose",
    },
    **dict.fromkeys(("kilohertz", "megahertz", "gigahertz"), "frequency"),
    **dict.fromkeys(("gigabyte", "terabyte", "megabyte"), "storage"),
}
_FILLER = (
    r"(?:\s|[:=(~≈：（]|(?<![A-Za-z])(?:an?|the|about|approx\.?|approximately|around|of|is|are|most|all|any|your|standard|nominal|to)(?![A-Za-z])"
    r"|约为|约|在|的|为)*$"
)
_FILLERS = frozenset(
    {"a", "an", "the", "about", "approx", "approximately", "around", "of", "is", "are", "most", "all", "any", "your", "standard", "nominal", "to"}
)
_LAST_WORD = re.compile(r"([^\W\d_]+|[^\s\w:=(~≈：（.])[\s:=(~≈：（./+#]*$")
_REACH = 48
_RANGE = re.compile(r"\d\s?[-–—~～]\s?$|\d\s?(?:to|bis|至|到)\s?$|±\s?$|\+/?-\s?$|\bbetween\s$", re.IGNORECASE)
_FROM = re.compile(r"\s?(?:[-–—~～]|to|至|到|and)\s?$", re.IGNORECASE)
_RATE = re.compile(
    r"\s?/\s?(?:hr?|hours?|min|minutes?|s|secs?|days?|weeks?|months?|m[2²3³]|m\^2|sqm|sq\s?ft|kg|lb|ml|l|servings?|dose|scoop|m|km|dl|天|日|小时|平方)(?![\w])"
    r"|\s?(?:per|a)\s(?:serving|day|hour|minute|second|dose|scoop|month|week|meter|square)",
    re.IGNORECASE,
)
_PRICED = re.compile(r"(?:[$€£¥]\s?\d+(?:[.,]\d+)?|\d+(?:[.,]\d+)?\s?(?:usd|eur|元|円))\s?/\s?$", re.IGNORECASE)
_STRENGTH = re.compile(r"\s?/\s?\d*(?:\.\d+)?\s?(?:ml|l|kg|dose|spray|g|m³|drops?)(?![A-Za-z])", re.IGNORECASE)
_PARTICLES = frozenset({"milligram", "microgram", "international_unit"})
_DOSED = re.compile(
    r"\b(?:tablets?|tabs?|capsules?|caps|caplets?|softgels?|gelcaps?|gumm(?:y|ies)|lozenges?|pills?|chewables?|vegcaps|supplements?|vitamin|zinc|iron|magnesium|"
    r"calcium|melatonin|biotin|ibuprofen|acetaminophen|paracetamol|aspirin|naproxen|cetirizine|loratadine|caffeine|cbd|hemp|omega|turmeric|probiotics?|"
    r"patch(?:es)?|strength|syrup|suspension|injection|medicated|nicotine)\b|片剂|胶囊|维生素|软糖|药|颗粒",
    re.IGNORECASE,
)
_NETWORK = re.compile(
    r"\b(?:phones?|smartphones?|lte|network|routers?|modems?|wi-?fi|hotspot|sim|dual\s?band|signal|antenna|volte|gsm|cellular|wireless|bluetooth|band|broadband|"
    r"mobile|mifi|mesh|iphone|galaxy|ghz|receiver|mouse|keyboard|unlocked|gps|cctv|dongle)\b|手机|路由|全网通|双卡|无线|网卡|随身|流量|联通|移动|电信|智能",
    re.IGNORECASE,
)
_CHIPS = re.compile(r"\b(?:motherboard|radeon|geforce|rtx|gtx|amd|intel|ryzen|socket|gddr\d|lens|camera|ddr\d)\b", re.IGNORECASE)
_GENERATIONS = frozenset({2.0, 3.0, 4.0, 5.0, 6.0, 2.4, 5.8})
_GIGS = frozenset({8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0})
_MEMORY_AT_MOST, _STORAGE_TIMES = 128.0, 4.0
_POWDER = re.compile(r"^[\s-]*(?:powder|isolate|concentrate|blend|mix)\b", re.IGNORECASE)
_CONTENT_BELOW = 100.0
_TROUSERS = re.compile(r"(?<![\w.])\d{2}\s?[Ww]\s?[xX/×]?\s?\d{2}\s?L(?![\w])")
_METRIC = {"centimeter": 1.0, "millimeter": 0.1, "meter": 100.0}
_SAME_DIAGONAL = 0.03
_INCH_SIGNS = frozenset({'"', "”", "″", "''"})
_LETTERED = frozenset({"watt", "liter"})
_PRIVACY = re.compile(r"\bprivacy\s+(?:screen|filter)", re.IGNORECASE)
_FOR_DEVICES = re.compile(
    r"\b(?:stands?|mounts?|brackets?|cases?|sleeves?|filters?|privacy|bags?|backpacks?|briefcase|covers?|protectors?|risers?|arm|remote|cabinet|console|skin|holder|"
    r"shell|film|tempered\s+glass|keyboard|adapter|charger|dock|replacement|folio|cart|wall\s?mount|cables?|cords?|lanyard|strap|tripod|selfie\s?stick|desk)\b|支架|挂架|包|保护|贴膜|钢化膜|内胆|电视柜|壳",
    re.IGNORECASE,
)
_DEVICES = re.compile(
    r"\b(?:tvs?|televisions?|laptops?|monitors?|macbook|notebooks?|tablets?|ipad|chromebook|iphone|kindle|displays?|screens?|lcd|oled|smartphones?|phones?|all-in-one|touchscreen)\b|电视|笔记本|电脑|平板|手机|显示器",
    re.IGNORECASE,
)
_INCH_LIKE = frozenset({"in", "In", "IN"})
_MODULE = re.compile(r"\b(?:ddr[2-5]l?|so-?dimm|dimm|ram)\b|内存条", re.IGNORECASE)
_MODULE_ITSELF = re.compile(r"\b(?:(?:ram|memory)\s+modules?|ram\s+(?:sticks?|upgrades?))\b|内存条", re.IGNORECASE)
_DISK = re.compile(
    r"\b(?:ssd|hdd|emmc|nvme|rom|storage|drives?|disk|laptops?|notebooks?|desktops?|pc|tablets?|phones?|smartphones?|ipad|iphone|card|flash)\b|硬盘|手机|电脑|平板",
    re.IGNORECASE,
)
_PACKED = re.compile(r"(?:packs?|pk|case|cs|x|×)\b", re.IGNORECASE)


def own_amounts(text: str) -> list[Amount]:
    """Return the quantities of a text that are the item's own, each in its shape.

    >>> [one.parts[0][0] for one in own_amounts("Up to 5 kg kitchen scale")]
    []
    >>> [one.parts[0][0] for one in own_amounts("15g protein bar 60g")]
    [60.0]
    """
    result = amounts(text)
    if not result:
        return []
    roles = _roles(text, result)
    _ranges(text, result, roles)
    _strengths(text, result, roles)
    _contents(text, result, roles)
    _memories(text, result, roles)
    _nets(result, roles)
    _diagonals(text, result, roles)
    _packs(text, result, roles)
    trousers = [match.span() for match in _TROUSERS.finditer(text)] if any(one.unit in _LETTERED for one in result) else []
    shaped = [_shaped(text, one, role) for one, role in zip(result, roles, strict=True)]
    return [one for one in shaped if one is not None and not any(start <= one.start and one.end <= end for start, end in trousers)]


def measure(amount: Amount) -> str:
    """Return what an amount measures: weight, volume, length, area, count, …"""
    if amount.shape in {"thread", "spf"}:
        return amount.shape
    return "area" if amount.unit.endswith("** 2") else _MEASURES.get(amount.unit, amount.unit)


@cache
def _cues() -> dict[tuple[str, str], tuple[re.Pattern[str], dict[str, str]]]:
    """Return, for (before or after, measure), the pattern of the words and the role that each gives."""
    words: dict[tuple[str, str], dict[str, str]] = {}
    for row in read_lines("amount_roles.jsonl"):
        for of in row["of"]:
            words.setdefault((row["stands"], of), {}).update(dict.fromkeys(row["words"], row["role"]))
    return {key: (_pattern(key[0], tuple(roles)), {_folded(word): role for word, role in roles.items()}) for key, roles in words.items()}


def _pattern(stands: str, words: Sequence[str]) -> re.Pattern[str]:
    longest = sorted(words, key=lambda word: (-len(word), word))
    if stands == "before":
        choice = "|".join((r"(?<![^\W_])" if word[0].isascii() and word[0].isalnum() else "") + _loose(word) for word in longest)
        return re.compile(f"({choice}){_FILLER}", re.IGNORECASE)
    choice = "|".join(
        _loose(word) + (r"(?![^\W\d_])" if word[-1].isalpha() else r"(?![\w.])" if word[-1].isdigit() else "") for word in longest if word.isascii()
    )
    choice = "|".join([choice, *(_loose(word) for word in longest if not word.isascii())])
    return re.compile(rf"[\s,(（-]{{0,3}}(?:of\s+)?({choice})", re.IGNORECASE)


def _may_end(before: str, of: str) -> bool:
    """Say whether a text may end with one of the words, by its last one; most texts do not, and this is quick."""
    last = _LAST_WORD.search(before)
    if last is None or last[1] in {"%", "/"}:
        return last is not None
    word = last[1].lower()
    return not word.isascii() or word in _last_words(of) or word in _FILLERS


@cache
def _last_words(of: str) -> frozenset[str]:
    _, roles = _cues()["before", of]
    return frozenset(word.split()[-1].rstrip(":.").rpartition("/")[0] or word.split()[-1].rstrip(":.") for word in roles)


def _loose(word: str) -> str:
    return re.escape(word).replace(r"\ ", r"[\s-]+")


def _folded(word: str) -> str:
    return re.sub(r"[\s-]+", " ", word.lower())


def _roles(text: str, listed: Sequence[Amount]) -> list[str]:
    """Return each amount's role. Words behind one amount say nothing of the next: in "8GB RAM 256GB" only the first is a memory."""
    roles: list[str] = []
    floor = 0
    for one in listed:
        followed = any(other.start - one.end in {0, 1} for other in listed)
        roles.append(_role(text, one, floor, followed=followed))
        pattern, _ = _cues().get(("after", measure(one)), (None, {}))
        match = pattern.match(text, one.end) if pattern else None
        floor = match.end() if match else one.end
    return roles


def _said(text: str, amount: Amount, of: str, floor: int) -> str:
    """Return the role that the words around an amount give it; "" where they say nothing."""
    for stands in ("after", "before"):
        pattern, roles = _cues().get((stands, of), (None, {}))
        if pattern is None:
            continue
        if stands == "after":
            match = pattern.match(text, amount.end)
        else:
            before = text[max(floor, amount.start - _REACH) : amount.start]
            match = pattern.search(before) if _may_end(before, of) else None
        if match:
            return roles[_folded(match[1])]
    return ""


def _role(text: str, amount: Amount, floor: int, *, followed: bool) -> str:
    of = measure(amount)
    before, after = text[max(0, amount.start - _REACH) : amount.start], text[amount.end : amount.end + 16]
    inches = amount.word in _INCH_LIKE and not after.startswith(".") and amount.shape == "amount" and not followed
    if inches and (said := _said(text, amount, "in", floor)):
        return said
    if beside_the_point(text, amount, before) or (amount.unit == "inch" and _PRIVACY.search(text)):
        return "other"
    if amount.shape in {"amount", "packs"} and (_RATE.match(after) or (of != "count" and _PRICED.search(before))):
        return "rate"
    if amount.shape == "dimensions":
        return "purpose" if _said(text, amount, "length", floor) == "purpose" else OWN
    for name in (of, f"{of}-{'lb' if amount.unit == 'pound' else 'oz'}") if amount.unit in {"pound", "ounce"} else (of,):
        if said := _said(text, amount, name, floor):
            return said
    if amount.unit == "inch" and _FOR_DEVICES.search(text) and _DEVICES.search(text):
        return "purpose"
    return OWN


def _ranges(text: str, listed: Sequence[Amount], roles: list[str]) -> None:
    """Between two amounts lies none that the item has."""
    for n, one in enumerate(listed):
        if one.shape in {"thread", "spf"}:
            continue
        before = text[max(0, one.start - 12) : one.start]
        earlier = listed[n - 1] if n else None
        if earlier is not None and earlier.end >= one.start - 6 and _FROM.fullmatch(text[earlier.end : one.start].strip(" ") or "?"):
            dashed = text[earlier.end : one.start]
            same = measure(earlier) == measure(one) and one.shape == earlier.shape == "amount"
            if same and ("and" not in dashed or "between" in text[: earlier.start].lower()[-12:]):
                roles[n - 1] = roles[n] = "range"
        elif _RANGE.search(before) and one.shape != "dimensions" and not (earlier is not None and earlier.end > one.start - 4):
            roles[n] = "range"


def _strengths(text: str, listed: Sequence[Amount], roles: list[str]) -> None:
    """ "20 mg/5 ml" says how strong a thing is, not how much of it there is."""
    for n, one in enumerate(listed):
        match = _STRENGTH.match(text, one.end) if one.unit in _PARTICLES else None
        if match:
            roles[n] = "rate"
            if n + 1 < len(listed) and listed[n + 1].start < match.end():
                roles[n + 1] = "rate"


def _contents(text: str, listed: Sequence[Amount], roles: list[str]) -> None:
    """What an item contains of something is its own amount only where the something is the item: "500 g sugar", "1 kg protein powder"."""
    for n, one in enumerate(listed):
        if roles[n] != CONTENT:
            continue
        pattern, _ = _cues()["after", "weight"]
        match = pattern.match(text, one.end)
        powder = bool(match and _POWDER.match(text[match.end() :]))
        others = any(role == OWN and measure(other) in {"weight", "volume"} for other, role in zip(listed, roles, strict=True))
        small = one.unit in {"gram", "milligram"} and one.parts[0][0] < _CONTENT_BELOW
        bare_sugar = bool(match) and match is not None and match[1].lower() == "sugar" and one.parts[0][0] > 25
        if powder or (not small and not (others and one.unit in {"gram", "milligram"})) or (bare_sugar and not others):
            roles[n] = OWN


def _memories(text: str, listed: Sequence[Amount], roles: list[str]) -> None:
    """Of a computer's two sizes without a name the small one is its memory; a memory module has no other size."""
    if all(measure(one) != "storage" for one in listed):
        return
    if _MODULE_ITSELF.search(text) or (_MODULE.search(text) and not _DISK.search(text)):
        for n, one in enumerate(listed):
            if measure(one) == "storage" and roles[n] in {OWN, STORAGE}:
                kit = any(other is not one and measure(other) == "storage" and other.packs is None for other in listed)
                roles[n] = "beside" if one.packs is not None and kit else MEMORY
        return
    sizes = [(n, _gigabytes(one)) for n, one in enumerate(listed) if measure(one) == "storage" and roles[n] in {OWN, STORAGE}]
    if not sizes:
        return
    largest = max(size for _, size in sizes)
    for n, size in sizes:
        if roles[n] == OWN and size <= _MEMORY_AT_MOST and largest >= _STORAGE_TIMES * size and not _units_in_row(listed, roles):
            roles[n] = MEMORY


def _units_in_row(listed: Sequence[Amount], roles: Sequence[str]) -> bool:
    """Three sizes and more are a choice of sizes."""
    return sum(measure(one) == "storage" and role in {OWN, STORAGE} for one, role in zip(listed, roles, strict=True)) > 2


def _gigabytes(amount: Amount) -> float:
    return amount.parts[0][0] * {"terabyte": 1000.0, "gigabyte": 1.0, "megabyte": 0.001}[amount.unit]


def _nets(listed: Sequence[Amount], roles: list[str]) -> None:
    """What is called net is the item's own; other amounts of its measure are not."""
    nets = {measure(one) for one, role in zip(listed, roles, strict=True) if role == NET}
    for n, one in enumerate(listed):
        if roles[n] == NET:
            roles[n] = OWN
        elif roles[n] == OWN and measure(one) in nets and one.packs is None:
            roles[n] = "beside"


def _diagonals(text: str, listed: Sequence[Amount], roles: list[str]) -> None:
    """A screen's diagonal in two units is one: in 'notebook 33.8 cm (13.3")' the inches say it, and no length is stated."""
    screen: bool | None = None
    for n, (one, following) in enumerate(pairwise(listed)):
        if one.unit not in _METRIC or following.unit != "inch" or one.shape != "amount" or following.shape != "amount":
            continue
        same = abs(one.parts[0][0] * _METRIC[one.unit] / 2.54 - following.parts[0][0]) <= _SAME_DIAGONAL * following.parts[0][0]
        if not same or text[one.end : following.start].strip() not in {"(", "/", "[", ""}:
            continue
        screen = _DEVICES.search(text) is not None if screen is None else screen
        if screen or following.word in _INCH_SIGNS:
            roles[n] = "beside"
        if not screen and following.word in _INCH_SIGNS:
            # 'moto g8 16.3 cm (6.4")': a diagonal, but of what is not said.
            roles[n + 1] = "beside"


def _packs(text: str, listed: Sequence[Amount], roles: list[str]) -> None:
    """Of "20 ct, 6 pk" the packs are counted: what is in one of them is not how many there are."""
    counts = [n for n, one in enumerate(listed) if one.unit == COUNT and one.shape == "amount" and roles[n] == OWN]
    packs = [n for n in counts if listed[n].word.lower() in PACKS or _PACKED.match(text, listed[n].start)]
    if packs:
        for n in counts:
            if n not in packs:
                roles[n] = "beside"


def _shaped(text: str, amount: Amount, role: str) -> Amount | None:
    """Return an own amount in the shape that says what it states; None for what is not the item's own."""
    if role == MEMORY:
        return replace(amount, shape="memory")
    if role not in {OWN, STORAGE}:
        return None
    if amount.unit in _PARTICLES:
        if amount.unit != "milligram" or _DOSED.search(text):
            return replace(amount, shape="dose") if amount.shape == "amount" else None
        return amount
    if amount.unit == "gram" and amount.word in {"G", "g"} and amount.shape == "amount":
        return _letter_g(text, amount)
    return amount


def _letter_g(text: str, amount: Amount) -> Amount | None:
    """A "G" after a number is a network's generation, a gigabyte or a gram."""
    value = amount.parts[0][0]
    glued = amount.word == "G" and text[amount.start : amount.end][-2:-1].isdigit()
    if value in _GENERATIONS and _NETWORK.search(text):
        return None
    if glued and (_CHIPS.search(text) or WIRED.search(text)):
        # "Motherboard AMD 760G", "10G patch cable".
        return None
    if glued and _DISK.search(text):
        # "PC 2G/250G DVD".
        return replace(amount, shape="gig") if value in _GIGS else None
    if glued and value in _GENERATIONS:
        return replace(amount, shape="network")
    if glued and value in _GIGS:
        return None if re.search(r"\b(?:lte|[2-6]g)\b", text, re.IGNORECASE) else replace(amount, shape="gig")
    return amount
