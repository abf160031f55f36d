"""The business rules as a worker holds them: those of the configuration and those of the ledger, over the build that answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from gnn.artifact.artifact import Artifact
from gnn.explain.messages.languages import english
from gnn.recommend.rules.compiled import Rules
from gnn.recommend.rules.definition import Rule, rule_of
from gnn.recommend.rules.unknown_names import unknown_names
from gnn.recommend.snapshot import Snapshot
from kg.config import Section
from kg.errors import ConfigError, LedgerUnavailableError
from kg.ledger.database import Database
from kg.ledger.follow.poller import LedgerPoller
from kg.ledger.rule_store import RULES, RuleStore
from kg.ledger.user_store import UserStore

log = structlog.get_logger("api")


@dataclass(frozen=True, slots=True)
class RuleWithSource:
    """A rule and where it is written.

    Attributes:
        rule: The rule.
        source: "configuration" or "ledger".
        revision: Number of its last change in the ledger; 0 in the configuration.
    """

    rule: Rule
    source: str
    revision: int = 0


class ServingRules:
    """The rules of one worker; what answers is assembled anew whenever they change.

    Args:
        configured: The `[[rule]]` tables; one of the ledger with the same id takes the place of one of these.
        database: The ledger.
        follower: Says when rules changed.

    Attributes:
        changed: Called when the rules have changed; the server of snapshots sets it.
    """

    def __init__(self, configured: Sequence[Section], database: Database, follower: LedgerPoller) -> None:
        self._configured: dict[str, RuleWithSource] = {}
        for rule in configured:
            if not isinstance(rule, Rule) or rule.rule_id in self._configured:
                raise ConfigError(f"two [[rule]] tables have the rule_id {getattr(rule, 'rule_id', '')!r}", hint="give each its own")
            self._configured[rule.rule_id] = RuleWithSource(rule, "configuration")
        self.store, self._people = RuleStore(database), UserStore(database)
        self._kept = dict(self._configured)
        self.changed: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        follower.follow(RULES, self.catch_up)

    def catch_up(self) -> None:
        """Read the rules again and apply them; every worker does within the follower's poll.

        Raises:
            LedgerUnavailableError: The ledger does not answer; the rules known before go on.
        """
        with self._lock:
            kept = dict(self._configured)
            for stored in self.store.all():
                try:
                    kept[stored.rule_id] = RuleWithSource(rule_of(stored.rule_id, stored.body), "ledger", stored.revision)
                except ValidationError:
                    # Written by another version of Reckon: the others hold, and the log names this one.
                    log.error("rule cannot be read", rule_id=stored.rule_id)
            self._kept = kept
        self.changed()

    def warn(self, artifact: Artifact) -> None:
        """Log what rules of the configuration name and a build does not have."""
        for rule_id, kept in self._configured.items():
            for warning in unknown_names(kept.rule, artifact):
                log.warning("rule names what the build does not have", rule_id=rule_id, detail=english().text(warning))

    def over(self, snapshot: Snapshot, instead: Sequence[Rule] = (), without: Sequence[str] = ()) -> Rules:
        """Return the rules over a snapshot, with some of them exchanged: what a preview tries out.

        Args:
            snapshot: What answers depend on.
            instead: Rules that take the place of those with the same id, or come besides.
            without: Ids of rules that are left out.
        """
        return Rules(self.chosen(instead, without), snapshot.artifact, snapshot.masks.matching, self.declared)

    def chosen(self, instead: Sequence[Rule] = (), without: Sequence[str] = ()) -> list[Rule]:
        """Return the rules in the order in which they apply.

        Args:
            instead: Rules that take the place of those with the same id, or come besides.
            without: Ids of rules that are left out.
        """
        chosen = {rule_id: kept.rule for rule_id, kept in self._kept.items()} | {rule.rule_id: rule for rule in instead}
        return [rule for rule_id, rule in sorted(chosen.items()) if rule_id not in without]

    def all(self) -> list[RuleWithSource]:
        """Return the rules, by id."""
        return [kept for _, kept in sorted(self._kept.items())]

    def get(self, rule_id: str) -> RuleWithSource | None:
        """Return one rule."""
        return self._kept.get(rule_id)

    def declared(self, user_id: str) -> Mapping[str, Sequence[str]]:
        """Return what a user declared; nothing while the ledger does not answer."""
        try:
            return self._people.declared(user_id)
        except LedgerUnavailableError:
            # The answer goes on without the rules that need to know; `degraded` says that the ledger is down.
            return {}
