"""What pages load beside themselves: scripts and style sheets of this package, each named by what it holds, so that browsers may keep it for good."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from kg.errors import NotFoundError

_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file.

    Attributes:
        name: Its path below `static`.
        body: Its bytes.
        media_type: Of the answer.
        version: Twelve characters that stand for its bytes.
        integrity: What a page tells the browser to expect, as Subresource Integrity has it.
    """

    name: str
    body: bytes
    media_type: str
    version: str
    integrity: str

    @property
    def address(self) -> str:
        """Where a page finds it."""
        return f"/console/static/{self.version}/{self.name}"


@cache
def assets() -> dict[str, Asset]:
    """Return the files that pages may load, by their path."""
    return {asset.name: asset for asset in _below(files("api.console") / "static", "")}


def asset(name: str) -> Asset:
    """Return one file.

    Raises:
        NotFoundError: There is none of this name.
    """
    if name not in assets():
        raise NotFoundError(f"the console has no file {name[:80]!r}", hint="load the page again")
    return assets()[name]


def _below(folder: Traversable, prefix: str) -> list[Asset]:
    result: list[Asset] = []
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            result += _below(entry, f"{prefix}{entry.name}/")
        elif (suffix := entry.name[entry.name.rfind(".") :]) in _TYPES:
            result.append(_read(f"{prefix}{entry.name}", entry.read_bytes(), _TYPES[suffix]))
    return result


def _read(name: str, body: bytes, media_type: str) -> Asset:
    integrity = base64.b64encode(hashlib.sha384(body).digest()).decode()
    return Asset(name, body, media_type, hashlib.sha256(body).hexdigest()[:12], f"sha384-{integrity}")
