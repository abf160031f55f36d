"""The small shop as a published build, made in a second: what tests of the API are served from without a graph database."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.http.limits.connections import BoundedHttp
from api.keys.key_store import KeyStore
from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.search.fields import catalogue_texts
from gnn.search.index import SearchIndex
from gnn.search.opening import FOLDER
from gnn.training.fit import fit
from kg.config import load_config
from kg.extract.pipeline import Extractor
from kg.graph.build import build_graph
from kg.tables import INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog, GraphTables
from kg.workspace import Workspace
from tests.conftest import EVENTS, ITEMS, TOML, write_shop
from tests.free_port import free_port
from tests.made_once import made_once

QUICK = "\n[evaluate]\nbootstrap = 0\nablations = false\nexplanations = false\nbaselines = []\n"
BUILD_ID = "20260101T000000-abc123"


def small_catalog() -> Catalog:
    """Return the catalogue of the small shop."""
    items = [{**row, "categories": row["categories"].split(">")} for row in csv.DictReader(io.StringIO(ITEMS))]
    events = [
        {
            "user_id": row["user"],
            "item_id": row["item"],
            "kind": row["kind"],
            "time": datetime.fromisoformat(row["at"]).replace(tzinfo=UTC).timestamp(),
            "quantity": 1.0,
        }
        for row in csv.DictReader(io.StringIO(EVENTS))
    ]
    return Catalog(pl.DataFrame(items, schema=dict(ITEM_COLUMNS)), pl.DataFrame(events, schema=dict(INTERACTION_COLUMNS)))


def publish_small_shop(folder: Path, catalog: Catalog | None = None) -> Workspace:
    """Make a workspace whose published build is the small shop, or that of another catalogue."""
    workspace = Workspace.open(write_shop(folder))
    catalog = catalog or small_catalog()
    graph = GraphArrays.from_tables(small_tables(catalog))
    model = fit(graph, catalog.interactions, ModelConfig(factors=4)).model
    workspace.build(BUILD_ID).mkdir(parents=True)
    save_artifact(workspace.build(BUILD_ID) / "artifact", graph, model, build_id=BUILD_ID)
    write_index_of(catalog, workspace)
    workspace.current.symlink_to(BUILD_ID)
    return workspace


def small_tables(catalog: Catalog) -> GraphTables:
    """Return the graph of a catalogue, as the build that is published from it has it."""
    return build_graph(catalog, Extractor().extract(catalog.items))


def published_small_shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return the published small shop, made once for all tests and processes; nobody changes it."""
    return Workspace.open(made_once(tmp_path_factory, "small-shop", publish_small_shop))


def copy_of(workspace: Workspace, folder: Path) -> Workspace:
    """Copy a workspace, for a test that changes it."""
    return Workspace.open(shutil.copytree(workspace.root, folder, symlinks=True))


def write_index_of(catalog: Catalog, workspace: Workspace) -> None:
    """Index a catalogue for search, beside the artifact of the build."""
    build = workspace.build(BUILD_ID)
    SearchIndex.build(catalogue_texts(catalog.items, load_artifact(build / "artifact").item_ids)).save(build / FOLDER)


def built_small_shop(folder: Path, environment: Mapping[str, str]) -> Workspace:
    """Rebuild the small shop by the command, with its tables and its graph database; the reader of changed items needs them."""
    write_shop(folder, toml=TOML + QUICK)
    command = [sys.executable, "-m", "etl", "rebuild", "-w", str(folder)]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=200)
    return Workspace.open(folder)


def small_app(workspace: Workspace, serve: Mapping[str, Any] | None = None) -> FastAPI:
    """Build the application of a workspace.

    Args:
        workspace: The workspace.
        serve: Settings of the section [serve].
    """
    return create_app(workspace, load_config(workspace.root, {f"RECKON__SERVE__{name.upper()}": str(value) for name, value in (serve or {}).items()}))


def key_of(workspace: Workspace, *scopes: str, rate: str = "") -> dict[str, str]:
    """Make a key and return the header that carries it."""
    return {"Authorization": f"Bearer {KeyStore(workspace.keys).create(scopes or ['admin'], rate=rate)}"}


@contextmanager
def serving(app: FastAPI, **options: Any) -> Iterator[str]:
    """Serve an application over HTTP in a thread, and give its address.

    Args:
        app: What is served.
        **options: Options of uvicorn.
    """
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), http=BoundedHttp, ws="none", log_level="critical", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.config.port}"
    finally:
        server.should_exit = True
        thread.join(20)


Asking = Callable[..., TestClient]
