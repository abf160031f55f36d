"""What is known of single items: the build's tables, and the changes since."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gnn.artifact.artifact import Artifact
from gnn.live.built_item import built_item
from kg.catalog.item_changes import by_item, changed
from kg.catalog.records import Fields, Operation
from kg.errors import NotFoundError
from kg.ledger.item_store import ItemStore
from kg.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ItemState:
    """One item as it is now.

    Attributes:
        fields: What the shop says of it.
        facts: Its attributes with their evidence.
        status: Whose facts these are: those of the build, those of the changed item, or those before a change that waits to be extracted.
    """

    fields: Fields
    facts: Sequence[Mapping[str, Any]]
    status: Literal["built", "live", "pending"]


class ItemStates:
    """The items of a shop, by id.

    Args:
        workspace: Where the build's tables are.
        store: The ledger's changes.
        artifact: Gives the build that answers; None while there is none.
    """

    def __init__(self, workspace: Workspace, store: ItemStore, artifact: Callable[[], Artifact | None]) -> None:
        self._workspace, self._store, self._artifact = workspace, store, artifact

    @property
    def build_id(self) -> str | None:
        """The build that answers."""
        artifact = self._artifact()
        return None if artifact is None else artifact.build_id

    def append(self, changes: Sequence[tuple[str, Operation, Fields]]) -> list[int]:
        """Store changes durably and return their numbers.

        Raises:
            LedgerUnavailableError: The ledger does not answer.
        """
        return self._store.append(changes)

    def existing(self, item_ids: Collection[str]) -> set[str]:
        """Return which items there are now."""
        if not item_ids:
            return set()
        artifact = self._artifact()
        changes = by_item(self._store.of_items(item_ids, 0 if artifact is None else artifact.catalogue_seq))
        known: Collection[str] = () if artifact is None else artifact.item_nums
        blank: Fields = {}
        return {item_id for item_id in item_ids if changed(blank if item_id in known else None, changes.get(item_id, ())) is not None}

    def state(self, item_id: str) -> ItemState:
        """Return one item.

        Raises:
            NotFoundError: There is none.
        """
        artifact = self._artifact()
        changes = self._store.of_items([item_id], 0 if artifact is None else artifact.catalogue_seq)
        known = artifact is not None and item_id in artifact.item_nums
        built = _built(self._workspace.build(artifact.build_id), artifact, item_id) if artifact is not None and known else None
        fields = changed(None if built is None else built.fields, changes)
        if fields is None:
            raise NotFoundError(f"item {item_id!r} does not exist", hint="PUT adds an item")
        if not changes:
            return ItemState(fields, () if built is None else built.facts, "built")
        live = self._store.live(item_id)
        if live is not None and live.seq >= changes[-1].seq:
            return ItemState(fields, live.facts, "live")
        return ItemState(fields, () if built is None else built.facts, "pending")


def _built(build: Path, artifact: Artifact, item_id: str) -> ItemState:
    fields, facts = built_item(build, artifact, item_id)
    return ItemState(fields, facts, "built")
