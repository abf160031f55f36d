"""Google Merchant Center product feeds: XML (RSS 2.0 or Atom, with the g: namespace) and text, one record per product.

The XML is parsed as a stream by defusedxml; a document type declaration, an entity or a reference to something outside is refused.

Source: Google Merchant Center Help, "Product data specification" and "XML feeds".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from etl.sources.formats import delimited, jsonl
from etl.sources.importers import IMPORTERS, Importer, Meaning, Table
from etl.sources.raw import RawFile, RawTable, no_rejects
from etl.sources.text import blocks, streams
from kg.errors import InputError

DETAILS = "product_detail"
"""As a JSON object: attribute_name → attribute_value."""

_GOOGLE = "{http://base.google.com/ns/1.0}"
_ATOM = {"summary": "description"}
_FEED_BYTES = 1 << 16
_ROWS = 20_000


def read(file: RawFile) -> Iterator[RawTable]:
    """Read a feed, XML or text as its first character says.

    Raises:
        InputError: It is damaged, is neither, declares entities, or holds a record beyond all bounds.
    """
    with streams.opened(file) as stream:
        start = stream.read(4096)
    blocks.check_start(file.name, start)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        yield from _read_xml(file)
    else:
        yield from _read_text(file)


def column_name(written: str) -> str:
    """Return the attribute that a column of a text feed holds ("g:Google product category" → "google_product_category")."""
    return written.strip().lower().removeprefix("g:").replace(" ", "_")


def _read_text(file: RawFile) -> Iterator[RawTable]:
    yield from delimited.read(replace(file, named=column_name))


def _read_xml(file: RawFile) -> Iterator[RawTable]:
    products = _Products()
    parser: Any = DefusedXMLParser(target=products, forbid_dtd=True)
    products.line = lambda: int(parser.parser.CurrentLineNumber)
    bound = file.max_line_bytes or blocks.MAX_LINE_BYTES
    seen: set[str] = set()
    waiting = n_products = 0
    with streams.opened(file) as stream:
        while piece := stream.read(_FEED_BYTES):
            _fed(file.name, parser, piece)
            waiting = waiting + len(piece) if products.n_products == n_products else 0
            n_products = products.n_products
            if waiting > bound:
                raise InputError(f"{file.name} has a record of more than {bound:,} bytes after {n_products:,} products", hint="correct the export")
            if len(products.rows) >= _ROWS:
                yield _table(file, products.taken(), stream.read_fraction, seen)
        _fed(file.name, parser, b"", last=True)
        yield _table(file, products.taken(), 1.0, seen)
    if not n_products:
        raise InputError(f"{file.name} holds no product", hint="a product is an <item> of RSS 2.0 or an <entry> of Atom")
    file.present([*seen])


def _fed(name: str, parser: Any, piece: bytes, *, last: bool = False) -> None:
    try:
        if last:
            parser.close()
        else:
            parser.feed(piece)
    except DefusedXmlException as error:
        what = type(error).__name__
        raise InputError(f"{name} declares a document type or entities ({what}), which a feed never needs", hint="remove its <!DOCTYPE …>") from None
    except ParseError as error:
        raise InputError(f"{name} is not well-formed XML: {error}", hint="it may be cut off; export it again") from None


def _table(file: RawFile, rows: list[tuple[int, dict[str, object]]], read_fraction: float, seen: set[str]) -> RawTable:
    for _, row in rows:
        seen.update(row)
    return RawTable(file.name, jsonl.frame(file.wanted, rows), no_rejects(), read_fraction, "XML")


class _Products:
    """The target of the XML parser: keeps the product in progress and those that are whole."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, dict[str, object]]] = []
        self.n_products = 0
        self.line: Callable[[], int] = int
        self._product: dict[str, list[str]] | None = None
        self._details: dict[str, list[str]] = {}
        self._began = 0
        self._depth = 0
        self._text: list[str] = []
        self._detail: dict[str, str] = {}

    def taken(self) -> list[tuple[int, dict[str, object]]]:
        """Return the products that are whole, once."""
        taken, self.rows = self.rows, []
        return taken

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        if self._product is None:
            if _local(tag) in ("item", "entry"):
                self._product, self._details, self._began, self._depth = {}, {}, self.line(), 0
            return
        self._depth += 1
        self._text = []

    def data(self, text: str) -> None:
        if self._product is not None and self._depth:
            self._text.append(text)

    def end(self, tag: str) -> None:
        if self._product is None:
            return
        if self._depth == 0:
            self._finish(self._product)
            self._product = None
            return
        text, name = "".join(self._text).strip(), _local(tag)
        self._text = []
        if self._depth == 1:
            if name == DETAILS:
                self._add_detail()
            elif text:
                self._product.setdefault(tag if tag.startswith(_GOOGLE) else name, []).append(text)
        elif name in ("attribute_name", "attribute_value"):
            self._detail[name] = text
        self._depth -= 1

    def close(self) -> None:
        return None

    def _add_detail(self) -> None:
        name, value = self._detail.get("attribute_name"), self._detail.get("attribute_value")
        if name and value:
            self._details.setdefault(name, []).append(value)
        self._detail = {}

    def _finish(self, product: dict[str, list[str]]) -> None:
        row: dict[str, object] = {}
        # What the g: namespace says goes before what RSS and Atom say by the same name.
        for tag, texts in sorted(product.items(), key=lambda entry: entry[0].startswith(_GOOGLE)):
            name = _local(tag)
            row[name if tag.startswith(_GOOGLE) else _ATOM.get(name, name)] = texts[0] if len(texts) == 1 else texts
        if self._details:
            row[DETAILS] = orjson.dumps(self._details).decode()
        self.rows.append((self._began, row))
        self.n_products += 1


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


_ITEMS = Meaning(
    {
        **{name: name for name in ("title", "description", "brand", "gtin", "mpn", "color", "size", "material", "pattern", "gender", "age_group")},
        **{"item_id": "id", "price": "price", "available": "availability", "condition": "condition", "item_group": "item_group_id"},
        **{"sale_price": "sale_price", "sale_dates": "sale_price_effective_date"},
        "categories": ["product_type", "google_product_category"],
    },
    split={"categories": ">", "color": "/", "material": "/"},
    attributes_json=DETAILS,
)
"""`id` is required; each of the others may be missing."""


class ProductFeed(Importer):
    """A feed of Google Merchant Center."""

    name = "gmc"
    summary = "Google Merchant Center product feed: XML (RSS 2.0, Atom) or text with tabs"
    suffixes = ("xml",)
    delimiter = "\t"
    tables = ("items",)
    numbered_categories = True

    def read(self, file: RawFile) -> Iterator[RawTable]:
        """Read a feed."""
        return read(file)

    def meaning(self, table: Table, file: RawFile) -> Meaning | None:
        """Return what the attributes of a product mean."""
        return _ITEMS if table == "items" else None


IMPORTERS.register(ProductFeed())
