"""Robustness and speed of search on a published workspace: `python -m tests.bench.bench_search WORKSPACE [--items 100000]`.

Typos, units and compounds are generated from the catalogue's own titles with a seed; each counts as found where its item is among the first ten.
Speed is measured over the catalogue repeated until it has as many items.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from etl.search.opened import opened
from gnn.search.corpus import Corpus
from gnn.search.engine import SearchEngine
from gnn.search.fields import FIELDS, ItemText
from gnn.search.index import SearchIndex
from gnn.search.query.suggest import Suggester
from gnn.search.query.understanding import Reader
from gnn.search.request import SearchQuery
from gnn.search.scoring import match
from kg.config import load_config
from kg.extract.quantities.amounts import amounts
from kg.workspace import Workspace

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CONVERTED = {
    "centimeter": ("meter", 0.01, "m"),
    "meter": ("centimeter", 100, "cm"),
    "milliliter": ("liter", 0.001, "l"),
    "gram": ("kilogram", 0.001, "kg"),
}


def misspelt(word: str, edits: int, draw: random.Random) -> str:
    """Return a word with as many edits: a letter left out, doubled, exchanged with its neighbour, or replaced."""
    for _ in range(edits):
        at = draw.randrange(1, len(word) - 1)
        word = draw.choice(
            [
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
                word[:at] + draw.choice(_LETTERS) + word[at + 1 :],
            ]
        )
    return word


def _words(title: str) -> list[str]:
    return [word for word in title.split()[:7] if word.isascii()]


def typos(engine: SearchEngine, n: int, edits: int) -> list[tuple[str, str]]:
    """Return (query, item id): the first words of a title, the longest common word of letters misspelt."""
    draw = random.Random(edits)
    queries: list[tuple[str, str]] = []
    df, ids = engine.corpus.base.statistics.df, engine.recommender.artifact.item_ids
    while len(queries) < n:
        num = draw.randrange(len(ids))
        words = _words(engine.corpus.title(num))
        long = [word for word in words if word.isalpha() and len(word) >= 5 + 3 * (edits - 1) and df.get(word.lower(), 0) >= 2]
        if long:
            word = max(long, key=len)
            queries.append((" ".join(misspelt(one.lower(), edits, draw) if one == word else one for one in words), ids[num]))
    return queries


def units(engine: SearchEngine, n: int) -> list[tuple[str, str]]:
    """Return (query, item id): the first words of a title with one of its quantities in another unit."""
    draw, found = random.Random(3), []
    ids = engine.recommender.artifact.item_ids
    for num in draw.sample(range(len(ids)), len(ids)):
        title = engine.corpus.title(num)
        for amount in amounts(title):
            value, unit = amount.parts[0][0], amount.unit
            if unit in _CONVERTED and amount.shape == "amount" and len(amount.parts) == 1:
                _, factor, short = _CONVERTED[unit]
                around = [*_words(title[: amount.start]), f"{value * factor:g} {short}", *_words(title[amount.end :])]
                found.append((" ".join(around[:8]), ids[num]))
                break
        if len(found) == n:
            break
    return found


def compounds(engine: SearchEngine, n: int) -> list[tuple[str, str]]:
    """Return (query, item id): the first words of a title, two of letters written as one, or one that is two words of the catalogue split."""
    draw, found = random.Random(4), []
    ids, df = engine.recommender.artifact.item_ids, engine.corpus.base.statistics.df
    for num in draw.sample(range(len(ids)), len(ids)):
        words = _words(engine.corpus.title(num))
        for at in range(len(words) - 1):
            first, second = words[at].lower(), words[at + 1].lower()
            if first.isalpha() and second.isalpha() and min(len(first), len(second)) >= 3 and min(df.get(first, 0), df.get(second, 0)) >= 20:
                found.append((" ".join([*words[:at], first + second, *words[at + 2 :]]), ids[num]))
                break
        if len(found) == n:
            break
    return found


def share_found(engine: SearchEngine, asked: list[tuple[str, str]]) -> tuple[float, list[str]]:
    """Return the share of queries whose item, or one with the same title, is among the first ten, and some that failed."""
    nums = engine.recommender.artifact.item_nums
    failed = []
    for text, item_id in asked:
        titles = [hit.title for hit in engine.search(SearchQuery(text)).hits]
        if engine.recommender.artifact.titles[nums[item_id]] not in titles:
            failed.append(text)
    return 1 - len(failed) / len(asked), failed[:5]


def speed(engine: SearchEngine, n_items: int) -> None:
    """Print how long an index of so many items takes to build and load, and queries over it: matching, ranking, and reasons for ten."""
    base = engine.corpus.base
    texts = base.texts.rows()
    items = [ItemText((f"{row[0]} x{number}", *row[1:])) for number, row in ((n, texts[n % len(texts)]) for n in range(n_items))]
    started = time.process_time()
    index = SearchIndex.build(items)
    print(f"index of {n_items:,} items: {time.process_time() - started:.1f} s of processor time ({len(FIELDS)} fields, {len(index.terms):,} terms)")
    corpus = Corpus.of(index)
    reader = Reader(engine.prepared.speller, engine.prepared.synonyms, corpus.terms_beginning)
    weights = engine.prepared.weights.values
    queries = [text for text, _ in typos(engine, 100, 1)] + [" ".join(_words(engine.corpus.title(n))[:2]) for n in range(0, 19_000, 100)]

    def asked(text: str) -> None:
        found = match(corpus, reader.read(text))
        scores = found.scores(weights)
        best = np.argpartition(-scores, min(9, len(scores) - 1))[:10] if len(scores) else np.zeros(0, dtype=np.int64)
        np.sort(scores[best])

    _print_times("query", [_timed(asked, text) for text in queries])
    suggester = Suggester(corpus, engine.recommender.artifact, np.ones(n_items, dtype=bool))
    prefixes = [text[:length] for text in queries[100:] for length in (3, 6)]

    def typed(text: str) -> None:
        words = text.lower().split()
        suggester._products(words, words[-1], 8)

    _print_times("products of a suggestion", [_timed(typed, text) for text in prefixes if text.strip()])


def _timed(work: Callable[[str], None], text: str) -> float:
    started = time.process_time()
    work(text)
    return (time.process_time() - started) * 1e3


def _print_times(name: str, times: list[float]) -> None:
    values: npt.NDArray[np.float64] = np.asarray(times)
    low, high = np.quantile(values, [0.5, 0.99])
    print(f"{name}: p50 {low:.1f} ms, p99 {high:.1f} ms of processor time")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--items", type=int, default=0)
    chosen = parser.parse_args()
    workspace = Workspace.open(chosen.workspace)
    engine, _ = opened(workspace, load_config(workspace.root, os.environ))
    for name, asked in (
        ("one edit", typos(engine, 150, 1)),
        ("two edits", typos(engine, 150, 2)),
        ("units", units(engine, 100)),
        ("compounds", compounds(engine, 50)),
    ):
        share, failed = share_found(engine, asked)
        print(f"{name}: {share:.1%} of {len(asked)} in the first ten; failed: {failed}")
    if chosen.items:
        speed(engine, chosen.items)


if __name__ == "__main__":
    main()
