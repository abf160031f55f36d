"""The languages that answers are written in, and which of them a caller gets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from gnn.explain.messages.catalogue import Catalogue, read_catalogue

FOLDER = Path(__file__).parent
ENGLISH = "en"
_RANGE = re.compile(r"\s*(\*|[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*)\s*(?:;\s*[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")
_LONGEST_HEADER = 1_000


class Languages:
    """The catalogues of a shop.

    Args:
        catalogues: Language → its catalogue; English is among them.
        default: The shop's language; English where there is no catalogue of it.
    """

    def __init__(self, catalogues: Mapping[str, Catalogue], default: str = ENGLISH) -> None:
        self._catalogues = dict(catalogues)
        self.default = self._known(default) or ENGLISH
        self.negotiated = lru_cache(maxsize=256)(self._negotiated)
        """Returns the language for an Accept-Language header, as the caller prefers and the shop has it; the shop's own without one."""

    @classmethod
    def of(cls, default: str = ENGLISH, folder: Path | None = None) -> Languages:
        """Read the catalogues.

        Args:
            default: The shop's language.
            folder: The shop's own catalogues, if it exists: further languages, and messages in place of ours.

        Raises:
            ConfigError: A file there is no catalogue, or has other keys or placeholders than the English one.
        """
        catalogues = dict(_shipped())
        own = sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else []
        for path in own:
            catalogues[path.stem] = read_catalogue(path, like=_shipped()[ENGLISH], base=catalogues.get(path.stem))
        return cls(catalogues, default)

    @property
    def names(self) -> tuple[str, ...]:
        """The languages there are."""
        return tuple(sorted(self._catalogues))

    def __getitem__(self, language: str) -> Catalogue:
        """Return the catalogue that serves a language: its own, that of the wider one ("zh" for "zh-CN"), the shop's, or the English one."""
        return self._catalogues[self.best(language)]

    def has(self, language: str) -> bool:
        """Say whether there is a catalogue of a language, or of the wider one that includes it."""
        return self._known(language) is not None

    def best(self, language: str) -> str:
        """Return the language that serves another: itself, the wider one, the shop's, or English."""
        return self._known(language) or self.default

    def _negotiated(self, header: str) -> str:
        if len(header) > _LONGEST_HEADER:
            return self.default
        wanted: list[tuple[float, int, str]] = []
        refused: set[str] = set()
        for place, part in enumerate(header.split(",")):
            match = _RANGE.fullmatch(part)
            if match is None:
                continue
            quality = float(match[2] or 1)
            language = self.default if match[1] == "*" else self._known(match[1])
            if quality == 0 and match[1] != "*" and language is not None and language.lower() == match[1].lower():
                refused.add(language)
            elif quality and language is not None:
                wanted.append((-quality, place, language))
        # A language that is refused is given only where nothing else is left.
        return next((language for *_, language in sorted(wanted) if language not in refused), self.default)

    def _known(self, tag: str) -> str | None:
        """Return the language of ours that serves a tag, or None."""
        by_name = {name.lower(): name for name in self._catalogues}
        for candidate in _wider(tag):
            if candidate.lower() in by_name:
                return by_name[candidate.lower()]
        return None


def _wider(tag: str) -> list[str]:
    """Return a tag and the wider ones that include it, the closest first: zh-TW, zh-Hant-TW, zh-Hant, zh."""
    subtags = tag.strip().replace("_", "-").split("-")
    alias = get_global("language_aliases").get(subtags[0].lower())
    if alias is not None:
        subtags = [*alias.split("_")[:1], *subtags[1:]]
    tags = ["-".join(subtags)]
    try:
        known = Locale.parse(tags[0], sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        known = None
    if known is not None:
        parts = [part for part in (known.language, known.script, known.territory) if part]
        tags += ["-".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return [*tags, *("-".join(subtags[:n]) for n in range(len(subtags) - 1, 0, -1))]


@cache
def _shipped() -> Mapping[str, Catalogue]:
    english_catalogue = read_catalogue(FOLDER / f"{ENGLISH}.toml", like=None)
    others = [read_catalogue(path, like=english_catalogue) for path in sorted(FOLDER.glob("*.toml")) if path.stem != ENGLISH]
    return {catalogue.language: catalogue for catalogue in (english_catalogue, *others)}


def english() -> Catalogue:
    """Return the English catalogue as it is shipped."""
    return _shipped()[ENGLISH]
