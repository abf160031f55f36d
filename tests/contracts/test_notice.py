"""The notices that licences ask for are whole: `NOTICE` repeats them word for word."""

from __future__ import annotations

import hashlib
from pathlib import Path

NOTICE = Path(__file__).parents[2] / "NOTICE"
WORDNET = "cd6c2ffbed2bc5fd8f78b1d33d3d9088cc7f2da92c5f6e6413377c2288723b4e"
"""Of the text that WordNet 3.0 puts at the head of each of its files, with single blanks."""


def test_the_notice_of_wordnet_is_that_of_its_files() -> None:
    words = " ".join(NOTICE.read_text(encoding="utf-8").split())
    first, last = "This software and database is being provided", "LICENSEE agrees to preserve same."
    text = words[words.index(first) : words.index(last) + len(last)]
    assert hashlib.sha256(text.encode()).hexdigest() == WORDNET
