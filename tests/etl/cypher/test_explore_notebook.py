"""docs/notebooks/explore.ipynb runs on a shop from the first cell to the last, and is committed with answers that name no machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from kg.embedded import connection
from kg.workspace import Workspace

NOTEBOOK = Path(__file__).parents[3] / "docs" / "notebooks" / "explore.ipynb"


def committed() -> Any:
    read: Any = nbformat.read
    return read(NOTEBOOK, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(notebook: Any, kind: str) -> list[str]:
    return [output.data[kind] for cell in code_cells(notebook) for output in cell.outputs if kind in output.get("data", {})]


def test_it_runs_on_a_shop(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = connection(Workspace.open(shop).graph)
    assert database is not None
    settings = {"GRAPH_URI": database.uri, "GRAPH_USER": database.user, "GRAPH_PASSWORD": database.password, "GRAPH_DATABASE": database.database}
    for name, value in {**settings, "CATEGORY": "Drinks", "IPYTHONDIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    notebook = committed()
    for cell in code_cells(notebook):
        cell.outputs = []
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    kinds, relations, sellers, complements, facts, pairs, measured = shown(notebook, "text/html")
    assert "<td>&quot;Item&quot;</td><td>10</td>" in kinds
    assert "HAS_CATEGORY" in relations
    assert sellers.index("Coffee beans 1 kg") < sellers.index("Green tea 250 g") < sellers.index("Herbal tea")
    assert "Kettle" in complements
    assert "<td>&quot;HAS_WEIGHT&quot;</td><td>&quot;1 kg&quot;</td>" in facts
    # Six shoppers buy drinks. Three of them both coffees (3 · 6 / (4 · 3) = 1.5), two of them item 1 with 5, which is what chance gives.
    assert "<td>&quot;5&quot;</td><td>&quot;6&quot;</td><td>3</td><td>4</td><td>3</td><td>1.5</td>" in pairs
    assert "<td>&quot;1&quot;</td><td>&quot;2&quot;</td><td>2</td>" in pairs
    assert "<td>&quot;1&quot;</td><td>&quot;5&quot;</td>" not in pairs
    assert measured.count("<tr>") > 1
    assert len(shown(notebook, "image/png")) == 3


def test_it_is_committed_with_its_answers() -> None:
    notebook = committed()
    check: Any = nbformat.validate
    check(notebook)
    assert [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))
    assert len(shown(notebook, "image/png")) == 3
    text = NOTEBOOK.read_text(encoding="utf-8")
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert {output.output_type for output in outputs} == {"execute_result", "display_data", "stream"}
    assert all(output.name == "stdout" for output in outputs if output.output_type == "stream")
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|work|usr|Users)/", re.sub(r'"image/png": "[^"]*"', "", text))
