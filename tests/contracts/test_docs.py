"""Every file that the pages name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
PATH = re.compile(r"(?<![\w/.<-])(?:kg|gnn|api|etl|tests|docs|docker)/[\w/.-]*\w\.(?:py|md|toml|jsonl|json|yaml|yml|sh|cypher|png|svg)\b")
FOLDER = re.compile(r"`((?:kg|gnn|api|etl|tests|docs|docker)/[\w/-]*)`")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
NEW = re.compile(r"^```\w+ file=(\S+)$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_and_links_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {*PATH.findall(text), *FOLDER.findall(text)} - set(NEW.findall(text))
    missing = sorted(path for path in named if not (ROOT / path).exists())
    missing += sorted(link for link in LINK.findall(text) if not (page.parent / link).exists())
    assert missing == []
