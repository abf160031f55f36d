"""Reasons to read by eye, and how often they have a fault that a pattern finds: the counts that docs/extraction.md publishes.

    python tests/bench/read_reasons.py -w SHOP [--reasons 200] [--items 3] [--seed 7] [--only-counts]

Takes the first items of the lists of shoppers in a random order (`explain = "brief"`), prints every reason under its item, and counts. A pattern
finds what has a form; a false fact or a weak one is found by reading only.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from etl.published import published_recommender
from gnn.explain.reasons import Reason
from gnn.recommend.query import Recommendation, RecQuery
from gnn.recommend.recommender import Recommender
from kg.workspace import Workspace

_MEASURED = re.compile(r"\d+(?:[.,]\d+)?\s*[^\W\d_]+.*")
_BARE = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_TRADE = re.compile(r"has_(?:\w+_)?(?:pallet|outer|master|carton|compliance|harmonized|package)(?:_|$)")
_CLUMSY = re.compile(r"\bfor as\b|\bwhich you \w+ often\b|^Same (?:\w+ ){6,}as|^Same (?:gender|audience|age group) as", re.IGNORECASE)


@dataclass(frozen=True)
class Shown:
    """A reason as it is shown.

    Attributes:
        item: The item it is for.
        reason: The reason.
        value: The value that is shared; empty where there is none.
        near: Whether the item has a category in common with the history item of the strongest path; True where categories are unknown.
    """

    item: Recommendation
    reason: Reason
    value: str
    near: bool


PATTERNS: dict[str, Callable[[Shown], bool]] = {
    "a quantity across kinds": lambda one: bool(_MEASURED.fullmatch(one.value)) and not one.near,
    "a number without a unit": lambda one: bool(_BARE.fullmatch(one.value)),
    "what both lack": lambda one: one.value.lower() in {"no", "none", "false", "without"},
    "a field for dealers": lambda one: bool(_TRADE.match(one.reason.relation or "")),
    "clumsy": lambda one: bool(_CLUMSY.search(one.reason.sentence)),
    "a maker's number": lambda one: bool(re.search(r"\bno\. \d+", one.reason.sentence)),
    "a share that rounds to 0 %": lambda one: abs(one.reason.share) < 0.005,
    "yes or no": lambda one: one.reason.sentence.endswith(("– yes", "– no")),
    "a detail in common": lambda one: "detail in common" in one.reason.sentence,
}
"""What is wrong with a single reason."""


def repeats(reasons: Sequence[Shown]) -> int:
    """Return how many reasons of one item share their value with an earlier one."""
    values = Counter(one.value.casefold() for one in reasons if one.value)
    return sum(n - 1 for n in values.values())


def wider(reasons: Sequence[Shown]) -> int:
    """Return how many categories stand beside another category among the reasons of one item."""
    return max(0, sum(one.reason.relation == "has_category" for one in reasons) - 1)


def samples(recommender: Recommender, categories: dict[str, frozenset[str]], users: Sequence[str], items: int) -> Iterator[list[Shown]]:
    """Yield the reasons of each sampled item."""
    for user in users:
        answer = recommender.answer(recommender.users.user(user), RecQuery(k=items, explain="brief"))
        for item in answer.items:
            yield [_shown(item, reason, categories) for reason in item.reasons]


def _shown(item: Recommendation, reason: Reason, categories: dict[str, frozenset[str]]) -> Shown:
    keys = [node.key for node in reason.paths[0].nodes] if reason.paths else []
    labels = [next(iter((key or {}).values()), "") for key in keys]
    if len(labels) < 3 or not (reason.relation or "").startswith(("has_", "mentions")):
        return Shown(item, reason, "", near=True)
    own, other = categories.get(item.item_id, frozenset()), categories.get(str(labels[-3]), frozenset())
    return Shown(item, reason, str(labels[-2]), near=not own or not other or not own.isdisjoint(other))


def main() -> None:
    """Read the arguments, print the reasons and the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--reasons", type=int, default=200)
    parser.add_argument("--items", type=int, default=3, help="of each shopper's list")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only-counts", action="store_true")
    arguments = parser.parse_args()
    workspace = Workspace.open(arguments.workspace)
    recommender = published_recommender(workspace)
    table = pl.read_parquet(workspace.build(workspace.current_id() or "") / "catalog" / "items.parquet", columns=["item_id", "categories"])
    categories = {item_id: frozenset(names or ()) for item_id, names in table.iter_rows()}
    users = list(recommender.artifact.user_ids)
    random.Random(arguments.seed).shuffle(users)
    counts: Counter[str] = Counter()
    n = 0
    for reasons in samples(recommender, categories, users, arguments.items):
        shown = reasons[: arguments.reasons - n]
        n += len(shown)
        counts.update(name for one in shown for name, holds in PATTERNS.items() if holds(one))
        counts.update({"one value in two reasons": repeats(shown), "a category and another": wider(shown)})
        if shown and not arguments.only_counts:
            print(f"\n{shown[0].item.title}")
            print("\n".join(f"  {one.reason.share:6.1%}  {one.reason.sentence}" for one in shown))
        if n >= arguments.reasons:
            break
    print(f"\n{n} reasons, seed {arguments.seed}")
    for name in (*PATTERNS, "one value in two reasons", "a category and another"):
        print(f"{counts[name]:5}  {name}")


if __name__ == "__main__":
    main()
