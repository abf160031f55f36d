"""One cell as a time: ISO 8601 in its variants, dates by day and month, and the formats of mail and of PostgreSQL. UTC where it names no zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import polars as pl

DAY_FIRST, MONTH_FIRST = "day_first", "month_first"

_CLOCK = r"(?:\s*[T ]\s*(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?)?"
_ZONE = r"\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2}(?::?\d{2})?)?)?"
_ISO = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_CLOCK}{_ZONE}", re.IGNORECASE)
_BASIC = re.compile(rf"(\d{{4}})()(\d{{2}})(\d{{2}}){_CLOCK}{_ZONE}", re.IGNORECASE)
_COMPACT = re.compile(r"(\d{4})()(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})()()")
_BY_DAY = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([ap])?\.?(?:m\.?)?)?" + _ZONE,
    re.IGNORECASE,
)
_NAMED = (
    *("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%b %d %Y"),
    *("%b %d, %Y %H:%M:%S", "%b %d, %Y %I:%M:%S %p", "%b %d, %Y %I:%M %p"),
)
_NAIVE = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


def order_of(written: str) -> str:
    """Return which order a date by day and month proves: "day_first", "month_first", "either" where it proves none; "" for any other text.

    >>> order_of("11/14/2023"), order_of("14.11.2023 10:00"), order_of("1/2/2023"), order_of("2023-11-14")
    ('month_first', 'day_first', 'either', '')
    """
    result = _BY_DAY.fullmatch(written)
    if not result:
        return ""
    first, mark, second = int(result[1]), result[2], int(result[3])
    if mark == "." or first > 12:
        return DAY_FIRST
    return MONTH_FIRST if second > 12 else "either"


def seconds_of(written: str, order: str = "") -> float | None:
    """Return a text's time as Unix seconds; None for what is none, or could be two.

    Args:
        written: Trimmed; numbers of seconds are not read here.
        order: "day_first" or "month_first", what "1/2/2023" means; "" where that is open.

    >>> seconds_of("2023-11-14 22:13:20+00"), seconds_of("20231114T171320-0500"), seconds_of("1/2/2023")
    (1700000000.0, 1700000000.0, None)
    """
    try:
        for pattern in (_ISO, _BASIC, _COMPACT):
            result = pattern.fullmatch(written)
            if result:
                year, _, month, day, hour, minute, second, fraction, zone = result.groups()
                return _stamp((year, month, day), (hour, minute, second, fraction), zone)
        result = _BY_DAY.fullmatch(written)
        if result:
            return _by_day(result, order)
        return _named(written)
    except (ValueError, OverflowError):
        return None


def parsed_iso(written: pl.Series) -> pl.Series:
    """Return Unix seconds of the usual spellings of ISO 8601, all at once; null for all else."""
    cell = pl.col("t")
    stamps = [
        cell.str.to_datetime("%+", strict=False, time_zone="UTC", time_unit="us").dt.epoch("us"),
        *(cell.str.to_datetime(form, strict=False, time_unit="us").dt.epoch("us") for form in _NAIVE),
        cell.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")).dt.epoch("us"),
    ]
    # A basic date ("20231114") has no dash; `%Y` would take it for a year of eight digits.
    dashed = pl.when(cell.str.contains(r"^\d{4}-")).then(cell)
    return pl.DataFrame({"t": written}).with_columns(t=dashed).select(pl.coalesce(stamp / 1e6 for stamp in stamps)).to_series()


def _by_day(match: re.Match[str], order: str) -> float | None:
    first, _, second, year, hour, minute, seconds, fraction, half, zone = match.groups()
    proved = order_of(match[0])
    chosen = order if proved == "either" else proved
    if not chosen or (order and proved not in ("either", order)):
        return None
    day, month = (first, second) if chosen == DAY_FIRST else (second, first)
    if half:
        hour = str(int(hour) % 12 + (12 if half.lower() == "p" else 0))
    whole_year = year if len(year) == 4 else str(int(year) + (2000 if int(year) < 70 else 1900))
    return _stamp((whole_year, month, day), (hour, minute, seconds, fraction), zone)


def _stamp(date: tuple[str, str, str], clock: tuple[str | None, ...], zone: str | None) -> float:
    hour, minute, second, fraction = (part or "0" for part in clock)
    year, month, day = (int(part) for part in date)
    micros = int(fraction.ljust(6, "0")[:6])
    return datetime(year, month, day, int(hour), int(minute), int(second), micros, tzinfo=_zone(zone)).timestamp()


def _zone(written: str | None) -> timezone:
    if not written or written[0] not in "+-":
        return UTC
    digits = written[1:].replace(":", "").ljust(6, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:6]))
    return timezone(-offset if written[0] == "-" else offset)


def _named(written: str) -> float | None:
    for form in _NAMED:
        try:
            return datetime.strptime(written, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    if not re.search(r"\d{1,2} [A-Za-z]{3} \d{4} \d", written):
        return None
    result = parsedate_to_datetime(written)
    return (result if result.tzinfo else result.replace(tzinfo=UTC)).timestamp()
