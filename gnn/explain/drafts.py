"""Reasons of one item before they are written: those that say the same become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gnn.explain.kinds.base import ReasonContext, ReasonKind
from gnn.explain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Draft:
    """A reason with what it is made from.

    Attributes:
        reason: The reason.
        kind: Which kind made it.
        context: From what.
    """

    reason: Reason
    kind: ReasonKind
    context: ReasonContext


def joined(drafts: Sequence[Draft], draft: Draft, max_paths: int) -> list[Draft]:
    """Return reasons with one more: part of the one that says the same already, or behind them.

    Args:
        drafts: Those there are, the largest first.
        draft: The one more.
        max_paths: Paths that a reason shows.
    """
    for place, other in enumerate(drafts):
        if other.kind is not draft.kind:
            continue
        message = draft.kind.joined(other.context, draft.context)
        if message is not None:
            wider = other.context if draft.context.positions <= other.context.positions else draft.context
            both = Draft(replace(_sum(other.reason, draft.reason, max_paths), message=message), other.kind, wider)
            return [*drafts[:place], both, *drafts[place + 1 :]]
    return [*drafts, draft]


def _sum(first: Reason, second: Reason, max_paths: int) -> Reason:
    """Return one reason with the paths of two."""
    paths = sorted((*first.paths, *second.paths), key=lambda path: -path.share)
    shown, hidden = tuple(paths[:max_paths]), paths[max_paths:]
    left = first.share_not_shown + second.share_not_shown + sum(path.share for path in hidden)
    n_left = first.n_not_shown + second.n_not_shown + len(hidden)
    return replace(first, share=first.share + second.share, paths=shown, n_not_shown=n_left, share_not_shown=left)
