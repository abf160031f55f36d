"""JSON documents on disk, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kg.files.atomic import write_text


def write_json(path: Path, value: object) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, default=str) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an absent or damaged file is an empty one."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
