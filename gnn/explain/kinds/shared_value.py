"""A value that both items have: a brand, a colour, a size."""

from __future__ import annotations

import re
from functools import lru_cache

from gnn.explain.display_titles import NUMBERED, shortened
from gnn.explain.kinds.base import REASONS, ReasonContext, ReasonKind, Scope, Source
from gnn.explain.messages.languages import english
from gnn.explain.messages.message import Message, say
from gnn.explain.sentences import attribute_name
from kg.field_names import words_of
from kg.schema import MetaPath, value_type

_ANSWERS = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
_BARE = re.compile(r"[-+]?\d+(?:[.,]\d+)?(?:\s*[-–x×/]\s*[-+]?\d+(?:[.,]\d+)?)*")
_QUANTITY = re.compile(r"[<>≤≥±~]?\s*\d.*")
_COUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:x|ct|count|pack|pk|packs|pcs|pc|pieces?|stück)?", re.IGNORECASE)
"""A number of pieces."""
_COUNTED = frozenset(
    {"quantity", "number", "count", "ports", "cores", "threads", "pieces", "slots", "pack", "players", "doors", "seats", "speeds"}
    | {"version", "year", "generation", "series", "class", "level", "grade", "spf", "size", "model", "edition"}
)
"""What a bare number says something of; all else needs a unit: "width: 340" says nothing."""
_OF_THE_TRADE = frozenset({"pallet", "outer", "master", "carton", "compliance", "certification", "harmonized", "package"})
"""Words of fields that are for dealers."""
_OF_ITS_KIND = frozenset({"pack", "packaging"})
_MOST_WORDS = 6
"""A longer field name is none that a sentence can hold."""
_ENDS_OPEN = frozenset({"for", "with", "in", "by", "to", "of", "from"})
"""A field name that ends so is no noun: "suitable for"."""
_FOR_WHOM = ("has_gender", "has_age_group", "has_audience")
_SPELLINGS = {
    "colour": "color",
    "colours": "color",
    "colors": "color",
    "flavour": "flavor",
    "grey": "gray",
    "manufacturer": "brand",
    "vendor": "brand",
}
_GENERAL = frozenset({"product", "item", "article", "main", "of", "the", "per", "in", "quantity", "number"})
"""Words of field names that tell no field from another."""


class SharedValue(ReasonKind):
    """Paths item → value ← item; each value is a reason of its own."""

    name = "shared_value"
    order = 110
    by_value = True

    def takes(self, source: Source) -> bool:
        """Say whether it goes through values of an attribute, and not through products outside the catalogue."""
        return not isinstance(source, str) and source.family == "attribute" and source.steps[0].end == value_type(source.relation)

    def message(self, context: ReasonContext) -> Message:
        """Say what is the same."""
        relation, value = context.meta_path.relation, context.value
        name = attribute_name(relation)
        if value.lower() in _ANSWERS:
            return say("attribute.flag", name=name, history=context.history, value=say(f"answer.{_ANSWERS[value.lower()]}"))
        open_end = _words(relation)[-1] in _ENDS_OPEN and f"attribute.{relation}" not in english().templates
        if not relation.startswith("has_") or open_end:
            return say("attribute.flag", name=name, history=context.history, value=shortened(value))
        if NUMBERED.fullmatch(value):
            return say("attribute.unnamed", name=name, history=context.history)
        if relation in _FOR_WHOM and value.lower() != "unisex":
            return say("attribute.for_whom", history=context.history, value=say(f"for_whom.{value.lower()}", value=shortened(value)))
        return say(f"attribute.{relation}", name=name, history=context.history, value=shortened(value))

    def scope(self, source: Source, value: str) -> Scope:
        """Keep counts to items of one kind and quantities to a category; bare measures, what an item lacks and what is for dealers are no reason."""
        relation = "" if isinstance(source, str) else source.relation
        words, answer = _words(relation), _ANSWERS.get(value.lower())
        if answer == "no" or len(words) > _MOST_WORDS or _OF_THE_TRADE & set(words):
            return "nowhere"
        if _BARE.fullmatch(value):
            return "kind" if _COUNTED & set(words) and value not in ("0", "1") else "nowhere"
        if answer or _COUNT.fullmatch(value) or _OF_ITS_KIND & set(words):
            return "kind"
        return "category" if _QUANTITY.fullmatch(value) else "anywhere"

    def by_name(self, context: ReasonContext) -> Message | None:
        """Name the field, not its value: "Same height as …" where the height has no unit. What both lack and fields for dealers stay unnamed."""
        relation = context.meta_path.relation
        words = _words(relation)
        if not relation.startswith("has_") or len(words) > _MOST_WORDS or _OF_THE_TRADE & set(words) or words[-1] in _ENDS_OPEN:
            return None
        if _ANSWERS.get(context.value.lower()) == "no":
            return None
        return say("attribute.unnamed", name=attribute_name(relation), history=context.history)

    def joined(self, first: ReasonContext, second: ReasonContext) -> Message | None:
        """Say a value once that two fields of nearly one name have: color and colour, type and product type."""
        if not _same_value(first, second) or not _near(first.meta_path, second.meta_path):
            return None
        # The sentence must be true of all whom it names: those of the wider group share this very field.
        context = first.wider(second)
        return None if context is None else self.message(context)


KIND = REASONS.register(SharedValue())


@lru_cache(maxsize=4_096)
def _words(relation: str) -> tuple[str, ...]:
    words = words_of(relation.removeprefix("has_")).lower().split()
    return tuple(_SPELLINGS.get(word, word) for word in words)


def _near(first: MetaPath, second: MetaPath) -> bool:
    """Say whether two fields have a distinctive word in common."""
    own, other = (set(_words(meta_path.relation)) for meta_path in (first, second))
    return own == other or bool((own & other) - _GENERAL)


def _same_value(first: ReasonContext, second: ReasonContext) -> bool:
    own, other = (" ".join(context.value.casefold().split()) for context in (first, second))
    if own == other:
        return True
    counts = [_COUNT.fullmatch(value) for value in (own, other)]
    return all(counts) and counts[0] is not None and counts[1] is not None and counts[0][1] == counts[1][1]
