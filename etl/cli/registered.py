"""Options of the command line whose values are the names of a registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand

from kg.errors import ReckonError
from kg.registry import Registry


def name_in(registry: Registry[Any]) -> Callable[[str], str]:
    """Return a parser of an option: a registered name, or an error with the one that was probably meant."""

    def name(value: str) -> str:
        try:
            return str(registry.get(value).name)
        except ReckonError as error:
            raise typer.BadParameter(f"{error.message}; {error.hint}") from None

    return name


def command_listing(registry: Registry[Any]) -> type[TyperCommand]:
    """Return a class of command whose help ends with what is registered; the registry is asked when help is shown, not at import."""

    class Listing(TyperCommand):
        def format_help(self, ctx: Any, formatter: Any) -> None:
            self.epilog = f"Every {registry.kind}: {', '.join(registry.names())}."
            super().format_help(ctx, formatter)

    return Listing
