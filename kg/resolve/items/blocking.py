"""Proposes pairs of items worth comparing, without comparing all with all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import polars as pl

from kg.resolve.items.tokens import Text, chunks
from kg.resolve.values.keys import plain, without_legal_suffix

GTIN_COLUMNS = ("gtin", "ean", "upc", "isbn", "barcode")
"""Attribute columns that hold a global trade item number."""
CODE_COLUMNS = ("mpn", "model", "modelno", "model_number", "part_number")
"""Attribute columns that hold a maker's own number."""

KEY_COLUMNS: Mapping[str, pl.DataType] = {"key": pl.String(), "item_id": pl.String()}
"""One row per key of an item: items that share a key are compared."""

_GTIN_LENGTHS = frozenset((8, 12, 13, 14))
_MAX_BLOCK = 30
"""A key that more items share says too little about any two of them."""
_RARE_WORDS = 4
_MIN_STATED_CODE = 4
_MIN_PART_NUMBER = 6
_MEASURE = re.compile(r"\d+[a-z]*|\d+x\d+[a-z]*|(?:[a-z]\d+){2,}")


def normal_gtin(text: str) -> str | None:
    """Return a trade item number as 14 digits, or None where its length or check digit is wrong.

    >>> normal_gtin("4006381333931"), normal_gtin("04006381333931"), normal_gtin("4006381333932")
    ('04006381333931', '04006381333931', None)

    Source: GS1 General Specifications, section 7.9 (check digit calculation).
    """
    digits = text.replace("-", "").replace(" ", "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in _GTIN_LENGTHS or not digits.strip("0"):
        return None
    padded = digits.zfill(14)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(padded[:13]))
    return padded if (10 - total % 10) % 10 == int(padded[13]) else None


def is_part_number(chunk: str) -> bool:
    """Say whether a squashed chunk of a title is long and mixed enough to name one part, and is no measure.

    >>> [is_part_number(chunk) for chunk in ("bx80546kg2800ea", "4992kva", "1920x1080", "rs232", "26135")]
    [True, False, False, False, False]
    """
    digits = sum(map(str.isdigit, chunk))
    return len(chunk) >= _MIN_PART_NUMBER and 2 <= digits < len(chunk) and not _MEASURE.fullmatch(chunk)


@dataclass(frozen=True)
class ItemView:
    """What duplicate search sees of one item.

    Attributes:
        item_id: Its id.
        title: Its title, lower-cased.
        brand: Its brand without case, punctuation and legal suffix.
        price_cents: Its price, where known.
        gtins: Its valid trade item numbers.
        stated_codes: The maker's numbers from its attributes.
        codes: Part numbers in its title.
        attributes: Attribute column → plain values.
    """

    item_id: str
    title: Text
    brand: str
    price_cents: int | None
    gtins: frozenset[str]
    stated_codes: frozenset[str]
    codes: frozenset[str]
    attributes: dict[str, frozenset[str]]

    @cached_property
    def title_key(self) -> str:
        """The plain words of the title in alphabetical order."""
        return " ".join(sorted(plain(self.title.raw).split()))


def _cells(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(cell) for cell in value if cell] if isinstance(value, list) else []


def item_views(items: pl.DataFrame) -> list[ItemView]:
    """Read an items table (`kg.tables.ITEM_COLUMNS` and attribute columns), sorted by item_id."""
    fixed = {"item_id", "title", "description", "brand", "categories", "price_cents", "available", *GTIN_COLUMNS, *CODE_COLUMNS}
    attributes = [name for name in items.columns if name not in fixed]
    views = []
    for row in items.sort("item_id").iter_rows(named=True):
        title = Text((row["title"] or "").lower())
        stated = {Text(cell.lower()).squashed for name in CODE_COLUMNS for cell in _cells(row.get(name))}
        gtins = {normal_gtin(cell) for name in GTIN_COLUMNS for cell in _cells(row.get(name))}
        views.append(
            ItemView(
                row["item_id"],
                title,
                without_legal_suffix(plain(row.get("brand") or "")),
                row.get("price_cents"),
                frozenset(gtin for gtin in gtins if gtin),
                frozenset(code for code in stated if len(code) >= _MIN_STATED_CODE),
                frozenset(chunk for chunk in title.chunk_set if is_part_number(chunk)),
                {name: frozenset(plain(cell) for cell in cells) for name in attributes if (cells := _cells(row[name]))},
            )
        )
    return views


def code_keys(items: pl.DataFrame) -> pl.DataFrame:
    """Return the trade item numbers and part numbers of items, as keys that propose pairs.

    Args:
        items: Items (`kg.tables.ITEM_COLUMNS` and attribute columns).

    Returns:
        `KEY_COLUMNS`, each row once.
    """
    keys: list[tuple[str, str]] = []
    # Most titles hold no part number; the pattern is what `is_part_number` asks for at least.
    titled = items.select("item_id", title=pl.col("title").str.to_lowercase()).filter(pl.col("title").str.contains(r"\d[^ ]*\d"))
    for item_id, title in titled.iter_rows():
        keys += [(f"code {chunk}", item_id) for chunk in chunks(title) if is_part_number(chunk)]
    for name in (*GTIN_COLUMNS, *CODE_COLUMNS):
        if name not in items.columns:
            continue
        for item_id, cell in items.select("item_id", pl.col(name)).explode(name).drop_nulls().iter_rows():
            if name in GTIN_COLUMNS:
                keys += [(f"gtin {gtin}", item_id) for gtin in [normal_gtin(str(cell))] if gtin]
            else:
                keys += [(f"code {code}", item_id) for code in [Text(str(cell).lower()).squashed] if len(code) >= _MIN_STATED_CODE]
    return pl.DataFrame(keys, schema=dict(KEY_COLUMNS), orient="row").unique().sort("key", "item_id")


def small_blocks(keys: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `keys` whose key is shared, but by few enough items to say something about any two of them."""
    return keys.filter(pl.len().over("key").is_between(2, _MAX_BLOCK))


def pairs_of(keys: pl.DataFrame, views: Sequence[ItemView]) -> list[tuple[int, int]]:
    """Return the pairs that small blocks propose.

    Args:
        keys: Rows of small blocks (`KEY_COLUMNS`), all of whose items are among the views.
        views: Items in the order of their numbers.

    Returns:
        (number, number), the first smaller, sorted.
    """
    numbers = pl.DataFrame({"item_id": [view.item_id for view in views]}, schema={"item_id": pl.String}).with_row_index("item")
    small = keys.join(numbers, on="item_id").select("key", pl.col("item").cast(pl.Int64))
    return _joined(small)


def _joined(small: pl.DataFrame) -> list[tuple[int, int]]:
    joined = small.join(small, on="key", suffix="_other").filter(pl.col("item") < pl.col("item_other"))
    return joined.select("item", "item_other").unique().sort("item", "item_other").rows()


def candidate_pairs(views: Sequence[ItemView], *, by_title: bool) -> list[tuple[int, int]]:
    """Propose pairs that share a trade item number or a code and, where asked for, a title or two of their rarest title words.

    Args:
        views: Items in the order of their numbers.
        by_title: Propose pairs by their titles too.

    Returns:
        (number, number), the first smaller, sorted; no key that more than 30 items share proposes any pair.
    """
    keys: list[tuple[str, int]] = []
    frequency = Counter(word for view in views for word in view.title.word_set) if by_title else Counter()
    for number, view in enumerate(views):
        keys += [(f"gtin {gtin}", number) for gtin in view.gtins]
        keys += [(f"code {code}", number) for code in view.codes | view.stated_codes]
        if by_title:
            keys.append((f"title {view.title_key}", number))
            shared = sorted((word for word in view.title.word_set if frequency[word] > 1), key=lambda word: (frequency[word], word))
            keys += [(f"words {a} {b}", number) for a, b in combinations(sorted(shared[:_RARE_WORDS]), 2)]
    frame = pl.DataFrame(keys, schema={"key": pl.String, "item": pl.Int64}, orient="row").unique()
    return _joined(small_blocks(frame))
