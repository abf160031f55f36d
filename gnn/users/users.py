"""Shoppers as a request needs them: what the build knows of one, joined with what has happened since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact, Edges
from gnn.artifact.duplicates import DuplicateGroups
from gnn.events.timing import CLOCK_FROM
from gnn.model.history import History
from gnn.model.scorer import Values, normalised, times_ratings
from gnn.users.events import NO_EVENTS, Events, IntArray, Row, fresh_events, weighted
from gnn.users.interests import NO_EDITS, Edits, edits_over
from kg.catalog.records import InterestEdit, StoredEvent
from kg.schema import RATED, RATED_LOW, kind_of

NO_ITEMS: IntArray = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class User:
    """A shopper at the time of a request.

    Attributes:
        user_id: Who; None for an ad-hoc history.
        events: Of the build and fresh ones, joined.
        history: The same, weighted; empty for somebody of whom nothing is known.
        fresh: The fresh events alone, with times of the build's kind.
        recent: The same with the times they came with.
        edits: Interests that the shopper edited; they are in `history` already.
    """

    user_id: str | None
    events: Events
    history: History
    fresh: Events
    recent: Events
    edits: Edits = NO_EDITS


def with_anchors(artifact: Artifact, nums: Sequence[int], anchor: str) -> User:
    """Return nobody in particular, with these items as the history: what a list around items starts from.

    Args:
        artifact: The build with what changed since.
        nums: item_nums.
        anchor: One of `gnn.explain.sentences.ANCHORS`.
    """
    events = Events.of(Row(num, anchor, 1.0, np.nan) for num in sorted(set(nums)))
    return User(None, events, weighted(events, artifact.model.history, None), NO_EVENTS, NO_EVENTS)


class Users:
    """The shoppers of a build.

    Args:
        artifact: The build.
        gone: item_nums that are deleted: no part of any history.
        interests: Gives the interests that a user edited.
    """

    def __init__(self, artifact: Artifact, gone: IntArray = NO_ITEMS, interests: Callable[[str], tuple[InterestEdit, ...]] = lambda _: ()) -> None:
        self._artifact, self._gone, self._interests = artifact, gone, interests
        self._item_nums = DuplicateGroups.of(artifact).counted(artifact.item_nums, artifact.item_ids)
        met = sorted((edge_type[1], edge_type) for edge_type in artifact.edges if edge_type[0] == "user" and edge_type[2] == "item")
        # High and low ratings are edges of two types, and one way of meeting an item.
        self._relations = tuple(dict.fromkeys(RATED if name == RATED_LOW else name for name, _ in met))
        self._kinds = [self._relations.index(RATED if name == RATED_LOW else name) for name, _ in met]
        self._edges = tuple(artifact.edges[edge_type] for _, edge_type in met)

    def user(self, user_id: str, fresh: Sequence[StoredEvent] = ()) -> User:
        """Return a shopper, known to the build or not.

        Args:
            user_id: Who.
            fresh: What the ledger has taken in since the build.
        """
        user = self._artifact.user_nums.get(user_id)
        return self._user(user_id, NO_EVENTS if user is None else self.events(user), fresh)

    def ad_hoc(self, fresh: Sequence[StoredEvent]) -> User:
        """Return somebody of whom only these events are known."""
        return self._user(None, NO_EVENTS, fresh)

    def _user(self, user_id: str | None, base: Events, fresh: Sequence[StoredEvent]) -> User:
        since = fresh_events(self._rank_items(fresh), self._item_nums) if fresh else NO_EVENTS
        recent = since if self._artifact.timing != "order" or not fresh else fresh_events(fresh, self._item_nums)
        if len(self._gone):
            base, since, recent = (events.chosen(~np.isin(events.items, self._gone)) for events in (base, since, recent))
        events = base.joined(since)
        edits = NO_EDITS if user_id is None else edits_over(self._artifact, self._interests(user_id))
        return User(user_id, events, weighted(events, self._artifact.model.history, user_id, edits), since, recent, edits)

    def _rank_items(self, fresh: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """Return fresh events with times of the build's kind: one that counts in order numbers would take a Unix time for an age without end."""
        if self._artifact.timing != "order":
            return fresh
        end, seq = self._artifact.meetings.end, self._artifact.events_seq
        return [replace(event, time=end + max(1, event.seq - seq)) if event.time >= CLOCK_FROM else event for event in fresh]

    def events(self, user: int) -> Events:
        """Return what a user did according to the build, by user number."""
        bounds = [(int(edges.forward.indptr[user]), int(edges.forward.indptr[user + 1])) for edges in self._edges]
        if not bounds:
            return NO_EVENTS
        rows = [slice(*pair) for pair in bounds]
        return Events(
            self._relations,
            np.concatenate([edges.forward.indices[part] for edges, part in zip(self._edges, rows, strict=True)]).astype(np.int64),
            np.repeat(self._kinds, [end - first for first, end in bounds]),
            np.concatenate([edges.properties["count"][part] for edges, part in zip(self._edges, rows, strict=True)]).astype(np.float64),
            np.concatenate([edges.properties["last_time"][part] for edges, part in zip(self._edges, rows, strict=True)]).astype(np.float64),
            np.concatenate([_ratings(edges, part) for edges, part in zip(self._edges, rows, strict=True)]),
        )

    def histories(self) -> sp.csr_matrix:
        """Return c for all users of the build: the same weights as those of `user`, in one matrix.

        Shapes:
            [n_users, n_items], float32.
        """
        shape = (len(self._artifact.user_ids), self._artifact.n_items)
        weights = self._artifact.model.history
        total = sp.csr_matrix(shape, dtype=np.float64)
        last = np.full(shape[0], -np.inf)
        rows = [np.repeat(np.arange(shape[0]), np.diff(edges.forward.indptr)) for edges in self._edges]
        for edges, users in zip(self._edges, rows, strict=True):
            np.maximum.at(last, users, np.nan_to_num(edges.properties["last_time"], nan=-np.inf))
        last = np.where(np.isfinite(last), last, np.nan)
        for kind, edges, users in zip(self._kinds, self._edges, rows, strict=True):
            ages = last[users] - edges.properties["last_time"]
            values = weights.of_events(weights.weight(kind_of(self._relations[kind])), edges.properties["count"], ages)
            total = total + sp.csr_matrix((values, edges.forward.indices, edges.forward.indptr), shape=shape)
        total.eliminate_zeros()
        rows_of_c = normalised(sp.csr_matrix(total, dtype=np.float32))
        return rows_of_c if weights.ratings is None else times_ratings(rows_of_c, *self._rated(rows), weights.ratings)

    def _rated(self, rows: Sequence[IntArray]) -> tuple[IntArray, IntArray, Values]:
        """Return user, item and the last rating of every pair that has one."""
        columns: list[tuple[IntArray, IntArray, Values, Values]] = []
        for edges, users in zip(self._edges, rows, strict=True):
            ratings = _ratings(edges, slice(None))
            known = np.flatnonzero(np.isfinite(ratings))
            times = np.nan_to_num(np.asarray(edges.properties["last_time"], dtype=np.float64)[known], nan=-np.inf)
            columns.append((users[known], np.asarray(edges.forward.indices, dtype=np.int64)[known], ratings[known], times))
        users, items, ratings, times = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        order = np.lexsort((ratings, times, items, users))
        last = np.append(np.diff(users[order]) | np.diff(items[order]), 1) != 0 if len(order) else np.zeros(0, dtype=bool)
        chosen = order[last]
        return users[chosen], items[chosen], ratings[chosen]


def _ratings(edges: Edges, part: slice) -> Values:
    given = edges.properties.get("rating")
    return np.full(len(edges.properties["count"][part]), np.nan) if given is None else np.asarray(given[part], dtype=np.float64)
