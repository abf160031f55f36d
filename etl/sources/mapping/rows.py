"""From a chunk of a source to rows of ours, table by table: what is required, what cannot be, what is flagged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from etl.clean.config import CleanConfig
from etl.clean.lines import LineRule, service_lines
from etl.sources.mapping.columns import Columns
from etl.sources.mapping.entities import Entities
from etl.sources.mapping.links import no_links, relation_name, typed
from etl.sources.values.texts import without_entities
from kg import schema
from kg.tables import ITEM_COLUMNS
from kg.validation.ids import checked_series
from kg.validation.placeholders import blanked
from kg.validation.ratings import RatingScale

_ITEM_FIELDS = {*ITEM_COLUMNS, "price", "sale_price", "sale_dates"}
_NAME = r"^[a-z][a-z0-9_]{0,62}$"
_DAY_S = 86_400
_SEVERAL = re.compile(r"[\s,;|]+")
_MOST_HINTED = 1_000
"""Of so many unknown ids it is tried whether they are lists of known ones."""


@dataclass
class Mapping:
    """How the chunks of one source are mapped.

    Args:
        clean: The rules.
        lines: Lines that are no items.
        now: Unix seconds; later events cannot have happened.
        known: Returns the ids that earlier sources gave: table → ids.
        service: Returns the ids of items that are no items.
        entities: What the source has given so far, where it gives items or users.
        links: Entities that are items, where it gives triples.
        ratings: What a rating may be, where the shop says so.
        judge_items: Whether an item that the catalogue lacks is a problem; it is not while the catalogue itself is broken.
    """

    clean: CleanConfig
    lines: list[LineRule]
    now: float
    known: Callable[[str], pl.Series]
    service: Callable[[], pl.Series]
    entities: Entities = field(default_factory=lambda: Entities("", ""))
    links: pl.DataFrame = field(default_factory=no_links)
    judge_items: bool = True
    ratings: RatingScale | None = None

    def map(self, columns: Columns) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return a chunk's rows of ours, each with its `line` and its `flag` or null, and the rows that cannot be used."""
        match columns.source.table:
            case "items":
                self._items(columns)
            case "users":
                self._users(columns)
            case "interactions":
                self._interactions(columns)
            case "triples":
                self._triples(columns)
        return columns.accepted()

    def _items(self, columns: Columns) -> None:
        columns.identifier("item_id", required=True)
        columns.text("title")
        columns.text("description", separator="\n")
        columns.text("brand")
        columns.flag(service_lines(columns.frame, self.lines), "service_line")
        columns.many("categories")
        columns.price(self.now)
        columns.boolean("available")
        _declared(columns, besides=_ITEM_FIELDS)
        self._entity(columns, "item_id")

    def _users(self, columns: Columns) -> None:
        columns.identifier("user_id", required=True)
        _declared(columns, besides={"user_id"})
        self._entity(columns, "user_id")

    def _entity(self, columns: Columns, key: str) -> None:
        name = columns.source.attributes_json
        if name and self.entities.attributes:
            cells = columns.raw.frame[name].cast(pl.String, strict=False)
            columns.refuse(self.entities.attributes.take(columns.frame["line"], cells), name, cells, "is not a JSON object")
        if columns.source.repeated in ("", "reject"):
            self._refuse_repeated(columns, key)

    def _refuse_repeated(self, columns: Columns, key: str) -> None:
        """Refuse ids that came before. Called last: a row that was left out for another reason does not use up its id."""
        values = columns.frame.select(pl.when(~columns.left_out()).then(key)).to_series()
        before = [self.known(columns.source.table), self.entities.ids()]
        earlier = pl.select(pl.any_horizontal(values.is_in(ids.implode()).fill_null(False) for ids in before)).to_series()
        columns.refuse(values.is_not_null() & (earlier | ~values.is_first_distinct()), key, values, "is repeated; the first row stays")

    def _interactions(self, columns: Columns) -> None:
        columns.identifier("user_id")
        columns.flag(columns.frame["user_id"].is_null(), "no_user")
        columns.identifier("item_id", required=True)
        columns.flag(columns.frame["item_id"].is_in(self.service().implode()).fill_null(False), "service_line")
        if columns.given("kind"):
            columns.text("kind", required=True)
            _refuse_names(columns, "kind", "is not a kind: a–z, 0–9 and _, starting with a letter")
        else:
            columns.add("kind", pl.lit(columns.source.kind))
        self._time(columns)
        columns.text("order")
        columns.text("event_id")
        self._quantity(columns)
        self._rating(columns)
        columns.price(self.now)
        if columns.source.unknown_items == "reject":
            self._refuse_unknown(columns, "item_id", columns.frame["item_id"], besides=self.service())

    def _time(self, columns: Columns) -> None:
        columns.time()
        late = columns.frame["time"] > self.now + self.clean.future_days * _DAY_S
        columns.refuse(late.fill_null(False), "time", columns.frame["time"], "is in the future", impossible=True)

    def _quantity(self, columns: Columns) -> None:
        columns.number("quantity", default=1.0)
        quantity, order = columns.frame["quantity"], columns.frame["order"]
        of_cancellation = order.str.contains(self.clean.cancelled_order).fill_null(False)
        negative = (quantity < 0).fill_null(False)
        columns.add("cancels", of_cancellation | (negative & order.is_null()))
        why = "is negative, and its order is no cancellation"
        columns.refuse(negative & order.is_not_null() & ~of_cancellation, "quantity", quantity, why, impossible=True)
        columns.flag((quantity == 0).fill_null(False), "no_quantity")

    def _rating(self, columns: Columns) -> None:
        columns.number("rating")
        if not columns.given("rating"):
            return
        rating = columns.frame["rating"]
        columns.refuse((columns.frame["kind"] == "rating").fill_null(False) & rating.is_null(), "rating", rating, self._rating_advice("is empty"))
        if self.ratings is not None:
            outside = ~rating.is_between(self.ratings.lowest, self.ratings.highest).fill_null(True)
            columns.refuse(outside, "rating", rating, self._rating_advice("is outside the scale"))

    def _rating_advice(self, what: str) -> str:
        return what if self.ratings is None else f"{what}; a rating is {self.ratings}"

    def _triples(self, columns: Columns) -> None:
        for name in ("head", "relation", "tail"):
            columns.text(name, required=True)
        importer = columns.source.importer
        foreign = importer is not None and importer.bare_entities
        if foreign:
            columns.add("relation", relation_name(columns.frame["relation"]))
        _refuse_names(columns, "relation", "is not a relation: a–z, 0–9 and _, starting with a letter")
        node_type = columns.source.entity_type or ("entity" if foreign or columns.source.link else "")
        for name in ("head", "tail"):
            written = columns.frame[name]
            nodes = typed(written, self.links, node_type)
            columns.refuse(written.is_not_null() & nodes.is_null(), name, written, 'is not written "type:id"')
            parts = nodes.to_frame("node").select(pl.col("node").str.splitn(":", 2)).unnest("node")
            columns.add(f"{name}_type", parts["field_0"])
            values = without_entities(parts["field_1"])
            keys, faults = checked_series(blanked(values.zip_with(parts["field_0"] != "item", parts["field_1"]), name))
            columns.refuse_each(parts["field_1"], name, faults)
            columns.add(name, keys.fill_null("").zip_with(parts["field_0"].is_not_null(), keys))
            is_item = (pl.col(f"{name}_type") == "item") & (pl.col(name) != "")
            self._refuse_unknown(columns, name, columns.frame.select(pl.when(is_item).then(name)).to_series())

    def _refuse_unknown(self, columns: Columns, name: str, values: pl.Series, besides: pl.Series | None = None) -> None:
        if not self.judge_items:
            return
        known = self.known("items") if besides is None else pl.concat([self.known("items"), besides.alias("item_id")])
        unknown = values.is_not_null() & ~values.is_in(known.implode()).fill_null(False)
        columns.refuse_each(values.set(~unknown, None), name, self._lists_of_known(values.filter(unknown)))
        columns.refuse(unknown, name, values, "is not an item of the catalogue")

    def _lists_of_known(self, unknown: pl.Series) -> dict[str, str]:
        """Return which unknown ids are several known ones in one cell, with the advice to split them."""
        known: set[str] | None = None
        result = {}
        for text in unknown.unique().head(_MOST_HINTED).to_list():
            parts = _SEVERAL.split(text)
            if len(parts) < 2:
                continue
            known = set(self.known("items")) if known is None else known
            if known.issuperset(parts):
                mark = next((mark for mark in ",;|" if mark in text), " ")
                result[text] = f'holds {len(parts)} items of the catalogue; write `split = {{ item_id = "{mark}" }}` in its [[source]]'
        return result


def _declared(columns: Columns, *, besides: set[str]) -> None:
    """Add the attribute columns that the shop names itself."""
    for name in columns.source.columns:
        if name not in besides:
            schema.attribute_relation(name)
            columns.many(name)


def _refuse_names(columns: Columns, name: str, why: str) -> None:
    values = columns.frame[name]
    columns.refuse(~values.str.contains(_NAME).fill_null(True), name, values, why)
