"""One language: its templates, read from a file and checked whole, and how it writes numbers, dates, lists and quotation marks.

A template is a string with named placeholders, or a table of the plural forms of its `count`: the categories of CLDR ("one", "few", "other", …) and
exact numbers ("=0"). Numbers, dates and plural rules are those of CLDR, through Babel.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal

from gnn.explain.messages.message import Argument, Listing, Message, Number, Quoted
from kg.errors import ConfigError

OTHER = "other"
_CATEGORIES = frozenset({"zero", "one", "two", "few", "many", OTHER})
_EXACT = re.compile(r"=\d{1,6}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MOST_CACHED = 8_192
Forms = Mapping[str, str]
"""Plural form → template; a template without forms is "other"."""


@dataclass(frozen=True)
class Catalogue:
    """The messages of one language.

    Attributes:
        language: Its tag ("zh", "pt-BR").
        templates: Key → forms.
        formats: "quote", a template around `{text}`, and "date", a pattern of CLDR.
        locale: What CLDR knows of the language.
    """

    language: str
    templates: Mapping[str, Forms]
    formats: Mapping[str, str]
    locale: Locale

    def __post_init__(self) -> None:
        # Answers hold the same few counts again and again, and CLDR's patterns are slow.
        object.__setattr__(self, "_category", lru_cache(_MOST_CACHED)(self._category))
        object.__setattr__(self, "_number", lru_cache(_MOST_CACHED)(self._number))

    def text(self, said: Argument) -> str:
        """Write a message, or an argument of one.

        Raises:
            KeyError: The catalogue has neither the message nor "other" of its section; no message of ours is missing in a checked catalogue.
        """
        if isinstance(said, str):
            return said
        if isinstance(said, Message):
            return self._message(said)
        if isinstance(said, Quoted):
            return self.formats["quote"].format(text=self.text(said.text))
        if isinstance(said, int):
            return self._number(str(said), True)
        if isinstance(said, Number):
            return self._number(said.text, said.grouped)
        if isinstance(said, Listing):
            return self._listing(said)
        return format_date(said, self.formats["date"], locale=self.locale)

    def forms(self, key: str) -> Forms:
        """Return the forms of a message, or those of "other" in its section."""
        forms = self.templates.get(key)
        return self.templates[f"{section(key)}.{OTHER}"] if forms is None else forms

    def _forms_of(self, said: Message) -> Forms:
        if said.words is None:
            return self.forms(said.key)
        known = (said.words.get(name) for name in (self.language, self.locale.language, "en"))
        return {OTHER: next((template for template in known if template is not None), "") or next(iter(said.words.values()))}

    def _message(self, said: Message) -> str:
        forms, arguments = self._forms_of(said), said.arguments
        template = forms[OTHER]
        if len(forms) > 1 and (count := arguments.get("count")) is not None:
            number = count.text if isinstance(count, Number) else str(count)
            template = forms.get(f"={number}") or forms.get(self._category(number)) or template
        return template.format_map({name: self.text(value) for name, value in arguments.items()})

    def _listing(self, said: Listing) -> str:
        first, *rest = [self.text(part) for part in said.parts]
        more, last = (self.forms(f"list.{said.kind}.{which}")[OTHER] for which in ("more", "last"))
        for n, part in enumerate(rest, start=1):
            first = (last if n == len(rest) else more).format(left=first, right=part)
        return first

    def _category(self, number: str) -> str:
        return str(self.locale.plural_form(Decimal(number)))

    def _number(self, text: str, grouped: bool) -> str:
        number = Decimal(text)
        if "e" in text or not number.is_finite():
            return text
        places = len(text.partition(".")[2])
        return str(format_decimal(number, "#,##0" + ("." + "0" * places if places else ""), locale=self.locale, group_separator=grouped))


def section(key: str) -> str:
    """Return the section of a key ("through.both.purchased" → "through.both")."""
    return key.rpartition(".")[0]


def placeholders(template: str) -> frozenset[str]:
    """Return the names of a template's placeholders.

    Raises:
        ValueError: A brace stands alone, or a placeholder is more than a name.
    """
    names = set()
    for _, name, spec, conversion in Formatter().parse(template):
        if name is None:
            continue
        if spec or conversion or not _NAME.fullmatch(name):
            raise ValueError(f"placeholder {{{name}}} is not a plain name")
        names.add(name)
    return frozenset(names)


def read_catalogue(path: Path, *, like: Catalogue | None, base: Catalogue | None = None) -> Catalogue:
    """Read and check the catalogue of one language.

    Args:
        path: The file, named by the language's tag: `fr.toml`, `pt-BR.toml`.
        like: The catalogue whose keys and placeholders it must have; None for that one itself.
        base: What the shop's file amends, where the language is one of ours.

    Raises:
        ConfigError: It is no catalogue, or does not have the same keys and placeholders; the message names them.
    """
    try:
        locale = Locale.parse(path.stem, sep="-")
    except (UnknownLocaleError, ValueError):
        raise ConfigError(f"{path}: {path.stem!r} is no language", hint="name the file by a tag such as fr.toml or pt-BR.toml") from None
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", hint="fix the line that it names") from None
    formats = raw.pop("formats", {})
    templates: dict[str, Forms] = {}
    _flatten(raw, "", templates, path)
    if base is not None:
        templates, formats = {**base.templates, **templates}, {**base.formats, **formats}
    catalogue = Catalogue(path.stem, templates, formats, locale)
    _check(catalogue, catalogue if like is None else like, path)
    return catalogue


def _flatten(table: Mapping[str, Any], prefix: str, into: dict[str, Forms], path: Path) -> None:
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, str):
            into[key] = {OTHER: value}
        elif isinstance(value, dict) and _are_forms(value):
            into[key] = value
        elif isinstance(value, dict):
            _flatten(value, f"{key}.", into, path)
        else:
            raise ConfigError(f"{path}: {key} is neither a text nor a table", hint='write "…", or { one = "…", other = "…" }')


def _are_forms(table: Mapping[str, Any]) -> bool:
    # A section may have nothing but its "other".
    return (
        bool(table)
        and table.keys() != {OTHER}
        and all(isinstance(value, str) and (name in _CATEGORIES or _EXACT.fullmatch(name)) for name, value in table.items())
    )


def _check(catalogue: Catalogue, like: Catalogue, path: Path) -> None:
    missing = sorted(like.templates.keys() - catalogue.templates.keys()) + sorted(like.formats.keys() - catalogue.formats.keys())
    if missing:
        raise ConfigError(f"{path}: without {', '.join(missing[:10])}{' …' if len(missing) > 10 else ''}", hint="en.toml has every message")
    for key, forms in catalogue.templates.items():
        known = like.templates.get(key) or like.templates.get(f"{section(key)}.{OTHER}")
        if known is None:
            raise ConfigError(f"{path}: there is no message {key!r}", hint="en.toml has every message")
        if OTHER not in forms:
            raise ConfigError(f"{path}: {key} has no form `other`", hint="write it beside the other plural forms")
        wanted = placeholders(known[OTHER])
        for form, template in forms.items():
            try:
                given = placeholders(template)
            except ValueError as error:
                raise ConfigError(f"{path}: {key}: {error}", hint="write {name}; {{ and }} are braces") from None
            # "once" needs no number, and a message of one relation need not repeat its name.
            free = {"count", "name", "words"} if form != OTHER or key not in like.templates else set()
            if given - wanted or wanted - given - free:
                listed = ", ".join(f"{{{name}}}" for name in sorted(wanted)) or "none"
                raise ConfigError(f"{path}: {key} has other placeholders than {listed}: {template!r}", hint="keep those of en.toml")
    quote = catalogue.formats["quote"]
    if "{text}" not in quote or placeholders(quote) != {"text"}:
        raise ConfigError(f"{path}: formats.quote is {quote!r}", hint="write the quotation marks around {text}")
