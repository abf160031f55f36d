"""Filters over items: structured JSON, checked against what the graph holds, compiled to one boolean per item.

    {"all": [{"field": "price_cents", "lte": 2000}, {"relation": "has_brand", "in": ["Leafy"]}, {"not": {"attribute": "color", "eq": "red"}}]}

`all`, `any` and `not` join tests. A test names a `field` (item_id, title, price_cents, available, popularity), a `relation` ("has_brand") or an
`attribute` ("brand", the same), and one or more of eq, in, lt, lte, gt, gte, exists. A number that is unknown passes no
comparison. Titles and values are the same in another letter case; ids are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from kg import schema
from kg.errors import InputError
from kg.validation.fields import MAX_VALUE_CHARS

BoolArray = npt.NDArray[np.bool_]
_REMEMBERED = 64
MAX_DEPTH, MAX_TESTS, MAX_VALUES = 8, 100, 1_000
FIELDS: Mapping[str, str] = {"item_id": "text", "title": "text", "price_cents": "number", "available": "boolean", "popularity": "number"}
_COMPARISONS = {"lt": np.less, "lte": np.less_equal, "gt": np.greater, "gte": np.greater_equal}
_OPERATORS: Mapping[str, tuple[str, ...]] = {
    "number": ("eq", "in", "lt", "lte", "gt", "gte", "exists"),
    "text": ("eq", "in", "exists"),
    "boolean": ("eq", "exists"),
    "relation": ("eq", "in", "exists"),
}


class Columns(Protocol):
    """What filters are tested on: the items of a build, or live ones.

    Attributes:
        n_items: How many.
        relations: Names of the relations from items to values or other items.
    """

    @property
    def n_items(self) -> int: ...  # noqa: D102 - the class says it

    @property
    def relations(self) -> Sequence[str]: ...  # noqa: D102 - described above

    def numbers(self, field: str) -> npt.NDArray[np.float64]:
        """Return a numeric field, NaN where unknown; booleans as 0 and 1."""

    def texts(self, field: str) -> Sequence[str]:
        """Return a text field."""

    def related(self, relation: str, values: Sequence[str] | None) -> BoolArray:
        """Say which items have any of these values, or any value at all."""


@dataclass(frozen=True, slots=True)
class Test:
    """One condition on one column.

    Attributes:
        column: Name of the field or relation.
        type: "number", "text", "boolean" or "relation".
        operator: "eq", "in", "lt", …
        operand: What it is compared with; a tuple for eq and in.
    """

    column: str
    type: str
    operator: str
    operand: tuple[str | float, ...] | float | bool

    def mask(self, columns: Columns) -> BoolArray:
        """Say which items pass.

        Shapes:
            [n_items].
        """
        if self.type == "relation":
            if isinstance(self.operand, tuple):
                return columns.related(self.column, [str(value) for value in self.operand])
            return np.equal(columns.related(self.column, None), self.operand)
        if self.type == "text":
            if isinstance(self.operand, tuple):
                if self.column == "item_id":
                    wanted = set(self.operand)
                    return np.fromiter((text in wanted for text in columns.texts(self.column)), dtype=bool, count=columns.n_items)
                folded = {str(text).casefold() for text in self.operand}
                return np.fromiter((text.casefold() in folded for text in columns.texts(self.column)), dtype=bool, count=columns.n_items)
            return np.full(columns.n_items, bool(self.operand))
        values = columns.numbers(self.column)
        if self.operator == "exists":
            return np.equal(np.isfinite(values), self.operand)
        if isinstance(self.operand, tuple):
            return np.isin(values, np.asarray(self.operand, dtype=np.float64))
        return np.asarray(_COMPARISONS[self.operator](values, self.operand), dtype=bool)


@dataclass(frozen=True, slots=True)
class Join:
    """Conditions that must all, or any, or none hold."""

    how: Literal["all", "any", "not"]
    parts: tuple[Test | Join, ...]

    def mask(self, columns: Columns) -> BoolArray:
        """Say which items pass.

        Shapes:
            [n_items].
        """
        if self.how == "any":
            passed = np.zeros(columns.n_items, dtype=bool)
            for part in self.parts:
                passed |= part.mask(columns)
            return passed
        passed = np.ones(columns.n_items, dtype=bool)
        for part in self.parts:
            passed &= part.mask(columns)
        return ~passed if self.how == "not" else passed


Filter: TypeAlias = Test | Join


def parse_filter(raw: object, columns: Columns) -> Filter:
    """Check a filter against what can be filtered on.

    Args:
        raw: As it came out of JSON.
        columns: What there is.

    Raises:
        InputError: It is malformed or too large, or names what does not exist; the message says where.
    """
    return _Parser(columns).parse(raw, "filter", 1)


class _Parser:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._n_tests = 0

    def parse(self, raw: object, where: str, depth: int) -> Filter:
        if not isinstance(raw, dict) or not raw:
            raise InputError(f"{where} is not an object", hint='write {"field": "price_cents", "lte": 2000} or {"all": […]}')
        if depth > MAX_DEPTH:
            raise InputError(f"{where} is nested more than {MAX_DEPTH} deep", hint="flatten the filter")
        joins = [how for how in ("all", "any", "not") if how in raw]
        if joins:
            if len(raw) > 1:
                raise InputError(f"{where} holds more than {joins[0]!r}", hint="put each of all, any and not into an object of its own")
            return self._join(raw, joins[0], where, depth)
        return self._tests(raw, where)

    def _join(self, raw: Mapping[str, object], how: str, where: str, depth: int) -> Filter:
        inner = raw[how]
        if how == "not":
            return Join("not", (self.parse(inner, f"{where}.not", depth + 1),))
        if not isinstance(inner, list) or not inner:
            raise InputError(f"{where}.{how} is not a list of filters", hint=f'write {{"{how}": [{{…}}, {{…}}]}}')
        self._count(len(inner), where)
        parts = tuple(self.parse(part, f"{where}.{how}[{n}]", depth + 1) for n, part in enumerate(inner))
        return Join("all" if how == "all" else "any", parts)

    def _tests(self, raw: Mapping[str, object], where: str) -> Filter:
        named = [name for name in ("field", "relation", "attribute") if name in raw]
        if len(named) != 1:
            raise InputError(f"{where} must name one of field, relation and attribute", hint='write {"relation": "has_brand", "in": ["…"]}')
        column, type_ = self._column(named[0], raw[named[0]], where)
        operators = [name for name in raw if name != named[0]]
        known = _OPERATORS[type_]
        if not operators or any(name not in known for name in operators):
            wrong = next((name for name in operators if name not in known), "")
            fault = f"{where}: {wrong!r} cannot be asked of {column}" if operators else f"{where} asks nothing of {column}"
            raise InputError(fault, hint=f"of a {type_} ask {', '.join(known)}")
        self._count(len(operators), where)
        tests = tuple(Test(column, type_, name, _operand(type_, name, raw[name], f"{where}.{name}")) for name in operators)
        return tests[0] if len(tests) == 1 else Join("all", tests)

    def _column(self, kind: str, name: object, where: str) -> tuple[str, str]:
        if not isinstance(name, str):
            raise InputError(f"{where}.{kind} is not a name", hint="write it as a string")
        if kind == "field":
            if name not in FIELDS:
                raise InputError(f"{where}: there is no field {_short(name)}", hint=f"fields are {', '.join(FIELDS)}")
            return name, FIELDS[name]
        try:
            relation = schema.attribute_relation(name) if kind == "attribute" else schema.relation(name).name
        except InputError:
            relation = ""
        if relation not in self._columns.relations:
            known = ", ".join(self._columns.relations) or "none"
            raise InputError(f"{where}: the graph has no {kind} {_short(name)} of items", hint=f"relations are {known}")
        return relation, "relation"

    def _count(self, n: int, where: str) -> None:
        self._n_tests += n
        if self._n_tests > MAX_TESTS:
            raise InputError(f"{where}: more than {MAX_TESTS} conditions", hint="ask for less at once, or use `in` with a list")


def _operand(type_: str, operator: str, raw: object, where: str) -> tuple[str | float, ...] | float | bool:
    if operator == "exists":
        if not isinstance(raw, bool):
            raise InputError(f"{where} is not true or false", hint='write {"exists": true}')
        return raw
    if operator == "in":
        if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_VALUES:
            raise InputError(f"{where} is not a list of 1 to {MAX_VALUES:,} values", hint='write {"in": ["…", "…"]}')
        return tuple(_value(type_, value, f"{where}[{n}]") for n, value in enumerate(raw))
    value = _value(type_, raw, where)
    return (value,) if operator == "eq" else float(value)


def _value(type_: str, raw: object, where: str) -> str | float:
    if type_ == "boolean" and isinstance(raw, bool):
        return float(raw)
    if type_ == "number" and isinstance(raw, int | float) and not isinstance(raw, bool) and np.isfinite(raw):
        return float(raw)
    if type_ in ("text", "relation") and isinstance(raw, str) and len(raw) <= MAX_VALUE_CHARS:
        return raw
    wanted = {"boolean": "true or false", "number": "a number"}.get(type_, f"a string of at most {MAX_VALUE_CHARS} characters")
    raise InputError(f"{where} is not {wanted}", hint=f"give {wanted}")


def _short(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:60] + "…")


class ArtifactColumns:
    """The items of a build.

    Args:
        artifact: The build.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._places: dict[str, dict[str, int]] = {}
        self._folded: dict[str, dict[str, list[int]]] = {}

    @property
    def n_items(self) -> int:
        """How many items."""
        return self._artifact.n_items

    @cached_property
    def relations(self) -> tuple[str, ...]:
        """Relations that leave an item."""
        return tuple(sorted({relation for source, relation, _ in self._artifact.edges if source == "item"}))

    def numbers(self, field: str) -> npt.NDArray[np.float64]:
        """Return a numeric field."""
        values = {"price_cents": self._artifact.price_cents, "available": self._artifact.available, "popularity": self._artifact.popularity}[field]
        return np.asarray(values, dtype=np.float64)

    def texts(self, field: str) -> Sequence[str]:
        """Return a text field."""
        return self._artifact.item_ids if field == "item_id" else self._artifact.titles

    def related(self, relation: str, values: Sequence[str] | None) -> BoolArray:
        """Say which items have any of these values, or any value at all.

        Shapes:
            [n_items].
        """
        mask = np.zeros(self.n_items, dtype=bool)
        for (source, name, target), edges in self._artifact.edges.items():
            if source != "item" or name != relation:
                continue
            if values is None:
                mask |= np.diff(edges.forward.indptr) > 0
                continue
            for num in self._nums(target, values):
                mask[edges.reverse.indices[edges.reverse.indptr[num] : edges.reverse.indptr[num + 1]]] = True
        return mask

    def _nums(self, node_type: str, values: Sequence[str]) -> list[int]:
        """Return the nodes of values: as they are written, or else in whatever letter case the graph has them; ids are compared as they are."""
        places = self._numbers_of(node_type)
        nums = [places[value] for value in values if value in places]
        if node_type == "item" or len(nums) == len(values):
            return nums
        if node_type not in self._folded:
            self._folded[node_type] = {}
            for key, num in places.items():
                self._folded[node_type].setdefault(key.casefold(), []).append(num)
        return nums + [num for value in values if value not in places for num in self._folded[node_type].get(value.casefold(), ())]

    def _numbers_of(self, node_type: str) -> Mapping[str, int]:
        if node_type == "item":
            return self._artifact.item_nums
        if node_type not in self._places:
            self._places[node_type] = {key: num for num, key in enumerate(self._artifact.node_keys[node_type])}
        return self._places[node_type]


class Masks:
    """Which items filters let through; the last few are remembered.

    Args:
        columns: The items.
    """

    def __init__(self, columns: ArtifactColumns) -> None:
        self._columns = columns
        self._known = lru_cache(maxsize=_REMEMBERED)(lambda wanted: wanted.mask(columns))

    def of(self, wanted: Filter) -> BoolArray:
        """Return what a filter lets through.

        Shapes:
            [n_items].
        """
        mask: BoolArray = self._known(wanted)
        return mask

    def matching(self, raw: Mapping[str, object]) -> BoolArray:
        """Return what a filter lets through, given as it came out of JSON.

        Raises:
            InputError: It is malformed or names what does not exist.
        """
        return self.of(parse_filter(raw, self._columns))
