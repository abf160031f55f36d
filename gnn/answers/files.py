"""Files of sentences and of pairs: read, checked, answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from gnn.answers.attributes.ranker import AttributeRanker, LabelledQuestion
from gnn.answers.entities import entities
from gnn.answers.intents import IntentModel
from kg.errors import InputError
from kg.files.parquet import read_parquet
from kg.models.array_file import read_arrays

INTENT_COLUMNS = ("instruction", "intent", "category")
PAIR_COLUMNS = ("qid", "question", "candidate", "label")
_ENTITY = pl.List(pl.Struct({"type": pl.String, "value": pl.String, "start": pl.Int64, "end": pl.Int64}))
Model = IntentModel | AttributeRanker


def train_intents(path: Path) -> IntentModel:
    """Train on a Parquet file with instruction, intent and category."""
    rows = _columns(path, INTENT_COLUMNS)
    return IntentModel.train(rows["instruction"].to_list(), rows["intent"].to_list(), rows["category"].to_list())


def train_pairs(path: Path) -> AttributeRanker:
    """Train on a Parquet file with qid, question, candidate and label."""
    rows = _columns(path, PAIR_COLUMNS)
    labels = rows["label"].cast(pl.Int64, strict=False)
    if labels.null_count() or not labels.is_in([0, 1]).all():
        raise InputError(f"{path}: a label is neither 0 nor 1", hint="write 1 where the candidate answers the question, else 0")
    questions = (
        rows.with_columns(label=labels.cast(pl.Int8)).group_by("qid", maintain_order=True).agg(pl.col("question").first(), "candidate", "label")
    )
    return AttributeRanker.train(
        [
            LabelledQuestion(question, tuple(candidates), np.array(each, dtype=np.int8))
            for question, candidates, each in questions.select("question", "candidate", "label").iter_rows()
        ]
    )


def load(path: Path) -> Model:
    """Read a model of either kind.

    Raises:
        ArtifactError: It is missing, damaged or something else.
    """
    from gnn.answers import intents
    from kg.errors import ArtifactError

    try:
        read_arrays(path, intents.FORMAT)
    except ArtifactError:
        return AttributeRanker.load(path)
    return IntentModel.load(path)


def run(model: Model, path: Path) -> pl.DataFrame:
    """Answer a file: as it was given, in its order, with the columns added.

    Sentences (instruction) get intent, confidence, refused and entities; pairs (qid, question, candidate) get score.
    """
    if isinstance(model, IntentModel):
        return _with_intents(model, _columns(path, ("instruction",)))
    return _with_scores(model, _columns(path, ("qid", "question", "candidate")))


def _with_intents(model: IntentModel, rows: pl.DataFrame) -> pl.DataFrame:
    texts: list[str] = rows["instruction"].to_list()
    intents_read = model.read(texts)
    named = [[{"type": one.type, "value": one.value, "start": one.start, "end": one.end} for one in entities(text)] for text in texts]
    return rows.drop("intent", "confidence", "refused", "entities", strict=False).with_columns(
        pl.Series("intent", [one.intent for one in intents_read], dtype=pl.String),
        pl.Series("confidence", [one.confidence for one in intents_read], dtype=pl.Float64),
        pl.Series("refused", [one.refused for one in intents_read], dtype=pl.Boolean),
        pl.Series("entities", named, dtype=_ENTITY),
    )


def _with_scores(model: AttributeRanker, rows: pl.DataFrame) -> pl.DataFrame:
    scores = np.zeros(rows.height)
    places = rows.select("qid", "question", "candidate").with_row_index("at").group_by("qid", maintain_order=True)
    for _, group in places:
        scores[group["at"].to_numpy()] = model.rank(group["question"][0], group["candidate"].to_list())
    return rows.drop("score", strict=False).with_columns(pl.Series("score", scores))


def _columns(path: Path, names: Sequence[str]) -> pl.DataFrame:
    """Read a file that must have certain columns without empty cells."""
    rows = read_parquet(path)
    missing = [name for name in names if name not in rows.columns]
    if missing:
        raise InputError(f"{path} lacks the column {missing[0]}", hint=f"it needs {', '.join(names)}; it has {', '.join(rows.columns) or 'none'}")
    rows = rows.with_columns(pl.col(name).cast(pl.String) for name in names if name not in ("qid", "label"))
    empty = next((name for name in names if rows[name].null_count()), None)
    if empty is not None:
        raise InputError(f"{path}: {rows[empty].null_count()} rows without {empty}", hint="leave them out")
    if not rows.height and "candidate" not in names:
        raise InputError(f"{path} has no rows", hint="give at least one sentence")
    return rows
