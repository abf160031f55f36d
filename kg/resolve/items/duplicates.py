"""Finds items that a shop lists more than once, across feeds or within one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl
from rapidfuzz import fuzz

from kg.errors import InputError
from kg.resolve.items.blocking import ItemView, candidate_pairs, code_keys, item_views, pairs_of, small_blocks
from kg.resolve.items.matcher import ItemMatcher
from kg.resolve.items.records import write_record
from kg.resolve.merges import DUPLICATE_COLUMNS

DEFAULT_THRESHOLD = 0.9
Pairs = frozenset[tuple[str, str]]

_FIELDS = {
    "title": "title", "name": "title", "description": "description", "brand": "brand", "manufacturer": "brand", "category": "categories",
    "categories": "categories", "price": "price_cents",
}  # fmt: skip
"""Column of a matcher's records → column of the items table."""

_MAX_PRICE_RATIO = 1.5
_MIN_MATCHER_TITLE = 40.0
"""A trained matcher is only asked about titles that are at least so alike (0–100): the others never reach a threshold."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two items that seem to be one.

    Attributes:
        a: Number of the first item.
        b: Number of the second, larger than `a`.
        score: From 0 to 1.
        evidence: Why.
    """

    a: int
    b: int
    score: float
    evidence: str


def _contradiction(a: ItemView, b: ItemView) -> bool:
    """Say whether the shop's structured fields show the two as different items."""
    if a.gtins and b.gtins and not a.gtins & b.gtins:
        return True
    if a.brand and b.brand and a.brand != b.brand:
        return True
    return any(not a.attributes[name] & b.attributes[name] for name in a.attributes.keys() & b.attributes.keys())


def _prices_agree(a: ItemView, b: ItemView) -> bool | None:
    if not a.price_cents or not b.price_cents:
        return None
    return max(a.price_cents, b.price_cents) <= _MAX_PRICE_RATIO * min(a.price_cents, b.price_cents)


def rule_score(a: ItemView, b: ItemView) -> tuple[float, str]:
    """Score two items without a trained matcher; only what a number proves reaches 0.9.

    Equal titles prove nothing: catalogues list hundreds of different "black toner cartridge original" of one brand.

    Args:
        a: One item.
        b: Another.

    Returns:
        Score and evidence. 0 where a trade item number, the brand or an attribute contradicts.
    """
    if _contradiction(a, b):
        return 0.0, "contradicting fields"
    if a.gtins & b.gtins:
        return 0.99, f"same trade item number {min(a.gtins & b.gtins)}"
    alike = fuzz.token_sort_ratio(a.title.joined, b.title.joined)
    same_brand = bool(a.brand) and a.brand == b.brand
    stated = a.stated_codes & b.stated_codes
    if stated and same_brand and _prices_agree(a, b) is not False:
        return 0.97, f"same maker's number {min(stated)} and brand {a.brand}"
    same_codes = a.codes == b.codes and bool(a.codes)
    if same_codes and same_brand and a.title_key == b.title_key and _prices_agree(a, b) is not False:
        return 0.95, f"same title with the part number {min(a.codes)}, same brand {a.brand}"
    return 0.8 * alike / 100, f"titles {alike:.0f} % alike"


def _records(items: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    known = [name for name in columns if name in items.columns or name in _FIELDS]
    if not any(_FIELDS.get(name) == "title" for name in known):
        raise InputError(f"the matcher compares {', '.join(columns)}, which items do not have", hint="train it on records with a title or name")
    records = []
    for row in items.sort("item_id").iter_rows(named=True):
        cells: dict[str, str | None] = {}
        for name in known:
            cell = row.get(name, row.get(_FIELDS.get(name, name)))
            if _FIELDS.get(name) == "price_cents" and name not in row:
                cell = None if cell is None else f"{cell / 100:.2f}"
            cells[name] = " ".join(map(str, cell)) if isinstance(cell, list) else cell
        records.append(write_record(cells))
    return records


def _matched_links(items: pl.DataFrame, views: Sequence[ItemView], pairs: Sequence[tuple[int, int]], matcher: ItemMatcher) -> list[Link]:
    certain = [Link(a, b, *rule_score(views[a], views[b])) for a, b in pairs if views[a].gtins & views[b].gtins]
    uncertain = [
        (a, b)
        for a, b in pairs
        if not views[a].gtins & views[b].gtins
        and not _contradiction(views[a], views[b])
        and fuzz.token_set_ratio(views[a].title.joined, views[b].title.joined) >= _MIN_MATCHER_TITLE
    ]
    if not uncertain:
        return certain
    records = _records(items, matcher.features.columns)
    # A matcher is trained on two feeds; inside one catalogue neither item is left or right, so both directions count alike.
    both = [*uncertain, *((b, a) for a, b in uncertain)]
    frame = pl.DataFrame({"left": [records[a] for a, _ in both], "right": [records[b] for _, b in both]})
    score = matcher.score(frame, rivals=False)["score"].to_numpy().reshape(2, -1).mean(axis=0)
    return certain + [Link(a, b, float(value), "trained matcher") for (a, b), value in zip(uncertain, score, strict=True)]


def _groups(views: Sequence[ItemView], links: Iterable[Link], apart: Pairs) -> list[int]:
    """Join linked items, strongest links first, never joining groups with members that contradict. Returns each item's group head."""

    def refused(a: ItemView, b: ItemView) -> bool:
        return _contradiction(a, b) or (a.item_id, b.item_id) in apart or (b.item_id, a.item_id) in apart

    head = list(range(len(views)))
    members = {number: [number] for number in head}
    for link in sorted(links, key=lambda link: (-link.score, link.a, link.b)):
        a, b = sorted((head[link.a], head[link.b]))
        if a == b or any(refused(views[one], views[other]) for one in members[a] for other in members[b]):
            continue
        for number in members[b]:
            head[number] = a
        members[a] += members.pop(b)
    return head


def find_duplicates(
    items: pl.DataFrame,
    matcher: ItemMatcher | None = None,
    threshold: float = DEFAULT_THRESHOLD,
    *,
    apart: Pairs = frozenset(),
    keys: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Find duplicate items.

    Pairs that share a trade item number or a code, and for a trained matcher those that share a title or rare title words, are scored; links at or
    above the threshold join items into groups. The order of the rows does not matter.

    Args:
        items: Items (`kg.tables.ITEM_COLUMNS`; attribute columns such as gtin, mpn and color are used where they are there).
        matcher: A trained matcher whose records have a title or name; without one, conservative rules score.
        threshold: Lowest score of a link, above 0 and at most 1.
        apart: Pairs of item ids that a person said are different: they never meet in one group.
        keys: `kg.resolve.items.blocking.code_keys` of the items, where they are known already.

    Returns:
        `DUPLICATE_COLUMNS`, sorted by item_id. The score is that of the item's link to `duplicate_of`, or, where they are linked through others
        of the group, the item's best link, whose other end the evidence then names.

    Raises:
        InputError: A column is missing, an item_id is repeated, or the threshold is out of range.
    """
    if not 0 < threshold <= 1:
        raise InputError(f"threshold {threshold} is not above 0 and at most 1", hint="0.9 is a good start")
    missing = [name for name in ("item_id", "title") if name not in items.columns]
    if missing:
        raise InputError(f"table items lacks the columns {', '.join(missing)}", hint=f"it has {', '.join(items.columns) or 'none'}")
    if items["item_id"].is_duplicated().any() or items["item_id"].null_count():
        raise InputError("table items: an item_id is empty or repeated", hint="one row per item_id")
    if matcher is None:
        return _by_rules(items, small_blocks(code_keys(items) if keys is None else keys), threshold, apart)
    views = item_views(items)
    pairs = candidate_pairs(views, by_title=True)
    return _linked(views, _matched_links(items, views, pairs, matcher), threshold, apart)


def changed_duplicates(
    items: pl.DataFrame,
    keys: pl.DataFrame,
    duplicates: pl.DataFrame,
    changed: Sequence[str],
    threshold: float = DEFAULT_THRESHOLD,
    *,
    apart: Pairs = frozenset(),
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bring duplicates that rules found up to date: what `find_duplicates` finds without a matcher, looking only at items near a change.

    Groups are made of items that share keys, directly or through others, so only the groups that a changed item is or was near can differ.

    Args:
        items: All items after the change.
        keys: Keys of all items before it (`kg.resolve.items.blocking.code_keys`).
        duplicates: Duplicates before it.
        changed: Ids of the items that differ, came or went.
        threshold: As in `find_duplicates`.
        apart: As in `find_duplicates`.

    Returns:
        Duplicates and keys after the change.
    """
    after = pl.concat([keys.filter(~pl.col("item_id").is_in(changed)), code_keys(items.filter(pl.col("item_id").is_in(changed)))])
    blocks = [small_blocks(frame) for frame in (keys, after)]
    near = set(changed)
    fresh = set(changed)
    while fresh:
        # A block that has just become too large, or small enough, concerns all its items: it is small before or after.
        touched = [block.filter(pl.col("key").is_in(block.filter(pl.col("item_id").is_in(list(fresh)))["key"].implode())) for block in blocks]
        fresh = {item_id for block in touched for item_id in block["item_id"]} - near
        near |= fresh
    kept = duplicates.filter(~pl.col("item_id").is_in(list(near)))
    again = _by_rules(items.filter(pl.col("item_id").is_in(list(near))), blocks[1].filter(pl.col("item_id").is_in(list(near))), threshold, apart)
    return pl.concat([kept, again]).sort("item_id"), after.sort("key", "item_id")


def _by_rules(items: pl.DataFrame, blocks: pl.DataFrame, threshold: float, apart: Pairs) -> pl.DataFrame:
    views = item_views(items.filter(pl.col("item_id").is_in(blocks["item_id"].implode())))
    return _linked(views, [Link(a, b, *rule_score(views[a], views[b])) for a, b in pairs_of(blocks, views)], threshold, apart)


def _linked(views: Sequence[ItemView], links: Sequence[Link], threshold: float, apart: Pairs) -> pl.DataFrame:
    strong = [link for link in links if link.score >= threshold]
    return _table(views, strong, _groups(views, strong, apart))


def _table(views: Sequence[ItemView], links: Sequence[Link], heads: Sequence[int]) -> pl.DataFrame:
    best: dict[int, tuple[bool, float, int, str]] = {}
    for link in links:
        if heads[link.a] != heads[link.b]:
            continue
        for item, other in ((link.a, link.b), (link.b, link.a)):
            offer = (other == heads[item], link.score, -other, link.evidence)
            best[item] = max(best.get(item, offer), offer)
    rows = []
    for item in sorted(best):
        if heads[item] == item:
            continue
        direct, score, other, evidence = best[item]
        rows.append((views[item].item_id, views[heads[item]].item_id, score, evidence if direct else f"{evidence}, with {views[-other].item_id}"))
    return pl.DataFrame(rows, schema=dict(DUPLICATE_COLUMNS), orient="row")
