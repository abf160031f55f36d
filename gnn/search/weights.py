"""How much each part of a score weighs: learned from judgements, or the documented defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kg.errors import ArtifactError
from kg.files.json_file import read_json, write_json

DEFAULTS: Mapping[str, float] = {
    "text": 1.0,
    "synonyms": 0.05,
    "kind": 0.5,
    "kind_or_synonym": 0.5,
    "other_kind": -0.2,
    "words": 0.8,
    "words_or_synonyms": 0.8,
    "quantity": 0.8,
    "personal": 0.3,
    "popularity": 0.05,
    "code": 4.0,
}
"""Part → weight. Every part is between 0 and 1 before it is weighed; docs/search.md says where the numbers come from."""
LEARNED = ("synonyms", "kind", "kind_or_synonym", "other_kind", "words", "words_or_synonyms")
"""What judgements teach, in the order in which it is tried; the others do not occur in judgements."""


@dataclass(frozen=True)
class Weights:
    """The weights of a shop.

    Attributes:
        values: Part → weight, for every part of `DEFAULTS`.
        source: Where they come from: "default" or "judgements".
        measured: What was measured when they were learned.
    """

    values: Mapping[str, float]
    source: str = "default"
    measured: Mapping[str, float] | None = None

    @classmethod
    def default(cls) -> Weights:
        """Return the documented defaults."""
        return cls(dict(DEFAULTS))

    def save(self, path: Path) -> None:
        """Write them."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"source": self.source, "weights": dict(self.values), "measured": dict(self.measured or {})})

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Read weights; the defaults where there is no file.

        Raises:
            ArtifactError: The file names a part that does not exist, or holds no numbers.
        """
        if not path.is_file():
            return cls.default()
        body = read_json(path)
        given = body.get("weights")
        if not isinstance(given, dict) or not set(given) <= set(DEFAULTS) or not all(isinstance(value, int | float) for value in given.values()):
            raise ArtifactError(f"{path} holds no weights of search", hint="remove it, or run `reckon search train` again")
        return cls({**DEFAULTS, **{name: float(value) for name, value in given.items()}}, str(body.get("source", "")), body.get("measured"))
