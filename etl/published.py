"""The published build as the API answers from it: with the shop's rules, edited interests, and what shoppers did since."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing

from pydantic import ValidationError

from gnn.artifact.artifact import Artifact, load_artifact
from gnn.recommend.recommender import Recommender
from gnn.recommend.rules.definition import Rule, rule_of
from gnn.recommend.snapshot import assemble
from kg.catalog.records import StoredEvent
from kg.config import Config
from kg.ledger.database import Database
from kg.ledger.event_store import EventStore
from kg.ledger.interests import Interests
from kg.ledger.rule_store import RuleStore
from kg.ledger.settings import LedgerConfig
from kg.ledger.user_store import UserStore
from kg.workspace import Workspace

log = logging.getLogger("reckon.rules")
Fresh = Callable[[str], Sequence[StoredEvent]]


def published_recommender(workspace: Workspace) -> Recommender:
    """Return what answers from the published build alone, without anything that happened since.

    Raises:
        NotFoundError: Nothing is published.
    """
    return Recommender(assemble(_artifact(workspace)))


def served_recommender(workspace: Workspace, config: Config, user_id: str) -> tuple[Recommender, Sequence[StoredEvent]]:
    """Return the published build with rules and edited interests, and a user's events since; items that changed since are as they were built.

    Args:
        workspace: Where.
        config: Its `[[rule]]` tables and `[ledger]`.
        user_id: Whose list is wanted.

    Raises:
        NotFoundError: Nothing is published.
        LedgerUnavailableError: The ledger does not answer.
    """
    artifact, settings = _artifact(workspace), config.section(LedgerConfig)
    rules = {rule.rule_id: rule for rule in config.rules if isinstance(rule, Rule)}
    database = Database.open(workspace.ledger, settings)
    if database.path is not None and not database.path.exists():
        # A shop that has never served has no ledger: to ask is no reason to make one.
        return Recommender(assemble(artifact, rules=[rules[name] for name in sorted(rules)])), ()
    with closing(database):
        people = UserStore(database)
        interests = Interests(people)
        interests.catch_up()
        rules |= _stored_rules(RuleStore(database))
        declared = people.declared(user_id)
        fresh = EventStore(database).of_user_after(user_id, artifact.events_seq, settings.tail_events_per_user)
    snapshot = assemble(artifact, rules=[rules[name] for name in sorted(rules)], interests=interests.of, declared=lambda _: declared)
    return Recommender(snapshot), fresh


def _stored_rules(store: RuleStore) -> dict[str, Rule]:
    """Return the rules of the ledger; one that cannot be read, such as one whose kind is no longer installed, is logged and left out."""
    rules = {}
    for stored in store.all():
        try:
            rules[stored.rule_id] = rule_of(stored.rule_id, stored.body)
        except ValidationError:
            log.error("the rule %r cannot be read and is left out", stored.rule_id)
    return rules


def _artifact(workspace: Workspace) -> Artifact:
    """Load the published build.

    Raises:
        NotFoundError: Nothing is published.
    """
    return load_artifact(workspace.build(workspace.published_id()) / "artifact")
