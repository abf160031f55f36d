"""What a few changed items change in the facts of a shop: exactly the facts that a new extraction of everything would change.

Five things are learned from the whole catalogue: how far a brand's name is trusted in a title, the price bands of a category, which words are no
attributes in a category, which model number is which item's, and which terms titles have in common. A change of one item can therefore change how
others read; those are found and read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from kg.extract.compatibility import changed_models
from kg.extract.gazetteer import changed_words, with_words
from kg.extract.lexicon import placeholders
from kg.extract.pipeline import Extractor
from kg.extract.prices import price_bands
from kg.extract.separation import Separation
from kg.tables import TEXT_FIELDS

INFERRED = "inferred"


@dataclass(frozen=True)
class ChangedFacts:
    """Facts after a change.

    Attributes:
        attributes: All facts of the shop.
        item_ids: Items whose facts were read again, and items that are gone.
    """

    attributes: pl.DataFrame
    item_ids: list[str]


def changed_facts(
    extractor: Extractor, facts: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, changed: Sequence[str], *, text: bool = True
) -> ChangedFacts:
    """Bring the facts of a shop up to date.

    Inferred values of the items read again are left out: they are predicted from all items, and the next rebuild predicts them anew.

    Args:
        extractor: The one that read the facts.
        facts: All facts before.
        before: All items before.
        after: All items after.
        changed: Ids of the items that differ, came or went.
        text: Whether the extractor reads titles, so that brands are learned.
    """
    touched = set(changed)
    if text:
        words = changed_words(before, after, changed)
        nameless = after.filter(pl.col("brand").is_null() | pl.col("brand").str.strip_chars().str.to_lowercase().is_in(sorted(placeholders())))
        touched |= set(with_words(nameless, "title", words)["item_id"])
        old, new = (Separation.learn(items, extractor.language) for items in (before, after))
        touched |= old.differing(new, after)
        numbers = changed_models(before, after, extractor.language)
        touched |= {item_id for field in TEXT_FIELDS for item_id in with_words(after, field, numbers)["item_id"]}
    touched |= _rebanded(before, after) | extractor.with_terms(after, extractor.vocabulary(before).terms ^ extractor.vocabulary(after).terms)
    again = after.filter(pl.col("item_id").is_in(list(touched)))
    read = extractor.extract(again, catalog=after) if again.height else facts.clear()
    kept = facts.filter(~pl.col("item_id").is_in(list(touched)))
    return ChangedFacts(pl.concat([kept, read]), sorted(touched))


def _rebanded(before: pl.DataFrame, after: pl.DataFrame) -> set[str]:
    """Return the items whose price band is another one now."""
    old, new = price_bands(before, before), price_bands(after, after)
    key = ["item_id", "value"]
    return set(old.join(new, on=key, how="anti")["item_id"]) | set(new.join(old, on=key, how="anti")["item_id"])
