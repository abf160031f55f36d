"""What `reckon tune` searches, and what it found in a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg.files.json_file import read_json

if TYPE_CHECKING:
    from gnn.config import ModelConfig
    from kg.workspace import Workspace

RESULT = "tuning.json"
SPACE: dict[str, list[Any]] = {
    "factors": [64, 128, 256, 512],
    "factor_regularization": [10.0, 25.0, 50.0, 100.0, 200.0],
    "smoothing": [0.0, 0.15, 0.3, 0.5],
}
"""What is searched; every sampler draws from these lists, so the results of all of them are of one study."""


def tuned(workspace: Workspace, config: ModelConfig) -> ModelConfig:
    """Return the settings with what tuning found in place of defaults; what the workspace sets itself stays."""
    best = read_json(workspace.root / RESULT).get("best", {})
    return config.model_copy(update={name: value for name, value in best.items() if name in SPACE and name not in config.model_fields_set})
