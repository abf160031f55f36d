"""What may be in a list: scores with what excludes and what adjusts items, for one user and one query."""

from __future__ import annotations

import numpy as np

from gnn.explain.messages.message import say
from gnn.recommend.adjustments import Exclusion
from gnn.recommend.impressions import ignored
from gnn.recommend.query import RecQuery
from gnn.recommend.ranking import Candidates
from gnn.recommend.rules.compiled import NO_RULES, ActiveRules
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.snapshot import Snapshot
from gnn.recommend.strategies.registry import STRATEGIES
from gnn.users.events import DISLIKED
from gnn.users.users import NO_ITEMS, User

IN_HISTORY = say("why_not.history")


def exclusions(snapshot: Snapshot, user: User, query: RecQuery) -> tuple[Exclusion, ...]:
    """Return what must not be shown to a user, whatever it scores.

    Args:
        snapshot: What answers depend on.
        user: Whose list it is.
        query: What the caller asked for.
    """
    excluded = [snapshot.unavailable]
    if query.exclude_seen and not STRATEGIES.get(query.strategy).lists_seen:
        excluded.append(Exclusion(IN_HISTORY, snapshot.engine.duplicates.all_duplicates(user.events.met())))
    else:
        excluded.append(Exclusion(say("why_not.disliked"), user.events.items[user.events.of_relations([DISLIKED])]))
    if len(user.edits.hidden):
        excluded.append(Exclusion(say("why_not.hidden"), user.edits.hidden))
    if query.filter is not None:
        excluded.append(Exclusion(say("why_not.filter"), ~snapshot.masks.of(query.filter)))
    return tuple(excluded)


def candidates(
    snapshot: Snapshot, user: User, query: RecQuery, scored: Scored, active: ActiveRules = NO_RULES, depth: int | None = None, item: int | None = None
) -> Candidates:
    """Join the scores with what excludes and what adjusts items: rules, live items and duplicates are applied here.

    Args:
        snapshot: What answers depend on.
        user: Whose list it is.
        query: What the caller asked for.
        scored: The scores.
        active: The rules that hold.
        depth: How many of the best are needed; scores of others need not be right. None for all.
        item: item_num whose rank alone is needed; scores of what is below it need not be right.
    """
    impressions = ignored(user.events, query.impression_factor)
    adjustments = (*(() if impressions is None else (impressions,)), *active.adjustments)
    excluded = (*exclusions(snapshot, user, query), *active.exclusions)
    # Only what shoppers chose leads to items fills a list of another strategy; lists of counts end where the counts do.
    fallback_scores = snapshot.scoring.popularity.scores if STRATEGIES.get(scored.strategy).filled else None
    duplicates, adjusted = snapshot.engine.duplicates, [each.items for each in adjustments]
    if scored.above is not None and item is not None:
        factor = float(np.prod([each.factors[each.items == item].prod() for each in adjustments]))
        scores = scored.above(excluded, item, factor, np.concatenate([NO_ITEMS, *adjusted]))
    elif scored.pruned is None or depth is None:
        scores = scored.scores
    else:
        # As many may fall out of the best as are adjusted or are another listing of a better one, and none may rise unseen.
        also = np.concatenate([np.asarray([pin.num for pin in active.pins], dtype=np.int64), *adjusted])
        scores = scored.pruned(excluded, (depth + len(also)) * duplicates.most, also)
    return Candidates(scores, fallback_scores, excluded, adjustments, duplicates)
