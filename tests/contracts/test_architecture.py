"""The architecture rules of pyproject.toml hold, and serving really loads neither torch nor spaCy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 0, done.stdout


def test_serving_loads_neither_torch_nor_spacy() -> None:
    code = (
        "import sys, api.app, etl.cli.app; from gnn.recommend.recommender import Recommender;"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'torch_geometric', 'spacy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
