"""Arrays of an artifact as files that are mapped into memory, and their checksums."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import scipy.sparse as sp


def write_csr(folder: Path, name: str, matrix: sp.csr_matrix, *, data: bool = False) -> None:
    """Write a matrix; of one of ones only where they are."""
    matrix.sort_indices()
    np.save(folder / f"{name}_indptr.npy", matrix.indptr.astype(np.int64))
    np.save(folder / f"{name}_indices.npy", matrix.indices.astype(np.int32))
    if data:
        np.save(folder / f"{name}_data.npy", matrix.data.astype(np.float32))


def read_csr(folder: Path, name: str, shape: tuple[int, int], *, data: bool = False) -> sp.csr_matrix:
    """Read a matrix, mapped into memory."""
    indptr = np.load(folder / f"{name}_indptr.npy")
    if len(indptr) and indptr[-1] <= np.iinfo(np.int32).max:
        # scipy wants both index arrays of one type, and would copy the mapped one in every product.
        indptr = indptr.astype(np.int32)
    indices = mapped(folder / f"{name}_indices.npy")
    # Ones are not stored; a stride of zero gives as many as are needed in four bytes.
    values = mapped(folder / f"{name}_data.npy") if data else np.broadcast_to(np.float32(1), indices.shape)
    matrix = sp.csr_matrix(shape, dtype=np.float32)
    matrix.indptr, matrix.indices, matrix.data = indptr, indices, values
    matrix.has_sorted_indices = matrix.has_canonical_format = True
    return matrix


def mapped(path: Path) -> np.ndarray:
    """Map an array into memory, as a plain array: slices of numpy's own memmap class cost ten times as much."""
    return np.asarray(np.load(path, mmap_mode="r")).view(np.ndarray)


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
