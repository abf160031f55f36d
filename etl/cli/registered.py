"""Options of the command line whose values are the names of a registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand

from kg.errors import ReckonError
from kg.registry import Registry


def name_in(registry: Registry[Any], *others: Registry[Any]) -> Callable[[str], str]:
    """Return a parser of an option: a registered name, or an error with the one that was probably meant.

    Args:
        registry: Where a name is looked for, and which the error speaks of.
        *others: Where it is looked for as well.
    """

    def name(value: str) -> str:
        if any(value in other.names() for other in others):
            return value
        try:
            return str(registry.get(value).name)
        except ReckonError as error:
            raise typer.BadParameter(f"{error.message}; {error.hint}") from None

    return name


def command_with_epilog(epilog: Callable[[], str]) -> type[TyperCommand]:
    """Return a class of command whose help ends with a text that is asked for when the help is shown.

    What is registered is then looked up for nobody else: installed packages may bring some, and no other command waits for them.

    Args:
        epilog: Returns the text.
    """

    class WithEpilog(TyperCommand):
        def format_help(self, ctx: Any, formatter: Any) -> None:
            self.epilog = epilog()
            super().format_help(ctx, formatter)

    return WithEpilog


def every(registry: Registry[Any]) -> Callable[[], str]:
    """Return what says everything that is registered."""
    return lambda: f"Every {registry.kind}: {', '.join(registry.names())}."
