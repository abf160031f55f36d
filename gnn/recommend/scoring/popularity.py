"""Lists for everybody, each with its exact count as the reason: popular, trending and new items.

Trending compares the shoppers who last met an item within the window with how many would be usual, its share of all meetings:

    s(i) = (n_i - e_i) / √(e_i + 1) ,   e_i = n · m_i / m

n_i and n are counted within the window, m_i and m over all time.
"""

from __future__ import annotations

import datetime
from functools import cached_property, lru_cache, partial

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.events.interactions import Interactions
from gnn.events.timing import check_clock
from gnn.explain.messages.message import Listing, Message, decimals, plain, say
from gnn.explain.reasons import Reason
from gnn.explain.sentences import CHOSEN, RATED_HIGHLY, did
from gnn.graph.walks import FloatArray
from gnn.recommend.query import CATALOGUE, POPULAR
from kg.schema import RATED, is_choice

_DAY_S = 86_400.0
_NEW_HALF_LIFE = 0.1
"""An item counts half as new when this share of the shop's time has passed since it was first met; changes no ranking."""


class Popularity:
    """What shoppers at large chose.

    Args:
        artifact: The build.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact, self._meetings = artifact, artifact.meetings
        # What it remembers must not hold on to this object, which holds on to it.
        self._trends = lru_cache(maxsize=8)(partial(_trend, artifact.meetings))

    @cached_property
    def scores(self) -> FloatArray:
        """Shoppers per item as a share of the most popular item's.

        Shapes:
            [n_items].
        """
        popularity = np.asarray(self._artifact.popularity)
        return np.asarray(popularity / max(float(popularity.max(initial=0.0)), 1.0), dtype=np.float32)

    def reason(self, num: int) -> Reason:
        """Say how popular an item is, or that it is in the list for want of another."""
        count = int(self._artifact.popularity[num])
        if not count:
            return Reason(CATALOGUE, 1.0, say("popular.catalogue"))
        return Reason(POPULAR, 1.0, say("popular.chosen", count=count, did=self._chosen, shoppers=_user_count(count)))

    @cached_property
    def _chosen(self) -> Listing:
        """What the shoppers who are counted did: "bought", or "bought, rated or viewed"."""
        relations = sorted({edge_type[1] for edge_type, edges in self._artifact.edges.items() if is_choice(edge_type) and edges.forward.nnz})
        names = [RATED_HIGHLY if name == RATED and self._artifact.rated_highly else name for name in relations]
        # Kinds of the shop's own share one word.
        verbs = {verb.key: verb for verb in map(did, names or [CHOSEN])}
        return Listing(tuple(verbs.values()), "or")

    def trending(self, window_days: float) -> FloatArray:
        """Score items by how much more than usual they were chosen lately.

        Args:
            window_days: Up to the last event of the build.

        Shapes:
            [n_items]; 0 for items that are not chosen more than usual.

        Raises:
            InputError: The shop's events have no times.
        """
        self._check_clock("a list of what trends")
        return self._trends(window_days)[0]

    def trending_sentence(self, num: int, window_days: float) -> Message:
        """Say how much an item trends."""
        _, counts, usual = self._trends(window_days)
        end = datetime.datetime.fromtimestamp(self._meetings.end, datetime.UTC).date()
        within = say("trending.within", count=plain(window_days))
        which, often = ("usual", float(usual[num])) if usual[num] >= 0.05 else ("rare", 0.1)
        users = _user_count(int(counts[num]))
        return say(f"trending.{which}", did=self._chosen, shoppers=users, within=within, end=end, usual=decimals(often, 1))

    @cached_property
    def newest(self) -> FloatArray:
        """Score items by how lately they were first chosen.

        Shapes:
            [n_items], 1 for the newest; 0 for items that nobody has chosen.

        Raises:
            InputError: The shop's events have no times.
        """
        self._check_clock("a list of new items")
        first = self._meetings.first
        known = np.isfinite(first)
        if not known.any():
            return np.zeros(len(first), dtype=np.float32)
        age = np.nanmax(first) - first
        scale = max(float(np.nanmax(age)) * _NEW_HALF_LIFE, 1e-9)
        return np.where(known, np.exp2(-np.nan_to_num(age) / scale), 0.0).astype(np.float32)

    def newest_sentence(self, num: int) -> Message:
        """Say how new an item is."""
        first = float(self._meetings.first[num])
        return say("new.first", date=datetime.datetime.fromtimestamp(first, datetime.UTC).date())

    def _check_clock(self, what: str) -> None:
        # Where nobody has chosen anything yet, there is no time that could be missing.
        if self._artifact.popularity.any():
            check_clock(self._artifact.timing, what, "ask for popular items")


def _trend(meetings: Interactions, window_days: float) -> tuple[FloatArray, npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the scores of trending items, how many chose each within the window, and how many would be usual."""
    counts = meetings.within(window_days * _DAY_S)
    ever = np.bincount(meetings.items, minlength=len(counts))
    usual = counts.sum() * ever / max(int(ever.sum()), 1)
    return np.maximum((counts - usual) / np.sqrt(usual + 1), 0).astype(np.float32), counts, usual


def _user_count(count: int) -> Message:
    return say("shoppers.all", count=count)
