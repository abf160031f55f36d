"""A file of reviews with label, score and aspects added."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from kg.opinions.aspects import AspectFinder
from kg.opinions.polarity import PolarityModel
from kg.opinions.vocabulary import learn_aspects

ADDED = ("label", "score", "aspects")
_ASPECTS = pl.List(pl.Struct({"name": pl.String, "start": pl.Int64, "end": pl.Int64, "polarity": pl.String}))


def analysed(frame: pl.DataFrame, texts: Sequence[str | None], model: PolarityModel) -> pl.DataFrame:
    """Return the rows as they were given, in their order, with three columns added (or replaced).

    Args:
        frame: The reviews.
        texts: Of each row; an empty one gets no label and no score.
        model: Trained.
    """
    rows = [row for row, text in enumerate(texts) if text is not None and text.strip()]
    read = [texts[row] or "" for row in rows]
    probability = model.probability(read)
    finder = AspectFinder.of(model.language, [*model.aspects, *learn_aspects(read, model.language)])
    scores: list[float | None] = [None] * len(texts)
    labels: list[int | str | None] = [None] * len(texts)
    aspects: list[list[dict[str, str | int]]] = [[] for _ in texts]
    for row, text, score in zip(rows, read, probability.tolist(), strict=True):
        scores[row] = score
        labels[row] = model.values[score >= model.threshold]
        aspects[row] = [{"name": a.name, "start": a.start, "end": a.end, "polarity": a.polarity} for a in finder.find(text)]
    added = [
        pl.Series("label", labels, dtype=pl.Int64 if isinstance(model.values[0], int) else pl.String),
        pl.Series("score", scores, dtype=pl.Float64),
        pl.Series("aspects", aspects, dtype=_ASPECTS),
    ]
    return frame.drop(ADDED, strict=False).hstack(added)
