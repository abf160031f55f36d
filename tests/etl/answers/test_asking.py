"""`reckon ask`: from the published build, with what each sentence rests on."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from etl.answers.commands import answer_question
from kg.errors import InputError, NotFoundError, ReckonError
from kg.workspace import Workspace


def asked(workspace: Workspace, *args: str) -> str:
    app = typer.Typer()
    app.command()(answer_question)
    result = CliRunner().invoke(app, [*args, "-w", str(workspace.root)])
    if isinstance(result.exception, ReckonError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_questions_are_answered_with_citations(small_shop: Workspace) -> None:
    told = asked(small_shop, "which brand is it?", "--item", "2")
    assert "brand Leafy." in told
    assert "fact: 2 has_brand Leafy" in told
    assert "explanation: 2" in asked(small_shop, "why was this shown to me?", "--item", "2", "--user", "u")
    assert "for a person to answer" in asked(small_shop, "is it dishwasher safe?", "--item", "2")
    assert "for a person to answer" in asked(small_shop, "which brand is it?")
    assert "small_talk" in asked(small_shop, "hello")


def test_what_cannot_be_asked(small_shop: Workspace) -> None:
    with pytest.raises(NotFoundError):
        asked(small_shop, "which brand is it?", "--item", "nothing")
    with pytest.raises(InputError, match="1001 characters"):
        asked(small_shop, "x" * 1001)
