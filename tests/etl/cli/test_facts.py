"""`reckon facts`, `reckon resolve undo` and `reckon import --changes` before there is any build: said, kept, and left to the next rebuild."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from etl.cli.app import app
from kg.errors import NotFoundError
from kg.resolve.kept_apart import ResolveLog

RUN = CliRunner()


def run(shop: Path, *arguments: str) -> str:
    result = RUN.invoke(app, [*arguments, "-w", str(shop)])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_corrections_are_listed_and_undone(shop: Path) -> None:
    assert "stated by ann" in run(shop, "facts", "set", "1", "color", "Green", "--by", "ann", "--note", "the photo")
    assert "dropped by bo" in run(shop, "facts", "drop", "1", "has_brand", "Leafy", "--by", "bo")
    assert [line.split()[:5] for line in run(shop, "facts", "list").splitlines()] == [
        ["1", "set", "1", "has_color", "Green"],
        ["2", "drop", "1", "has_brand", "Leafy"],
    ]
    assert "undone: set" in run(shop, "facts", "undo", "1", "--by", "cy")
    assert [json.loads(line)["n"] for line in run(shop, "facts", "list", "--json").splitlines()] == [2]
    assert "undone by cy" in run(shop, "facts", "list", "--all")
    with pytest.raises(NotFoundError):
        run(shop, "facts", "undo", "1", "--by", "cy")


def test_what_is_kept_apart_is_remembered(shop: Path) -> None:
    run(shop, "resolve", "undo", "brand", "hp inc", "--by", "ann")
    run(shop, "resolve", "undo", "--items", "2", "1", "--by", "ann")
    log = ResolveLog(shop / "resolve.jsonl")
    assert log.values().rows() == [("has_brand", "hp inc")]
    assert log.items() == {("1", "2")}
    run(shop, "resolve", "undo", "--items", "1", "2", "--by", "ann", "--again")
    assert not log.items()


def test_what_needs_a_build_says_so(shop: Path) -> None:
    (shop / "c.jsonl").write_text('{"op":"delete_item","item_id":"1"}\n')
    for arguments in (["import", "--changes", str(shop / "c.jsonl")], ["resolve", "values"], ["resolve", "items"], ["graph", "hygiene"]):
        with pytest.raises(NotFoundError, match=r"build|report"):
            run(shop, *arguments)


def test_the_schema_needs_no_workspace() -> None:
    assert "# The schema of the graph" in RUN.invoke(app, ["graph", "schema"]).stdout
