"""One file that holds named arrays and a JSON header, with a checksum: read without executing anything."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.errors import ArtifactError

MAX_BYTES = 4 << 30
"""Largest unpacked file that is read."""

_META = "meta"
_DIGEST = "sha256"


@dataclass(frozen=True, slots=True)
class Format:
    """What kind of model a file holds.

    Attributes:
        name: Written into the file and compared when it is read.
        version: The same.
        hint: What to do about a file that cannot be used.
    """

    name: str
    version: int
    hint: str


def _digest(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def write_arrays(path: Path, kind: Format, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write header and arrays; the file appears complete or not at all."""
    header = json.dumps({"format": kind.name, "version": kind.version, **meta}, sort_keys=True).encode()
    stored = {**arrays, _META: np.frombuffer(header, dtype=np.uint8)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            np.savez_compressed(file, allow_pickle=False, **stored, **{_DIGEST: _digest(stored)})
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    temporary.chmod(0o644)
    temporary.replace(path)


def _read(path: Path, hint: str) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_BYTES:
        raise ArtifactError(f"{path} unpacks to {size:,} bytes, more than {MAX_BYTES:,}", hint=hint)
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def read_arrays(path: Path, kind: Format) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `write_arrays` wrote and check it.

    Raises:
        ArtifactError: The file is missing, damaged, too large, or of another format or version.
    """
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist", hint=kind.hint)
    try:
        arrays = _read(path, kind.hint)
        digest = arrays.pop(_DIGEST)
        meta = json.loads(arrays[_META].tobytes())
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise ArtifactError(f"{path} is not a {kind.name}: {error}", hint=kind.hint) from error
    if not isinstance(meta, dict) or meta.get("format") != kind.name or meta.get("version") != kind.version:
        raise ArtifactError(f"{path} is not a {kind.name} of version {kind.version}", hint=kind.hint)
    if not np.array_equal(digest, _digest(arrays)):
        raise ArtifactError(f"{path} is damaged: its checksum does not fit", hint=kind.hint)
    arrays.pop(_META)
    return meta, arrays
