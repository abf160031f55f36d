"""Recommendations and explanations from one snapshot: one code path for one user, an ad-hoc history, and lists around items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact
from gnn.explain.explainer import Explainer, History
from gnn.graph.walks import FloatArray
from gnn.live.overlay import Overlay
from gnn.recommend import batch
from gnn.recommend.candidates import candidates
from gnn.recommend.explained_list import adjusted, pinned_item, recommendations
from gnn.recommend.filters import ArtifactColumns, BoolArray, Filter
from gnn.recommend.query import Recommendation, Recommendations, RecQuery, item_hash
from gnn.recommend.ranking import rank_items, ranked_by_score
from gnn.recommend.rerankers.base import reranking
from gnn.recommend.rules.compiled import Rules
from gnn.recommend.rules.reordering import RuleReordering
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.snapshot import Snapshot, assemble
from gnn.recommend.strategies.base import Context
from gnn.recommend.strategies.registry import STRATEGIES, strategy_of
from gnn.users.events import Row
from gnn.users.users import User, Users, with_anchors
from kg import schema
from kg.catalog.records import StoredEvent
from kg.errors import InputError, NotFoundError
from kg.validation.ratings import RatingScale, checked_rating

HistoryEvent = tuple[str, str, float | None] | tuple[str, str, float | None, float | None]
"""item_id, kind, time, and of ratings the value."""


class Recommender:
    """Answers from one snapshot; it has no state of its own.

    Args:
        snapshot: What answers depend on; a build alone is answered from without rules, changes and edited interests.
    """

    def __init__(self, snapshot: Snapshot | Artifact) -> None:
        self._snapshot = snapshot if isinstance(snapshot, Snapshot) else assemble(snapshot)

    @property
    def snapshot(self) -> Snapshot:
        """What answers depend on."""
        return self._snapshot

    @property
    def artifact(self) -> Artifact:
        """The build with what changed since."""
        return self._snapshot.artifact

    @property
    def build(self) -> Artifact:
        """The build, without what changed since."""
        return self._snapshot.engine.artifact

    @property
    def overlay(self) -> Overlay | None:
        """What changed since the build, if anything is known of changes."""
        return self._snapshot.overlay

    @property
    def users(self) -> Users:
        """The users of the build."""
        return self._snapshot.users

    @property
    def columns(self) -> ArtifactColumns:
        """What filters test."""
        return self._snapshot.columns

    @property
    def rules(self) -> Rules:
        """The business rules that hold."""
        return self._snapshot.rules

    @property
    def explainer(self) -> Explainer:
        """What explains the scores that rank."""
        return self._snapshot.scoring.explainer

    @property
    def matching(self) -> Callable[[Mapping[str, object]], BoolArray]:
        """Gives the items that a filter lets through, as it came out of JSON; it does not hold on to this recommender."""
        return self._snapshot.masks.matching

    @property
    def rating_scale(self) -> RatingScale | None:
        """What a rating may be; None where the build has no ratings with values."""
        ratings = self.build.model.history.ratings
        return None if ratings is None else RatingScale(*ratings.scale)

    def recommend(
        self,
        user_id: str,
        k: int = 10,
        *,
        fresh: Sequence[StoredEvent] = (),
        exclude_seen: bool = True,
        explain: bool = True,
        show_ids: bool = False,
    ) -> Recommendations:
        """Recommend items to a user.

        Args:
            user_id: Who; somebody unknown, or known without a history, gets popular items.
            k: How many.
            fresh: What the ledger has taken in since the build; joined with the history that the build knows.
            exclude_seen: Leave out what is in the history.
            explain: Give reasons.
            show_ids: Name the other shoppers on paths; only for those who may read the graph.
        """
        query = RecQuery(k=k, explain="full" if explain else "none", exclude_seen=exclude_seen, show_ids=show_ids)
        return self.answer(self.users.user(user_id, fresh), query)

    def recommend_history(self, events: Sequence[HistoryEvent], k: int = 10, *, explain: bool = True) -> Recommendations:
        """Recommend items to somebody of whom only these events are known.

        Args:
            events: (item_id, kind, time), and the value of a rating where there is one.
            k: How many.
            explain: Give reasons.

        Raises:
            NotFoundError: An item is unknown.
        """
        return self.answer(self.ad_hoc(events), RecQuery(k=k, explain="full" if explain else "none"))

    def ad_hoc(self, events: Sequence[HistoryEvent]) -> User:
        """Return somebody of whom only these events are known: (item_id, kind, time), and the value of a rating where there is one.

        Raises:
            NotFoundError: An item is unknown.
            InputError: A rating is outside the shop's scale.
        """
        rows = []
        for n, (item_id, kind, time, *value) in enumerate(events, start=1):
            self.item_num(item_id)
            rating = value[0] if value and kind == "rating" else None
            if rating is not None:
                checked_rating(rating, self.rating_scale)
            rows.append(StoredEvent(n, "", item_id, kind, np.nan if time is None else time, value=rating))
        return self.users.ad_hoc(rows)

    def answer(self, user: User, query: RecQuery) -> Recommendations:
        """Answer a query for a user.

        Args:
            user: With the fresh events, from `users`.
            query: What the caller asked for.

        Raises:
            InputError: There is no such strategy for a user, or it needs times that the shop's events lack.
        """
        return self._listed(user, query, strategy_of(query.strategy).score(Context(self._snapshot.scoring, user), query))

    def around(self, strategy: str, item_ids: Sequence[str], query: RecQuery) -> Recommendations:
        """List what a strategy finds around items.

        Args:
            strategy: Name of one around items.
            item_ids: The items.
            query: What the caller asked for; its strategy is replaced.

        Raises:
            NotFoundError: An item is unknown.
            InputError: There is no such strategy around items.
        """
        chosen = strategy_of(strategy, around_items=True)
        user = with_anchors(self.artifact, [self.item_num(item_id) for item_id in item_ids], chosen.anchor)
        query = replace(query, strategy=strategy)
        return self._listed(user, query, chosen.score(Context(self._snapshot.scoring, user), query))

    def similar(self, item_id: str, query: RecQuery) -> Recommendations:
        """List the items most similar to one.

        Raises:
            NotFoundError: The item is unknown.
        """
        return self.around("similar", [item_id], query)

    def bought_together(self, item_id: str, query: RecQuery) -> Recommendations:
        """List what is bought together with an item.

        Raises:
            NotFoundError: The item is unknown.
        """
        return self.around("bought_together", [item_id], query)

    def basket(self, item_ids: Sequence[str], query: RecQuery) -> Recommendations:
        """List what completes a basket.

        Raises:
            NotFoundError: An item is unknown.
        """
        return self.around("basket", item_ids, query)

    def _listed(self, user: User, query: RecQuery, scored: Scored) -> Recommendations:
        """Exclude, adjust, rank and explain what has been scored: every list of every strategy goes through here."""
        if query.k < 1:
            raise InputError(f"k is {query.k}", hint="ask for at least one item")
        snapshot = self._snapshot
        active = (snapshot.rules if query.rules is None else query.rules).active(user)
        reranked = reranking(query, snapshot.scoring.neighbourhoods, rules=bool(active.caps or active.pins), rule_caps=bool(active.caps))
        end = query.offset + query.k + 1
        considered = candidates(snapshot, user, query, scored, active, max(reranked.depth, end))
        # Pins are for the lists that a shopper is shown by default; they have no place among what is like an item, or trends.
        by_rules = RuleReordering(active, active.pins if STRATEGIES.get(scored.strategy).filled else (), end, considered.excluded)
        reorderings = (*reranked.reorderings, *((by_rules,) if by_rules.applies else ()))
        ranked = rank_items(considered, query.k + 1, offset=query.offset, reorderings=reorderings, depth=reranked.depth)
        # One more than asked for tells whether the list goes on.
        more, ranked = len(ranked) > query.k, ranked[: query.k]
        if query.withheld:
            # The list may have changed since an earlier page was shown; what was on it does not come twice.
            ranked = [item for item in ranked if item_hash(self.artifact.item_ids[item.num]) not in query.withheld]
        explained = recommendations(self.artifact, scored, ranked, query, snapshot.scoring.popularity.reason)
        items = tuple(pinned_item(item, by_rules.pinned.get(place.num), query) for place, item in zip(ranked, explained, strict=True))
        effects = by_rules.effects(ranked, [item.item_id for item in items])
        names = (*reranked.names, *(("rules",) if by_rules.applies else ()))
        edits = user.edits.applied(user.events.met()) if user.edits.values else ()
        n_fresh = len(user.fresh.items)
        return Recommendations(self.artifact.build_id, user.user_id, scored.strategy, items, n_fresh, names, effects, more, edits)

    def saved(self, user_id: str) -> frozenset[tuple[str, str]]:
        """Return (item id, edge type) of the edges by which the build's graph links items with a user."""
        user = self.artifact.user_nums.get(user_id)
        events = [] if user is None else self.events(user)
        return frozenset((self.artifact.item_ids[event.item], schema.relation(event.relation).type) for event in events)

    def check_relation(self, relation: str) -> None:
        """Check that items have this relation.

        Raises:
            InputError: None has.
        """
        self._snapshot.scoring.neighbourhoods.check(relation)

    def mask(self, wanted: Filter) -> BoolArray:
        """Return which items a filter lets through; the last few filters are remembered."""
        return self._snapshot.masks.of(wanted)

    def explain(
        self,
        user_id: str,
        item_id: str,
        *,
        fresh: Sequence[StoredEvent] = (),
        max_reasons: int = 1000,
        max_paths: int = 50,
        show_ids: bool = False,
    ) -> Recommendation:
        """Explain the score of one item for a user, whether it would be recommended or not.

        The rank is the one among what may be recommended, even where the item itself may not.

        Raises:
            NotFoundError: The item is unknown, or the user has no history to explain anything from.
        """
        item = self.item_num(item_id)
        shopper = self.known(user_id, fresh)
        scored = self._snapshot.scoring.from_history(shopper.history)
        ranked = ranked_by_score(candidates(self._snapshot, shopper, RecQuery(), scored, self.rules.active(shopper), item=item), item)
        explanation = self.explainer.explain(
            shopper.history, item, max_reasons=max_reasons, max_paths=max_paths, max_history=len(shopper.history.nums), show_ids=show_ids
        )
        explanation = adjusted(explanation, ranked.changes, shown=True)
        trend = self.build.trend(item)
        title = self.artifact.titles[item]
        return Recommendation(item_id, title, ranked.rank, explanation.score, explanation.remainder, explanation.reasons, ranked.rank, title, trend)

    def known(self, user_id: str, fresh: Sequence[StoredEvent] = ()) -> User:
        """Return a shopper with a history.

        Raises:
            NotFoundError: There is nothing to explain anything from.
        """
        shopper = self.users.user(user_id, fresh)
        if not len(shopper.history.nums):
            raise NotFoundError(f"user {user_id!r} has no history", hint="send events of this user, or ask for popular items")
        return shopper

    def recommend_all(self, k: int = 10) -> pl.DataFrame:
        """Recommend to everybody who has a history: user_id, item_id, rank, score; one row per recommendation, users in order, best first."""
        return batch.recommend_all(self._snapshot, k)

    def scores(self, history: History) -> FloatArray:
        """Score every item for a history.

        Shapes:
            [n_items], float32.
        """
        return self._snapshot.scoring.scores(history)

    def item_num(self, item_id: str) -> int:
        """Return the position of an item.

        Raises:
            NotFoundError: There is none.
        """
        num = None if self.overlay is not None and item_id in self.overlay.gone else self.artifact.item_nums.get(item_id)
        if num is None:
            raise NotFoundError(f"item {item_id!r} does not exist", hint="ids are those of the catalogue of the published build")
        return num

    def seen(self, user_id: str) -> np.ndarray:
        """Return the item_nums that the user has met in any way but having been shown them."""
        return self.users.user(user_id).events.met()

    def history(self, user_id: str) -> History | None:
        """Return the weighted history of a user, or None if the user is unknown to the build."""
        return self.users.user(user_id).history if user_id in self.artifact.user_nums else None

    def events(self, user: int) -> list[Row]:
        """Return what a user did according to the build, by user number."""
        return self.users.events(user).rows()

    def all_histories(self) -> sp.csr_matrix:
        """Return c for all users: the same weights as `history`, in one matrix."""
        return self.users.histories()


__all__ = ["Recommendation", "Recommendations", "Recommender"]
