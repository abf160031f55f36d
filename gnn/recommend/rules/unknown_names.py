"""What a rule names and a build does not have: mostly a misspelling, sometimes what is yet to come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gnn.artifact.artifact import Artifact
from gnn.explain.messages.message import Message, say
from gnn.recommend.filters import ArtifactColumns, Filter, Join, parse_filter
from gnn.recommend.rules.definition import Rule
from kg.errors import InputError
from kg.validation.suggest import closest

_MOST = 20


def unknown_names(rule: Rule, artifact: Artifact) -> list[Message]:
    """Return a sentence for each item, brand, category and value that a rule names and the build does not have; the first twenty.

    Args:
        rule: The rule.
        artifact: The build that answers, with what changed since.
    """
    unknown: list[Message] = []
    for field, relation, names in _named(rule, artifact):
        known = _known(artifact, relation)
        folded = {name.casefold() for name in known} if relation else known
        for name in names:
            if (name.casefold() if relation else name) not in folded:
                unknown.append(_unknown(field, relation, name, closest(name, known)))
                if len(unknown) == _MOST:
                    return unknown
    return unknown


def _named(rule: Rule, artifact: Artifact) -> Iterator[tuple[str, str, Sequence[str]]]:
    yield "items", "", rule.items
    yield "brands", "has_brand", rule.brands
    yield "categories", "has_category", rule.categories
    yield from _filtered("where", rule.where, artifact)
    if rule.segment is not None:
        yield "segment.met_items", "", rule.segment.met_items
        yield from _filtered("segment.met", rule.segment.met, artifact)


def _filtered(field: str, raw: object, artifact: Artifact) -> Iterator[tuple[str, str, Sequence[str]]]:
    if raw is None:
        return
    try:
        wanted = parse_filter(raw, ArtifactColumns(artifact))
    except InputError:
        # That is no misspelt name but a filter that cannot be applied, and is said elsewhere.
        return
    yield from _tests(field, wanted)


def _tests(field: str, wanted: Filter) -> Iterator[tuple[str, str, Sequence[str]]]:
    if isinstance(wanted, Join):
        for part in wanted.parts:
            yield from _tests(field, part)
    elif isinstance(wanted.operand, tuple) and (wanted.type == "relation" or wanted.column == "item_id"):
        yield field, wanted.column if wanted.type == "relation" else "", [str(value) for value in wanted.operand]


def _known(artifact: Artifact, relation: str) -> set[str]:
    if not relation:
        return set(artifact.item_nums)
    targets = {target for _, name, target in artifact.edges if name == relation}
    return {key for target in targets for key in (artifact.item_nums if target == "item" else artifact.node_keys.get(target, ()))}


def _unknown(field: str, relation: str, name: str, near: str | None) -> Message:
    noun = say(f"unknown_name.noun.{relation or 'item'}", relation=relation)
    if near is None:
        return say("unknown_name.plain", field=field, noun=noun, name=repr(name[:100]))
    return say("unknown_name.near", field=field, noun=noun, name=repr(name[:100]), near=repr(near))
