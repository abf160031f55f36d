"""The list of a visit: the sum over paths from the events of the last session alone."""

from __future__ import annotations

import numpy as np

from gnn.artifact.artifact import Artifact
from gnn.events.timing import CLOCK_FROM, check_clock
from gnn.model.history import History
from gnn.recommend.query import RecQuery
from gnn.recommend.scoring.scored import Scored
from gnn.recommend.strategies.base import Context, Strategy
from gnn.recommend.strategies.registry import STRATEGIES
from gnn.users.events import weighted
from gnn.users.users import User


class Session(Strategy):
    """Scores by the end of the history."""

    name = "session"
    summary = "what the last visit leads to"
    parameters = ("session_s",)
    filled = True
    order = 20

    def score(self, context: Context, query: RecQuery) -> Scored:
        """Score all items by the sum over paths from the last session."""
        return context.path_sum(session_history(context.user, context.scoring.artifact, query.session_s), self.name)


STRATEGY = STRATEGIES.register(Session())


def session_history(user: User, artifact: Artifact, session_s: float) -> History:
    """Return what a user did in the last session; the whole history where none of it has a time.

    Args:
        user: Who.
        artifact: The build with what changed since.
        session_s: A session is what was done within so many seconds before the last event.

    Raises:
        InputError: Nothing that the user did has a time, but an order number.
    """
    # A row sums up all events of an item; those of the build may lie years back, so fresh events are taken alone where there are any.
    events = user.recent if np.isfinite(user.recent.times).any() else user.events
    if not np.isfinite(events.times).any():
        return user.history
    if not np.nanmax(events.times) >= CLOCK_FROM:
        check_clock("order", "a list for the session", "ask for the personal list, or send the events of the session with their times")
    recent = events.chosen(events.times >= np.nanmax(events.times) - session_s)
    return weighted(recent, artifact.model.history, user.user_id, user.edits)
