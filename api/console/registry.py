"""The registry of the console's pages.

A page is a module in `api/console/pages`, or an object that a package names in the entry-point group `reckon.console_pages`; it brings its routes,
its templates and its words (docs/how-to/add-a-console-page.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fastapi import APIRouter

from kg.registry import Registry


class Page(Protocol):
    """One page of the console, with everything below its address.

    Attributes:
        name: Its address below /console.
        order: Its place among the others; the smallest comes first and is what /console shows.
        scope: What a key must carry to see it.
        router: Its routes, made by `api.console.visit.page_router`; "" is the page itself.
        titles: Language → what the navigation calls it; English must be among them.
        templates: Folder of its templates; None where they are among the console's own.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  (described above)

    @property
    def order(self) -> int: ...  # noqa: D102  (described above)

    @property
    def scope(self) -> str: ...  # noqa: D102  (described above)

    @property
    def router(self) -> APIRouter: ...  # noqa: D102  (described above)

    @property
    def titles(self) -> Mapping[str, str]: ...  # noqa: D102  (described above)

    @property
    def templates(self) -> Path | None: ...  # noqa: D102  (described above)


@dataclass(frozen=True)
class ConsolePage:
    """A page as most are: its members and nothing else."""

    name: str
    order: int
    scope: str
    router: APIRouter
    titles: Mapping[str, str]
    templates: Path | None = field(default=None)


def _fault(page: Page) -> str:
    return "" if page.titles.get("en") else "has no English title"


PAGES: Registry[Page] = Registry(
    "console page", Page, group="reckon.console_pages", package="api.console.pages", order=lambda page: page.order, check=_fault
)
