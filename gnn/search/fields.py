"""What of an item is searched: its texts by field, and the codes that name it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from gnn.text.analysis import folded, joined
from kg.tables import AS_WRITTEN, ITEM_COLUMNS

FIELDS = ("title", "description", "brand", "category", "attribute")
"""In the order of the index's columns of counts."""
WEIGHTS = (2.0, 1.0, 1.0, 1.0, 0.3)
"""How much a word counts in each field (BM25F); measured in docs/search.md."""
CODE_COLUMNS = frozenset({"ean", "gtin", "upc", "isbn", "mpn", "sku", "asin", "barcode", "part_number", "oem_code", "model", "model_number"})
"""Attributes whose values name one item."""

_LETTER = re.compile(r"[^\W\d_]")
_SHORT = 80
_MEASURES = re.compile(r"dimension|temperature|humidity|certificat|package|pallet|_of_origin|date")


@dataclass(frozen=True, slots=True)
class ItemText:
    """One item as it is searched.

    Attributes:
        texts: A text per field of `FIELDS`.
        codes: What names it, folded and without dashes: its id, numbers of its maker, EAN.
    """

    texts: tuple[str, str, str, str, str]
    codes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The title."""
        return self.texts[0]


def item_text(item_id: str, title: str, description: str, brand: str, categories: Sequence[str], attributes: Mapping[str, Sequence[str]]) -> ItemText:
    """Put an item together as it is searched; attributes that are numbers or measures of parcels are left out."""
    words = [value for name, values in attributes.items() if name != AS_WRITTEN and not _MEASURES.search(name) for value in values if _is_word(value)]
    codes = [item_id, *(value for name, values in attributes.items() if _plain(name) in CODE_COLUMNS for value in values)]
    texts = (title, description, brand, " > ".join(categories), " · ".join(dict.fromkeys(words)))
    return ItemText(texts, tuple(dict.fromkeys(code_of(code) for code in codes if len(code) <= _SHORT)))


def catalogue_texts(items: pl.DataFrame, item_ids: Sequence[str]) -> list[ItemText]:
    """Return the texts of a catalogue's items, in the order of `item_ids`; an id that the catalogue lacks has none.

    Args:
        items: `kg.tables.ITEM_COLUMNS` and attribute columns.
        item_ids: The items of the artifact.
    """
    own = [name for name in items.columns if name not in ITEM_COLUMNS]
    rows: dict[str, dict[str, Any]] = {row["item_id"]: row for row in items.iter_rows(named=True)}
    empty: dict[str, Any] = {}
    return [_of_row(item_id, rows.get(item_id, empty), own) for item_id in item_ids]


def code_of(text: str) -> str:
    """Return a code as codes are compared.

    >>> code_of("DV7-1211ea"), code_of("0 095205 603217")
    ('dv71211ea', '0095205603217')
    """
    return joined(folded(text))


def _of_row(item_id: str, row: Mapping[str, Any], own: Sequence[str]) -> ItemText:
    attributes = {name: row[name] for name in own if row.get(name)}
    return item_text(item_id, row.get("title") or "", row.get("description") or "", row.get("brand") or "", row.get("categories") or (), attributes)


def _is_word(value: str) -> bool:
    return len(value) <= _SHORT and bool(_LETTER.search(value))


def _plain(name: str) -> str:
    return name.removeprefix("attr_t_").removeprefix("attr_")
