"""Fixtures that every room uses: a small shop, and the graph databases that are there."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from kg.embedded import Connection
from kg.workspace import Workspace

# Java compiles quickly and not for long runs, here and in every process that a test starts: a database that lives for seconds takes half the time.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:CICompilerCount=1")

# How long a machine takes is no property of ours: no example fails because a busy one drew it slowly.
settings.register_profile("reckon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("reckon")

ITEMS = """item_id,title,brand,categories
1,Green tea 250 g,Leafy,Drinks>Tea
2,Black tea 500 g,Leafy,Drinks>Tea
3,Herbal tea 100 g,Meadow,Drinks>Tea
4,White tea 100 g,Leafy,Drinks>Tea
5,Coffee beans 1 kg,Roast & Co,Drinks>Coffee
6,Ground coffee 500 g,Roast & Co,Drinks>Coffee
7,Steel kettle,Boilwell,Kitchen>Kettles
8,Garden hose 20 m,Hosely,Garden>Watering
"""
EVENTS = """user,item,kind,at
u,1,view,2024-01-01T10:00:00
u,2,view,2024-01-01T10:01:00
u,3,view,2024-01-01T10:02:00
u,3,purchase,2024-01-01T10:03:00
u,5,purchase,2024-01-01T10:04:00
a,1,purchase,2024-01-02T10:00:00
a,4,purchase,2024-01-02T10:01:00
a,3,purchase,2024-01-03T10:01:00
b,3,purchase,2024-01-04T10:00:00
b,4,purchase,2024-01-04T10:01:00
b,5,purchase,2024-01-05T10:01:00
c,5,purchase,2024-01-06T10:00:00
c,6,purchase,2024-01-06T10:01:00
c,7,view,2024-01-06T10:02:00
d,8,purchase,2024-01-07T10:00:00
d,7,view,2024-01-07T10:01:00
d,2,view,2024-01-07T10:02:00
e,6,purchase,2024-01-08T10:00:00
e,5,view,2024-01-08T10:01:00
e,2,purchase,2024-01-09T10:01:00
"""
TOML = """
[shop]
name = "tea shop"

[model]
factors = 8

[[source]]
table = "items"
path = "items.csv"
columns = { item_id = "item_id", title = "title", brand = "brand", categories = "categories" }
split = { categories = ">" }

[[source]]
table = "interactions"
path = "events.csv"
columns = { user_id = "user", item_id = "item", kind = "kind", time = "at" }
"""


_freeze = gc.freeze


def _set_heap_aside() -> None:
    """Keep what lives now out of the rounds of the garbage collector."""
    gc.collect()
    _freeze()


def pytest_collection_finish() -> None:
    """Set aside the heap of the whole suite: libraries, models and all its tests.

    A server in the test's own process looks through the whole heap whenever it loads a build. Here that is the heap of 3,000 tests: it took ten times
    as long as all else that a test does.
    """
    _set_heap_aside()
    gc.freeze = gc.unfreeze = lambda: None


@pytest.hookimpl(trylast=True)  # after what the fixtures of the file leave
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Set aside what a file's tests have imported, too."""
    if nextitem is not None and nextitem.path != item.path:
        _set_heap_aside()


_NEO4J_TURN = FileLock(Path(tempfile.gettempdir()) / f"reckon-tests-neo4j-{os.getuid()}.lock", thread_local=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outside of the time limit of a test: waiting for a turn is no failure
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Let one process at a time use the Neo4j server: it has one database, which its tests empty.

    The turn lasts as long as a file's tests on it follow one another, since what a fixture of the file wrote is read by the next.
    """
    if _on_neo4j(item) and not _NEO4J_TURN.is_locked:
        _NEO4J_TURN.acquire()
    try:
        return (yield)
    finally:
        if _NEO4J_TURN.is_locked and not (nextitem is not None and nextitem.path == item.path and _on_neo4j(nextitem)):
            _NEO4J_TURN.release()


def _on_neo4j(item: pytest.Item) -> bool:
    if not os.environ.get("RECKON_TEST_NEO4J_URI"):
        return False
    chosen = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    return item.get_closest_marker("neo4j") is not None or any(isinstance(value, str) and value == "neo4j" for value in chosen)


def write_shop(folder: Path, *, items: str = ITEMS, events: str = EVENTS, toml: str = TOML) -> Path:
    """Write the small shop's files; the tests' own catalogue, eight items and six shoppers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "items.csv").write_text(items, encoding="utf-8")
    (folder / "events.csv").write_text(events, encoding="utf-8")
    (folder / "reckon.toml").write_text(toml, encoding="utf-8")
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A workspace with the small shop's files, not yet imported."""
    return write_shop(tmp_path / "shop")


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The published small shop of `tests/small_shop.py`; do not change it, copy it."""
    from tests.small_shop import published_small_shop

    return published_small_shop(tmp_path_factory)


@pytest.fixture(scope="session")
def neo4j_connection() -> Connection:
    """The Neo4j named by RECKON_TEST_NEO4J_URI, _USER and _PASSWORD."""
    uri = os.environ.get("RECKON_TEST_NEO4J_URI")
    if not uri:
        pytest.skip("no Neo4j: RECKON_TEST_NEO4J_URI is not set")
    return Connection(uri, os.environ.get("RECKON_TEST_NEO4J_USER", "neo4j"), os.environ.get("RECKON_TEST_NEO4J_PASSWORD", ""))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data named by RECKON_TEST_DATA."""
    folder = os.environ.get("RECKON_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("no real data: RECKON_TEST_DATA is not set")
    return Path(folder)
