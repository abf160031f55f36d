"""The index of search: written beside the artifact, over the same items in the same order."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from gnn.search.fields import catalogue_texts
from gnn.search.index import SearchIndex
from gnn.search.opening import FOLDER
from kg.tables import Catalog


def write_index(build: Path, item_ids: Sequence[str]) -> dict[str, int]:
    """Index the catalogue of a build.

    Args:
        build: Its folder.
        item_ids: The items of its artifact, in order.

    Returns:
        What was counted.
    """
    index = SearchIndex.build(catalogue_texts(Catalog.read(build / "catalog").items, item_ids))
    temporary, folder = build / f"{FOLDER}.tmp", build / FOLDER
    shutil.rmtree(temporary, ignore_errors=True)
    index.save(temporary)
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
    return {"search_terms": len(index.terms)}
