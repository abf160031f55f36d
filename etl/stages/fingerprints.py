"""Fingerprints: what a stage's output depends on, so that unchanged work is not done again."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from etl.clean.config import CleanConfig
from etl.sources import registry
from etl.sources.config import SourceConfig
from kg.config import Section
from kg.errors import BuildError

_CODE = {
    "import": (
        "kg",
        "etl.sources",
        "etl.clean",
        "etl.settings",
        "etl.sources.rejects",
        "etl.stages.importing",
        "etl.stages.import_report",
        "etl.stages.ledger_import",
    ),
    "extract": ("kg",),
    "build": ("kg",),
    "train": ("kg", "gnn"),
    "evaluate": ("kg", "gnn", "etl.stages.evaluation"),
    "report": ("kg", "gnn", "etl.stages.evaluation"),
}
"""Stage → packages and modules whose code it runs; rather too much than too little."""


def fingerprint(stage: str, upstream: str, *parts: object) -> str:
    """Return the fingerprint of a stage: its code, its part of the configuration, its inputs, and the stage before."""
    text = json.dumps([stage, upstream, code(stage), *parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def inputs(root: Path, sources: Iterable[SourceConfig], clean: CleanConfig) -> list[object]:
    """Return what identifies an import: the rules of cleaning, and of each source file its declaration, size and time of change."""
    identity: list[object] = [section(clean)]
    if clean.rules and (root / clean.rules).is_file():
        identity.append(hashlib.sha256((root / clean.rules).read_bytes()).hexdigest())
    for source in sources:
        stat = registry.resolve(root, source.path).stat()
        identity.append([source.model_dump(), stat.st_size, stat.st_mtime_ns, plugin_code(source.importer)])
        for beside in (source.link, source.taxonomy):
            if beside:
                stat = registry.resolve(root, beside).stat()
                identity.append([stat.st_size, stat.st_mtime_ns])
    return identity


def plugin_code(thing: object) -> str:
    """Return a digest of the module that a plug-in comes from; "" for Reckon's own, whose code each stage's fingerprint has."""
    module = sys.modules.get(type(thing).__module__)
    file = getattr(module, "__file__", None)
    if file is None or type(thing).__module__.partition(".")[0] in ("kg", "gnn", "etl", "api", "builtins"):
        return ""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def section(config: Section) -> object:
    """Return a configuration section as plain values."""
    return config.model_dump(mode="json")


@cache
def code(stage: str) -> str:
    """Return a digest of the code that a stage runs."""
    digest = hashlib.sha256()
    for name in _CODE[stage]:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise BuildError(f"the module {name} is not installed", hint="reinstall reckon: `make install`")
        origin = Path(spec.origin)
        paths = sorted(origin.parent.rglob("*")) if spec.submodule_search_locations else [origin]
        for path in paths:
            if path.suffix in (".py", ".jsonl"):
                digest.update(str(path.relative_to(origin.parent)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
