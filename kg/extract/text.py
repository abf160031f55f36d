"""Text as it is read: without markup, addresses and file names, with entities decoded and characters in their usual form.

Every character of the text that is read knows where it came from, so evidence found in it points into the text as stored. What is stored is
never changed here; `plain` gives the form in which a title is shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, cast

from kg.errors import ConfigError

if TYPE_CHECKING:
    from opencc import OpenCC

_ROUNDS = 4
"""Shops escape what is escaped already: "&amp;lt;b&amp;gt;"."""

_SUSPICIOUS = re.compile(r"[<&]")
_SPECIAL = re.compile(r"[<&\u00ad\u00bc-\u00be\u2044\u200b-\u200f\u2060\u2150-\u215e\u3000\u3300-\u33ff\ufeff\uff01-\uffee]")
_MAY_BE_ADDRESS = re.compile(r"https?:|www\.|\.[A-Za-z]{2}", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'，。]+"
    r"|[\w%./\\-]*[\w%-]\.(?:jpe?g|png|gif|webp|svg|bmp|tiff?|ico|avif|pdf|css|js|json|xml|html?|php|aspx?|mp[34]|avi|mov|zip|woff2?)(?![\w.])",
    re.IGNORECASE,
)
_DROPPED = frozenset({"script", "style", "template", "noscript", "iframe", "object", "svg", "head"})
_JOINING = frozenset({"sub", "sup", "wbr"})
"""Elements that stand within a word: H<sub>2</sub>O."""

# fmt: off
_ELEMENTS = frozenset({
    "a", "abbr", "acronym", "address", "applet", "area", "article", "aside", "audio", "b", "base", "basefont", "bdi", "bdo", "big",
    "blink", "blockquote", "body", "br", "button", "canvas", "caption", "center", "cite", "code", "col", "colgroup", "data",
    "datalist", "dd", "del", "details", "dfn", "dialog", "dir", "div", "dl", "dt", "em", "embed", "fieldset", "figcaption",
    "figure", "font", "footer", "form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hgroup", "hr",
    "html", "i", "iframe", "img", "input", "ins", "kbd", "label", "legend", "li", "link", "main", "map", "mark", "marquee", "menu",
    "meta", "meter", "nav", "nobr", "noframes", "noscript", "object", "ol", "optgroup", "option", "output", "p", "param", "path",
    "picture", "pre", "progress", "q", "rp", "rt", "ruby", "s", "samp", "script", "section", "select", "small", "source", "span",
    "strike", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td", "template", "textarea", "tfoot", "th",
    "thead", "time", "title", "tr", "track", "tt", "u", "ul", "var", "video", "wbr",
})
# fmt: on
_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")


@dataclass(frozen=True, slots=True)
class Readable:
    """A text to read and where it came from.

    Attributes:
        text: What is read.
        starts: Per character, the first character of the stored text behind it; None where both are the same.
        ends: Per character, the end of what is behind it; None where both are the same.
    """

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def stored(self, start: int, end: int) -> tuple[int, int]:
        """Return where a span of the text stands in the stored text."""
        if self.starts is None or self.ends is None or start >= end:
            return start, end
        return self.starts[start], self.ends[end - 1]


def readable(raw: str, language: str = "en") -> Readable:
    """Return a text as extraction reads it.

    Args:
        raw: The text as stored.
        language: Chinese is read in its simplified form.

    Raises:
        ConfigError: Chinese is asked for and its converter is not installed.

    >>> readable("<p>Red</p>cotton &amp; silk").text
    ' Red cotton & silk'
    """
    text, starts, ends = raw, None, None
    if _SPECIAL.search(raw):
        pieces = _pieces(raw)
        text = "".join(piece for piece, _, _ in pieces)
        starts = tuple(start for piece, start, _ in pieces for _ in piece)
        ends = tuple(end for piece, _, end in pieces for _ in piece)
    if _MAY_BE_ADDRESS.search(text):
        # Blanks in its place: what stands behind it stays where it was.
        text = _ADDRESS.sub(lambda match: " " * len(match.group()), text)
    if language == "zh":
        text = _simplified(text)
    return Readable(text) if text == raw else Readable(text, starts, ends)


def plain(raw: str) -> str:
    """Return a text as a person reads it: no tags, entities decoded, one blank between words.

    >>> plain("Mount 360&amp;deg; <b>Black</b>")
    'Mount 360° Black'
    """
    if not _SUSPICIOUS.search(raw):
        return raw
    return re.sub(r"\s+", " ", "".join(piece for piece, _, _ in _unmarked(raw))).strip()


_Piece = tuple[str, int, int]
"""(characters, start and end of the stored text behind them)."""


def _pieces(raw: str) -> list[_Piece]:
    unmarked = _unmarked(raw) if _SUSPICIOUS.search(raw) else [(char, n, n + 1) for n, char in enumerate(raw)]
    result: list[_Piece] = []
    before = ""
    for char, start, end in unmarked:
        usual = _usual(char, before)
        if usual:
            result.append((usual, start, end))
        before = char
    return result


def _usual(char: str, before: str) -> str:
    """Return a character in its usual form: "５" is 5, "㎏" is kg, "½" after a digit is " 1/2"."""
    if char < "\u00ad" or char in "\u00b2\u00b3":
        return char
    if char in _INVISIBLE:
        return ""
    if "\uff01" <= char <= "\uffee" or "\u3300" <= char <= "\u33ff" or char == "\u3000":
        return unicodedata.normalize("NFKC", char)
    if "\u00bc" <= char <= "\u00be" or "\u2150" <= char <= "\u215e":
        return (" " if before.isdigit() else "") + unicodedata.normalize("NFKC", char).replace("\u2044", "/")
    return "/" if char == "\u2044" else char


def _unmarked(raw: str) -> list[_Piece]:
    """Strip tags and decode entities as often as they were escaped."""
    pieces: list[_Piece] = [(char, n, n + 1) for n, char in enumerate(raw)]
    for _ in range(_ROUNDS):
        text = "".join(piece for piece, _, _ in pieces)
        if not _SUSPICIOUS.search(text):
            break
        result = list(_Reader(text).pieces())
        if "".join(piece for piece, _, _ in result) == text:
            break
        pieces = [(char, pieces[start][1], pieces[max(start, end - 1)][2]) for piece, start, end in result for char in piece]
    return pieces


class _Reader(HTMLParser):
    """Reads one round of markup; what looks like a tag and is none ("<New>", "a <5 b") is text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._marks: list[tuple[int, str, str]] = []
        self.feed(text)
        self.close()

    def pieces(self) -> Iterator[_Piece]:
        """Yield what is text: single characters, the blank that a tag leaves, and decoded entities."""
        dropped = ""
        before = ""
        for (start, kind, name), (end, _, _) in zip(self._marks, [*self._marks[1:], (len(self._text), "", "")], strict=True):
            if kind == "start" and name in _DROPPED and not self._text[start:end].endswith("/>"):
                dropped = dropped or name
            if kind == "end" and name == dropped:
                dropped = ""
            if dropped or kind == "nothing":
                continue
            for piece in self._read(start, end, kind, name, before):
                before = piece[0]
                yield piece

    def _read(self, start: int, end: int, kind: str, name: str, before: str) -> Iterator[_Piece]:
        whole = self._text[start:end]
        if kind in {"start", "end"} and name in _ELEMENTS:
            after = self._text[end : end + 1]
            if name not in _JOINING and (before[-1:].isalnum() or not before) and after not in {"-", ",", ".", ";", "%", ")"}:
                yield " ", start, end
        elif kind == "entity":
            # "&nbsp" without its semicolon is one too, and what follows it is text.
            length = len(name) + (whole[len(name) : len(name) + 1] == ";")
            yield unescape(whole[:length]), start, start + length
            yield from ((char, start + n, start + n + 1) for n, char in enumerate(whole) if n >= length)
        else:
            yield from ((char, start + n, start + n + 1) for n, char in enumerate(whole))

    def _mark(self, kind: str, name: str = "") -> None:
        line, column = self.getpos()
        self._marks.append((self._lines[line - 1] + column, kind, name))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._mark("start", tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._mark("start", tag)

    def handle_endtag(self, tag: str) -> None:
        self._mark("end", tag)

    def handle_data(self, data: str) -> None:
        self._mark("text")

    def handle_charref(self, name: str) -> None:
        self._mark("entity", f"&#{name}")

    def handle_entityref(self, name: str) -> None:
        self._mark("entity", f"&{name}")

    def handle_comment(self, data: str) -> None:
        self._mark("nothing")

    def handle_decl(self, decl: str) -> None:
        self._mark("nothing")

    def handle_pi(self, data: str) -> None:
        self._mark("nothing")

    def unknown_decl(self, data: str) -> None:
        self._mark("nothing")


@cache
def _converter() -> OpenCC:
    try:
        from opencc import OpenCC
    except ImportError:
        raise ConfigError(
            "the converter of traditional Chinese is not installed", hint="install reckon with its extra zh, or opencc==1.4.2"
        ) from None
    return OpenCC("t2s")


def _simplified(text: str) -> str:
    """Return traditional characters as simplified ones; the text keeps its length, so its places stay."""
    if text.isascii():
        return text
    converted = cast(str, _converter().convert(text))
    if len(converted) == len(text):
        return converted
    return "".join(one if len(one := cast(str, _converter().convert(char))) == 1 else char for char in text)
