"""What pages load is what was taken from npm, with its licence, and says what it is."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from api.console.assets import asset, assets
from kg.errors import NotFoundError

VENDORED = {
    "vendor/cytoscape-3.35.0/cytoscape.min.js": "71fa9ebec21a7ca2c40cff6aacc30d1f6464e363662ad4b2c197e1adc770cd94",
    "vendor/htmx-2.0.11/htmx.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    "vendor/uplot-1.6.32/uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "vendor/uplot-1.6.32/uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""SHA-256 of the files of the npm packages."""
LICENCES = {
    "cytoscape-3.35.0": "Permission is hereby granted, free of charge",
    "htmx-2.0.11": "Zero-Clause BSD",
    "uplot-1.6.32": "The MIT License (MIT)",
}


def test_vendored_files_are_those_of_npm() -> None:
    found = {name: hashlib.sha256(each.body).hexdigest() for name, each in assets().items() if name.startswith("vendor/")}
    assert found == VENDORED


def test_each_comes_with_its_licence() -> None:
    folder = files("api.console") / "static" / "vendor"
    assert {each.name for each in folder.iterdir()} == set(LICENCES)
    for package, words in LICENCES.items():
        assert words in (folder / package / "LICENSE").read_text(encoding="utf-8")


def test_a_file_is_named_by_its_bytes() -> None:
    for each in assets().values():
        assert each.integrity == "sha384-" + base64.b64encode(hashlib.sha384(each.body).digest()).decode()
        assert each.address == f"/console/static/{hashlib.sha256(each.body).hexdigest()[:12]}/{each.name}"


def test_only_those_files_are_given() -> None:
    for name in ("../sign_in.py", "vendor/htmx-2.0.11/LICENSE", "", "console.css/"):
        with pytest.raises(NotFoundError):
            asset(name)


def test_our_scripts_run_nothing_that_a_page_says() -> None:
    for name in ("console.js", "graph.js", "charts.js", "cypher.js"):
        text = asset(name).body.decode()
        for way in (".innerHTML", ".outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert way not in text, name


def test_a_wheel_has_all_of_it() -> None:
    root = Path(__file__).parents[3]
    patterns = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]["api"]
    packed = {path for pattern in patterns for path in (root / "api").glob(pattern)}
    kept = {path for path in (root / "api" / "console").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert kept - packed == set()


def test_a_first_page_is_small() -> None:
    first = ("console.css", "console.js", "icon.svg", "vendor/htmx-2.0.11/htmx.min.js")
    assert sum(len(asset(name).body) for name in first) < 100_000
