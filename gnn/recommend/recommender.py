"""Recommendations from a published artifact: one code path for one shopper, an ad-hoc history, and everybody."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace

import numpy as np
import polars as pl
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact
from gnn.artifact.duplicates import DuplicateGroups
from gnn.explain.explainer import Explainer, History
from gnn.graph.walks import FloatArray
from gnn.live.current_artifact import current_artifact
from gnn.live.overlay import Overlay
from gnn.model.scorer import score
from gnn.recommend.adjustments import adjusted, pinned_item
from gnn.recommend.explained_list import recommendations
from gnn.recommend.filters import ArtifactColumns, BoolArray, Filter, Masks
from gnn.recommend.impressions import ignored
from gnn.recommend.query import BUY_AGAIN, PERSONAL, POPULAR, SESSION, Recommendation, Recommendations, RecQuery, item_hash
from gnn.recommend.ranking import Candidates, Exclusion, Reranker, best, place_of, rank_items
from gnn.recommend.rerank import DEPTHS, Neighbourhoods, capped, diversified, explored
from gnn.recommend.rules.compiled import NOTHING, Active, Order, Rules
from gnn.recommend.strategies.base import Scored, Strategies
from gnn.recommend.strategies.similar import BASKET, BOUGHT_TOGETHER, Related
from gnn.users.events import DISLIKED, Row
from gnn.users.users import NO_ITEMS, User, Users
from kg import schema
from kg.errors import InputError, NotFoundError
from kg.ledger.records import StoredEvent
from kg.validation.ratings import RatingScale, checked_rating

HistoryEvent = tuple[str, str, float | None] | tuple[str, str, float | None, float | None]
"""item_id, kind, time, and of ratings the value."""
IN_HISTORY = "already in the history"
_BATCH_CELLS = 20_000_000


class Recommender:
    """Answers from one artifact.

    Args:
        artifact: The build.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.shoppers = Users(artifact)
        self._listings = DuplicateGroups.of(artifact)
        self.explainer = Explainer(artifact)
        self._strategies = Strategies(artifact)
        self._related = Related(artifact, self._strategies)
        self._neighbourhoods = Neighbourhoods(artifact)
        self.columns = ArtifactColumns(artifact)
        self._masks = Masks(self.columns)
        self._unavailable = Exclusion("not available", np.flatnonzero(~artifact.available))
        self.rules = Rules((), artifact, self.matching)
        """The business rules that hold; whoever keeps them exchanges them."""
        # None in the recommender of a build: one that held itself would never be let go of.
        self._base: Recommender | None = None
        self.overlay: Overlay | None = None
        self._identity = object()

    def with_overlay(self, overlay: Overlay) -> Recommender:
        """Return a recommender that also knows what changed since the build; everything that did not change is shared with this one.

        Args:
            overlay: Over this recommender's build.
        """
        current = current_artifact(overlay)
        before = self.overlay
        if before is not None and overlay.arrays is before.arrays and overlay.unchanged == before.unchanged:
            # Only what may be shown differs.
            other = copy(self)
        else:
            other = self._with_items(overlay, current)
        other.artifact, other.overlay, other._identity = current, overlay, object()
        other.shoppers = Users(current, overlay.gone_nums, self.shoppers.interests)
        other.columns = ArtifactColumns(current)
        other._masks = Masks(other.columns)
        other._unavailable = Exclusion("not available", np.flatnonzero(~current.available))
        other.rules = self.rules.over(current, other.matching)
        return other

    def _with_items(self, overlay: Overlay, current: Artifact) -> Recommender:
        """Return a recommender that scores and explains changed items."""
        build = self if self._base is None else self._base
        other = copy(build)
        other._base = build
        other.explainer = build.explainer.with_overlay(overlay, current)
        other._strategies = build._strategies.with_overlay(overlay, current)
        other._related = build._related.with_overlay(overlay, current, other._strategies)
        other._neighbourhoods = Neighbourhoods(current)
        return other

    @property
    def rating_scale(self) -> RatingScale | None:
        """What a rating may be; None where the build has no ratings with values."""
        ratings = self.build.model.history.ratings
        return None if ratings is None else RatingScale(*ratings.scale)

    @property
    def build(self) -> Artifact:
        """The build that answers, without what changed since."""
        return self.artifact if self._base is None else self._base.artifact

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
        ask = RecQuery(k=k, explain="full" if explain else "none", exclude_seen=exclude_seen, show_ids=show_ids)
        return self.answer(self.shoppers.shopper(user_id, fresh), ask)

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
        return self.shoppers.ad_hoc(rows)

    def answer(self, shopper: User, ask: RecQuery) -> Recommendations:
        """Answer what is asked for a shopper.

        Args:
            shopper: With the fresh events, from `shoppers`.
            ask: The caller's wishes.
        """
        return self.listed(shopper, ask, self._strategies.scored(shopper, ask))

    def similar(self, item_id: str, ask: RecQuery) -> Recommendations:
        """List the items most similar to one.

        Raises:
            NotFoundError: The item is unknown.
        """
        shopper = self._related.anchored([self.item_num(item_id)], "looked_at")
        return self.listed(shopper, ask, self._related.similar(shopper))

    def bought_together(self, item_id: str, ask: RecQuery) -> Recommendations:
        """List what is bought together with an item.

        Raises:
            NotFoundError: The item is unknown.
        """
        shopper = self._related.anchored([self.item_num(item_id)], "looked_at")
        return self.listed(shopper, ask, self._related.together(shopper, BOUGHT_TOGETHER))

    def basket(self, item_ids: Sequence[str], ask: RecQuery) -> Recommendations:
        """List what completes a basket.

        Raises:
            NotFoundError: An item is unknown.
        """
        shopper = self._related.anchored([self.item_num(item_id) for item_id in item_ids], "in_basket")
        return self.listed(shopper, ask, self._related.together(shopper, BASKET))

    def listed(self, shopper: User, ask: RecQuery, scored: Scored) -> Recommendations:
        """Bar, adjust, rank and tell what has been scored: every list of every strategy goes through here."""
        if ask.k < 1:
            raise InputError(f"k is {ask.k}", hint="ask for at least one item")
        active = (self.rules if ask.rules is None else ask.rules).active(shopper)
        rerankers, reranked, depth = self._rerankers(ask, active)
        candidates = self.candidates(shopper, ask, scored, active, max(depth, ask.offset + ask.k + 1))
        # Pins are for the lists that a shopper is shown by default; they have no place among what is like an item, or trends.
        pins = active.pins if scored.strategy in (PERSONAL, SESSION, POPULAR) else ()
        order = Order(replace(active, pins=pins), ask.offset + ask.k + 1, lambda num: not candidates.excluded(num))
        if active.caps or pins:
            rerankers, reranked = [*rerankers, order], (*reranked, "rules")
        places = rank_items(candidates, ask.k + 1, offset=ask.offset, rerankers=rerankers, depth=depth)
        # One more than asked for tells whether the list goes on.
        more, places = len(places) > ask.k, places[: ask.k]
        if ask.withheld:
            # The list may have changed since an earlier page was shown; what was on it does not come twice.
            places = [place for place in places if item_hash(self.artifact.item_ids[place.num]) not in ask.withheld]
        told = zip(places, recommendations(self.artifact, scored, places, ask, self._strategies.popularity.reason), strict=True)
        items = tuple(pinned_item(item, order.held.get(place.num), ask) for place, item in told)
        effects = order.effects(places, [item.item_id for item in items])
        edits = shopper.edits.applied(shopper.events.met()) if shopper.edits.values else ()
        n_fresh = len(shopper.fresh.items)
        return Recommendations(self.artifact.build_id, shopper.user_id, scored.strategy, items, n_fresh, reranked, effects, more, edits)

    def candidates(
        self, shopper: User, ask: RecQuery, scored: Scored, active: Active = NOTHING, depth: int | None = None, item: int | None = None
    ) -> Candidates:
        """Gather what bars and adjusts the scored items: rules, an overlay of live items and duplicates have their say here.

        Args:
            shopper: Whose list it is.
            ask: The caller's wishes.
            scored: The scores.
            active: The rules that hold.
            depth: How many of the best are wanted; scores of others need not be right. None for all.
            item: item_num whose rank alone is wanted; scores of what is below it need not be right.
        """
        adjustment = ignored(shopper.events, ask.impression_factor)
        adjustments = [*(() if adjustment is None else (adjustment,)), *(made for _, made in active.adjustments)]
        bars = (*self.bars(shopper, ask), *(bar for _, bar in active.bars))
        # Only what shoppers chose leads to items fills a list of another strategy; lists of counts end where the counts do.
        fill = self._strategies.popularity.scores if scored.strategy in (PERSONAL, SESSION, POPULAR) else None
        if scored.ahead is not None and item is not None:
            factor = float(np.prod([each.factors[each.items == item].prod() for each in adjustments]))
            ahead = scored.ahead(bars, item, factor, np.concatenate([NO_ITEMS, *(each.items for each in adjustments)]))
            return Candidates(ahead, fill, bars, tuple(adjustments), self._listings)
        if scored.head is None or depth is None:
            return Candidates(scored.scores, fill, bars, tuple(adjustments), self._listings)
        # As many may fall out of the best as are adjusted or are another listing of a better one, and none may rise unseen.
        moved = [adjustment.items for adjustment in adjustments]
        also = np.concatenate([np.asarray([pin.num for pin in active.pins], dtype=np.int64), *moved])
        head = scored.head(bars, (depth + len(also)) * self._listings.most, also)
        return Candidates(head, fill, bars, tuple(adjustments), self._listings)

    def bars(self, shopper: User, ask: RecQuery) -> tuple[Exclusion, ...]:
        """Return what must not be shown to a shopper, whatever it scores."""
        bars = [self._unavailable]
        if ask.exclude_seen and ask.strategy != BUY_AGAIN:
            bars.append(Exclusion(IN_HISTORY, self._listings.all_duplicates(shopper.events.met())))
        else:
            bars.append(Exclusion("disliked", shopper.events.items[shopper.events.of_relations([DISLIKED])]))
        if len(shopper.edits.hidden):
            bars.append(Exclusion("hidden by the shopper", shopper.edits.hidden))
        if ask.filter is not None:
            bars.append(Exclusion("left out by the filter", ~self.mask(ask.filter)))
        return tuple(bars)

    @property
    def state(self) -> Hashable:
        """What stands for everything beside the question and the shopper's events that an answer depends on: equal states, equal answers."""
        return self._identity, self.rules.moment()

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
        self._neighbourhoods.check(relation)

    def mask(self, wanted: Filter) -> BoolArray:
        """Return which items a filter lets through; the last few filters are remembered."""
        return self._masks.of(wanted)

    @property
    def matching(self) -> Callable[[Mapping[str, object]], BoolArray]:
        """Gives the items that a filter lets through, as it came out of JSON; it does not hold on to this recommender."""
        return self._masks.matching

    def _rerankers(self, ask: RecQuery, active: Active) -> tuple[list[Reranker], tuple[str, ...], int]:
        """Return what changes the order, its names, and how many of the best it looks at."""
        neighbourhoods, end = self._neighbourhoods, ask.offset + ask.k + 1
        found: list[tuple[str, Reranker]] = []
        if ask.seed is not None:
            seed = ask.seed
            found.append(("exploration", lambda order, scores: explored(order, scores, seed)))
        if ask.diversity > 0:
            found.append(("diversity", lambda order, scores: diversified(order, scores, neighbourhoods.similarity(order), ask.diversity, end)))
        if ask.caps:
            found.append(("caps", lambda order, _: capped(order, neighbourhoods, dict(ask.caps))))
        some = bool(found or active.caps or active.pins)
        depth = next((depth for depth in DEPTHS[1 if ask.caps or active.caps else 0 :] if depth >= end), end) if some else 0
        return [rerank for _, rerank in found], tuple(name for name, _ in found), depth

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
        scored = self._strategies.from_history(shopper.history)
        place = place_of(self.candidates(shopper, RecQuery(), scored, self.rules.active(shopper), item=item), item)
        told = self.explainer.explain(
            shopper.history, item, max_reasons=max_reasons, max_paths=max_paths, max_history=len(shopper.history.nums), show_ids=show_ids
        )
        told = adjusted(told, place.moved, shown=True)
        trend = None if self.build.model.factor is None else self.build.model.factor_of(item)
        title = self.artifact.titles[item]
        return Recommendation(item_id, title, place.rank, told.score, told.remainder, told.reasons, place.rank, title, trend)

    def known(self, user_id: str, fresh: Sequence[StoredEvent] = ()) -> User:
        """Return a shopper with a history.

        Raises:
            NotFoundError: There is nothing to explain anything from.
        """
        shopper = self.shoppers.shopper(user_id, fresh)
        if not len(shopper.history.nums):
            raise NotFoundError(f"user {user_id!r} has no history", hint="send events of this user, or ask for popular items")
        return shopper

    def recommend_all(self, k: int = 10) -> pl.DataFrame:
        """Recommend to everybody who has a history.

        Returns:
            user_id, item_id, rank, score; one row per recommendation, users in order, best first.
        """
        parts = [pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "rank": pl.Int64, "score": pl.Float64})]
        for first, batch in self._batches():
            scores = score(batch, self.artifact.neighbours, self.artifact.model)
            users = [first + int(n) for n in np.flatnonzero(np.diff(batch.indptr))]
            parts += [self._rows(user, scores[user - first], k) for user in users]
        return pl.concat(parts)

    def scores(self, history: History) -> FloatArray:
        """Score every item for a history.

        Shapes:
            [n_items], float32.
        """
        return self._strategies.scores(history)

    def item_num(self, item_id: str) -> int:
        """Return the position of an item.

        Raises:
            NotFoundError: There is none.
        """
        found = None if self.overlay is not None and item_id in self.overlay.gone else self.artifact.item_nums.get(item_id)
        if found is None:
            raise NotFoundError(f"item {item_id!r} does not exist", hint="ids are those of the catalogue of the published build")
        return found

    def seen(self, user_id: str) -> np.ndarray:
        """Return the item_nums that the user has met in any way but having been shown them."""
        return self.shoppers.shopper(user_id).events.met()

    def history(self, user_id: str) -> History | None:
        """Return the weighted history of a user, or None if the user is unknown to the build."""
        return self.shoppers.shopper(user_id).history if user_id in self.artifact.user_nums else None

    def events(self, user: int) -> list[Row]:
        """Return what a user did according to the build, by user number."""
        return self.shoppers.events(user).rows()

    def all_histories(self) -> sp.csr_matrix:
        """Return c for all users: the same weights as `history`, in one matrix."""
        return self.shoppers.histories()

    def _batches(self) -> Iterator[tuple[int, sp.csr_matrix]]:
        histories = self.all_histories()
        size = max(1, _BATCH_CELLS // max(self.artifact.n_items, 1))
        for first in range(0, histories.shape[0], size):
            yield first, histories[first : first + size]

    def _rows(self, user: int, scores: FloatArray, k: int) -> pl.DataFrame:
        user_id = self.artifact.user_ids[user]
        scores = np.array(scores)
        for bar in self.bars(self.shoppers.shopper(user_id), RecQuery()):
            scores[bar.items] = -np.inf
        scores[self._listings.hidden(scores, self._strategies.popularity.scores)] = -np.inf
        chosen = best(scores, self._strategies.popularity.scores, k)
        return pl.DataFrame(
            {
                "user_id": [user_id] * len(chosen),
                "item_id": [self.artifact.item_ids[num] for num in chosen],
                "rank": np.arange(1, len(chosen) + 1, dtype=np.int64),
                "score": np.maximum(scores[chosen], 0.0).astype(np.float64),
            }
        )


__all__ = ["IN_HISTORY", "Recommendation", "Recommendations", "Recommender"]
