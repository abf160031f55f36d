"""The language that a command prints in."""

from __future__ import annotations

import typer

from gnn.explain.messages.catalogue import Catalogue
from gnn.explain.messages.languages import Languages
from kg.config import Config, ShopConfig
from kg.workspace import Workspace


def catalogue(workspace: Workspace, config: Config, language: str) -> Catalogue:
    """Return the messages in a language; in the shop's own, and a line that says so, where there are none.

    Args:
        workspace: Its `messages` folder may hold further languages.
        config: Its `[shop] language`.
        language: The tag that was given; empty for the shop's own.
    """
    languages = Languages.of(config.section(ShopConfig).language, workspace.messages)
    if language and not languages.has(language):
        typer.echo(f"no reasons in {language[:60]!r}: printed in {languages.default}; there are {', '.join(languages.names)}", err=True)
    return languages[language or languages.default]
