"""Words of questions and the names of attributes that answer them, from `gnn/answers/data/attribute_words.txt`."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from importlib.resources import files


@cache
def attribute_words() -> dict[str, frozenset[str]]:
    """Return word of a question → words of names."""
    names_of: dict[str, set[str]] = defaultdict(set)
    for line in files("gnn.answers").joinpath("data", "attribute_words.txt").read_text(encoding="utf-8").splitlines():
        query_words, colon, named = line.partition(":")
        if colon and not line.startswith("#"):
            for word in query_words.split():
                names_of[word].update(named.split())
    return {word: frozenset(names) for word, names in names_of.items()}
