"""Polarity of a review: the mean of two linear classifiers over hashed features, one with the weights of tf–idf, one with those of naive Bayes.

Both are linear in features of length 1, so a model is four numbers per feature: two scales, two weights.

Source: NB-SVM by Wang and Manning 2012, "Baselines and Bigrams", ACL; calibration by Platt 1999.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from kg.errors import ArtifactError, InputError
from kg.models.array_file import Format, read_arrays, write_arrays
from kg.opinions.features import BLOCKS, N_PLACES, counted
from kg.opinions.labels import LabelValue
from kg.opinions.reading import Language, checked_language

Floats = npt.NDArray[np.float64]

FORMAT = Format("opinion model", 1, "train it again with `reckon opinions train`")
WEIGHTINGS = 2
_BATCH = 2_000


@dataclass(frozen=True)
class Block:
    """One kind of features.

    Attributes:
        places: The features that count, rising. Shape [f].
        scales: Weight of each within a review, before the review gets length 1. Shape [f, WEIGHTINGS].
        weights: Of the classifiers. Shape [f, WEIGHTINGS].
    """

    places: npt.NDArray[np.int32]
    scales: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]

    def margins(self, ones: Any) -> Floats:
        """Return how each classifier judges each review.

        Shapes:
            ones: sparse [n, N_PLACES], returns [n, WEIGHTINGS].
        """
        kept = ones[:, self.places]
        length = np.sqrt(kept @ (self.scales**2))
        product = kept @ (self.scales * self.weights)
        return np.asarray(np.divide(product, length, out=np.zeros_like(product), where=length > 0), dtype=np.float64)


@dataclass(frozen=True)
class PolarityModel:
    """A trained classifier of polarity.

    Attributes:
        language: That it reads.
        blocks: Per kind of features.
        bias: Of each classifier. Shape [WEIGHTINGS].
        spread: Standard deviation of each classifier's margins. Shape [WEIGHTINGS].
        slope: From the mean margin to the log odds of positive.
        offset: The same.
        threshold: A probability from here on is called positive.
        values: What is written for negative and for positive.
        aspects: What the training reviews speak of, each a sequence of words.
        measured: On the held-out part: accuracy, macro_f1, brier, tpr and fpr (of negative), rows, share.
    """

    language: Language
    blocks: Mapping[str, Block]
    bias: Floats
    spread: Floats
    slope: float
    offset: float
    threshold: float
    values: tuple[LabelValue, LabelValue]
    aspects: tuple[tuple[str, ...], ...]
    measured: Mapping[str, float]

    def margin(self, texts: Sequence[str]) -> Floats:
        """Return the mean margin of the classifiers; positive numbers speak for positive."""
        total = np.zeros((len(texts), WEIGHTINGS)) + self.bias
        for name, ones in counted(texts, self.language, tuple(self.blocks)).items():
            total += self.blocks[name].margins(ones)
        return np.asarray((total / self.spread).mean(axis=1), dtype=np.float64)

    def probability(self, texts: Sequence[str]) -> Floats:
        """Return the probability that each review is positive."""
        parts = [self.margin(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        margins = np.concatenate(parts) if parts else np.empty(0)
        return np.asarray(expit(self.slope * margins + self.offset), dtype=np.float64)

    def negative_share(self, flagged: float) -> float:
        """Return the share of negatives behind an observed share, with the errors of the classifier taken out.

        Source: the adjusted count of Forman 2008, Data Mining and Knowledge Discovery 17(2).
        """
        tpr, fpr = self.measured.get("tpr", 1.0), self.measured.get("fpr", 0.0)
        return float(np.clip((flagged - fpr) / (tpr - fpr), 0, 1)) if tpr > fpr else flagged

    def save(self, path: Path) -> None:
        """Write the model; the file appears complete or not at all."""
        meta = {name: getattr(self, name) for name in ("language", "slope", "offset", "threshold", "values", "aspects", "measured")}
        arrays = {"bias": self.bias, "spread": self.spread, **dict(_arrays(self.blocks))}
        write_arrays(path, FORMAT, {**meta, "blocks": list(self.blocks)}, arrays)

    @classmethod
    def load(cls, path: Path) -> PolarityModel:
        """Read a model.

        Raises:
            ArtifactError: The file is missing, damaged or no opinion model.
        """
        meta, arrays = read_arrays(path, FORMAT)
        try:
            blocks = {str(name): Block(*(arrays[f"{name}.{part}"] for part in ("places", "scales", "weights"))) for name in meta["blocks"]}
            low, high = meta["values"]
            model = cls(
                language=checked_language(meta["language"]),
                blocks=blocks,
                bias=arrays["bias"],
                spread=arrays["spread"],
                slope=float(meta["slope"]),
                offset=float(meta["offset"]),
                threshold=float(meta["threshold"]),
                values=(low, high),
                aspects=tuple(tuple(map(str, words)) for words in meta["aspects"]),
                measured=meta["measured"],
            )
        except (KeyError, TypeError, ValueError, InputError) as error:
            raise ArtifactError(f"{path} is incomplete: {error}", hint=FORMAT.hint) from error
        if not all(map(_sound, blocks.values())) or set(blocks) - set(BLOCKS) or not blocks:
            raise ArtifactError(f"{path} is inconsistent", hint=FORMAT.hint)
        return model


def _arrays(blocks: Mapping[str, Block]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    for name, block in blocks.items():
        yield f"{name}.places", block.places
        yield f"{name}.scales", block.scales
        yield f"{name}.weights", block.weights


def _sound(block: Block) -> bool:
    shape = (len(block.places), WEIGHTINGS)
    in_range = not len(block.places) or (block.places.min() >= 0 and block.places.max() < N_PLACES)
    return block.scales.shape == shape and block.weights.shape == shape and bool(in_range)
