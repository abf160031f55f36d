"""Search over the published build of a workspace, as the API answers from it."""

from __future__ import annotations

from etl.published import served_recommender
from gnn.search.engine import SearchEngine
from gnn.search.opening import prepared
from gnn.users.users import User
from kg.config import Config, ShopConfig
from kg.workspace import Workspace


def opened(workspace: Workspace, config: Config, user_id: str = "") -> tuple[SearchEngine, User | None]:
    """Open the index of the published build.

    Args:
        workspace: Where.
        config: Its language, rules and ledger.
        user_id: Who asks; nobody in particular where empty.

    Returns:
        The engine, and the shopper with what the ledger knows of them.

    Raises:
        NotFoundError: Nothing is published.
        ArtifactError: The build has no index, or it is damaged.
    """
    ready = prepared(workspace.build(workspace.published_id()), workspace.root, config.section(ShopConfig).language)
    recommender, fresh = served_recommender(workspace, config, user_id)
    return SearchEngine(ready, recommender), recommender.users.user(user_id, fresh) if user_id else None
