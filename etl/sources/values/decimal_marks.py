"""Which of "." and "," is the decimal mark of a source: decided from all its numbers, currency by currency, before the first open one is read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import polars as pl

from etl.sources.values import currencies
from etl.sources.values.numbers import Parsed, parsed

_CLEAR = r"^-?(?:\d+|0?\.\d+|\d+\.(?:\d{1,2}|\d{4,})|0\d*\.\d+|\d{4,}\.\d+)$"
"""Numbers as programs write them, whose mark is not open. Nearly all cells are."""
_CLEAR_WITH_MARK = r"\."
_SURE = 0.99
"""Share of the values that must say the same; the rest are slips."""
_SHOWN = 5


class Marks:
    """The numbers of one source.

    Args:
        declared: The decimal mark that reckon.toml states; "" finds out.
    """

    def __init__(self, declared: str = "") -> None:
        self._declared = declared
        self._said: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._currencies: Counter[str] = Counter()
        self._assumed: Counter[str] = Counter()
        self.n_open = 0

    def observe(self, cells: pl.Series, *, money: bool, native: bool = False) -> None:
        """Take the values of a column into account.

        Args:
            cells: Text.
            money: Whether they may name a currency.
            native: Whether the file holds numbers of its own there (JSON), whose mark is the point.
        """
        clear = cells.str.contains(_CLEAR).fill_null(False)
        n_points = int(cells.filter(clear).str.contains(_CLEAR_WITH_MARK).sum())
        if n_points or native:
            self._said[""]["."] += max(n_points, int(native))
        others = cells.filter(~clear).drop_nulls().value_counts()
        for text, n in others.iter_rows():
            result = parsed(text, money=money)
            if result.currency:
                self._currencies[result.currency] += n
            if result.is_open:
                self.n_open += n
            elif result.value is not None and result.mark:
                self._said[result.currency][result.mark] += n

    def read(self, cells: pl.Series, *, money: bool) -> tuple[pl.Series, dict[str, str]]:
        """Return numbers, null for what is none, and text → what is wrong with it."""
        clear = cells.str.contains(_CLEAR).fill_null(False)
        if self._declared != ",":
            values = cells.set(~clear, None).cast(pl.Float64, strict=False)
        else:
            clear &= ~cells.str.contains(_CLEAR_WITH_MARK).fill_null(False)
            values = cells.set(~clear, None).cast(pl.Float64, strict=False)
        others = cells.filter(~clear).drop_nulls().alias("text").value_counts(sort=True)
        if not len(others):
            return values, {}
        numbers: dict[str, float | None] = {}
        faults: dict[str, str] = {}
        for text, n in others.iter_rows():
            written = parsed(text, money=money)
            result = self._decided(written, money=money)
            if written.is_open and self._is_assumed(written, money=money):
                self._assumed[text] += n
            numbers[text] = result.value
            if result.why:
                faults[text] = result.why
        table = pl.DataFrame({"text": list(numbers), "number": list(numbers.values())}, schema={"text": pl.String, "number": pl.Float64})
        more = pl.DataFrame({"text": cells}).join(table, on="text", how="left", maintain_order="left")["number"]
        return values.zip_with(clear, more), faults

    def notes(self) -> list[str]:
        """Say how the numbers were read, for the report."""
        result = []
        said = self._total()
        if self._declared:
            result.append(f"the decimal mark is {self._declared!r}, as reckon.toml says")
        elif self.n_open or "," in said:
            counts = ", ".join(f"{mark!r}{f' in {currency}' if currency else ''}: {n:,}" for currency, mark, n in self._rows())
            result.append(f"decimal marks by the values that show theirs: {counts or 'none'}; {self.n_open:,} values could be read either way")
        if self._assumed:
            named = ", ".join(repr(text) for text, _ in self._assumed.most_common(_SHOWN))
            result.append(
                f"{self._assumed.total():,} prices have one mark before three digits and nothing beside them shows which it is; read as thousands, "
                f"as prices have two decimals: {named}"
            )
        if len(self._currencies) > 1:
            named = ", ".join(f"{name} {n:,}" for name, n in self._currencies.most_common(_SHOWN))
            result.append(f"prices in several currencies, compared as they stand and not converted: {named}")
        return result

    def _rows(self) -> Iterable[tuple[str, str, int]]:
        return [(currency, mark, n) for currency in sorted(self._said) for mark, n in self._said[currency].most_common()]

    def _total(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for counts in self._said.values():
            total.update(counts)
        return total

    def _decided(self, number: Parsed, *, money: bool) -> Parsed:
        if self._declared and number.mark and not number.is_open and number.mark != self._declared:
            return Parsed(why=f"has {number.mark!r} as its decimal mark, where reckon.toml says {self._declared!r}")
        if not number.is_open:
            return number
        mark = self._declared or self._mark_for(number, money=money)
        if not mark:
            return Parsed(
                why=f'may be {number.grouped or 0:,.0f} or {number.value or 0:g}; write `decimal = "."` or `decimal = ","` in its [[source]]'
            )
        return Parsed(number.value if mark == number.mark else number.grouped, None, mark, number.currency)

    def _mark_for(self, number: Parsed, *, money: bool) -> str:
        """Return the decimal mark for an open number: by its currency's other values, then all values, then what the currency needs; "" in doubt."""
        for counts in self._evidence(number):
            mark, n = counts.most_common(1)[0]
            return mark if n >= _SURE * counts.total() else ""
        if money and currencies.decimals(number.currency) < 3:
            # A price of a thousandth of a dollar hardly exists.
            return "," if number.mark == "." else "."
        return "." if number.mark == "." else ""

    def _evidence(self, number: Parsed) -> list[Counter[str]]:
        """Return what other values say about the mark of an open number, the nearest first."""
        return [counts for counts in (self._said.get(number.currency, Counter()), self._total()) if counts]

    def _is_assumed(self, number: Parsed, *, money: bool) -> bool:
        """Say whether nothing but the usual number of decimals decides an open price."""
        return money and not self._declared and not self._evidence(number) and currencies.decimals(number.currency) == 2
