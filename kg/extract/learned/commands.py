"""Train a model on a gold file and run it over a file: what `reckon extract train` and `reckon extract run` do, outside any workspace."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kg.errors import ArtifactError, InputError
from kg.extract.learned.attributes import Answer, AttributeModel, Report
from kg.extract.learned.chinese.characters import CharacterModel
from kg.extract.learned.data.gold import Example, Tagged, example_of, kind_of, read_gold, read_rows, tagged_of
from kg.extract.learned.workers import side_by_side
from kg.files.atomic import whole_file
from kg.models.array_file import Format, read_arrays, write_arrays

FORMAT = Format("reckon-extractor", 1, "train it again with `reckon extract train`")
_BATCH, _BATCH_CHARS = 128, 16_000
"""Lines that are answered together, and their characters: few enough that two processes have the same to do, and as many as pay."""

Model = AttributeModel | CharacterModel
Row = tuple[str, dict[str, Any]]
"""Where a line stands, and what it holds."""


@dataclass(frozen=True)
class Trained:
    """What training did.

    Attributes:
        kind: "attributes" or "tags".
        lines: Gold lines.
        f1: F1 on the gold lines, each predicted by models that had not seen it; slightly favourable, as the threshold was chosen on it.
        seconds: What it took.
    """

    kind: str
    lines: int
    f1: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """What a run did: lines read, values (or entities) given, seconds."""

    lines: int
    given: int
    seconds: float


def train(gold: Path, out: Path, *, minutes: float = 10.0, report: Report | None = None) -> Trained:
    """Train on a gold file and write the model.

    Args:
        gold: JSON lines (`kg.extract.learned.data.gold`).
        out: File to write; it appears whole or not at all.
        minutes: Time to stay within.
        report: Called with what was done, how much of it, and of how much.

    Raises:
        InputError: The file cannot be used; names line, value and fix.
    """
    started = time.monotonic()
    examples, tagged = read_gold(gold)
    model: Model
    if tagged:
        model = CharacterModel.fit(tagged, report=report)
        f1 = model.f1
    else:
        if not any(values for example in examples for values in (example.gold or {}).values()):
            raise InputError(f"{gold} states no value at all", hint='every answer is "n/a"; give lines with values')
        model = AttributeModel.fit(examples, minutes=minutes, report=report)
        f1 = model.ranker.f1
    save(model, out)
    return Trained("tags" if tagged else "attributes", len(examples) + len(tagged), f1, time.monotonic() - started)


def run(model: Path, source: Path, out: Path, *, progress: Callable[[int], None] | None = None) -> Run:
    """Predict for every line of a file and write the lines with their predictions.

    Attribute lines get `predictions` {attribute: value or null}, `spans` {attribute: {field, start, end} or null} and `confidences`; tag lines
    get `tags` and `spans` [{start, end, type, confidence}].

    Args:
        model: What `train` wrote.
        source: JSON lines; answers that stand in them are not read.
        out: JSON lines to write; it appears whole or not at all.
        progress: Called with the lines done.

    Raises:
        InputError: A line cannot be used, or is of another kind than the model.
        ArtifactError: The model is missing or damaged.
    """
    started = time.monotonic()
    loaded = load(model)
    lines = given = 0
    with whole_file(out) as temporary, temporary.open("w", encoding="utf-8") as file:
        for written, n_lines, n_given in _answers(loaded, _batches(read_rows(source), tags=isinstance(loaded, CharacterModel))):
            file.write(written)
            lines, given = lines + n_lines, given + n_given
            if progress:
                progress(lines)
    return Run(lines, given, time.monotonic() - started)


def save(model: Model, path: Path) -> None:
    """Write a model: arrays and JSON with a checksum."""
    meta, arrays = model.arrays()
    write_arrays(path, FORMAT, {"kind": "tags" if isinstance(model, CharacterModel) else "attributes", "model": meta}, arrays)


def load(path: Path) -> Model:
    """Read what `save` wrote.

    Raises:
        ArtifactError: It is missing, damaged or of another version.
    """
    meta, arrays = read_arrays(path, FORMAT)
    try:
        kind = CharacterModel if meta["kind"] == "tags" else AttributeModel
        return kind.from_arrays(meta["model"], arrays)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ArtifactError(f"{path} does not hold a model: {error!r}", hint=FORMAT.hint) from error


def _batches(rows: Iterable[Row], *, tags: bool) -> Iterator[list[Example] | list[Tagged]]:
    for batch in _cut(rows):
        for where, row in batch:
            if (kind_of(row, where) == "tags") != tags:
                wanted = "chars" if tags else "input, or input_title and input_description"
                raise InputError(
                    f"{where} is of another kind than the model, which reads {wanted}", hint="use the model that was trained on such lines"
                )
        if tags:
            yield [tagged_of(row, where, labelled=False) for where, row in batch]
        else:
            yield [example_of(row, where, labelled=False) for where, row in batch]


def _cut(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    chars = 0
    for row in rows:
        batch.append(row)
        chars += sum(len(text) for text in row[1].values() if isinstance(text, (str, list)))
        if len(batch) == _BATCH or chars >= _BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _answers(model: Model, batches: Iterator[list[Example] | list[Tagged]]) -> Iterator[tuple[str, int, int]]:
    """Yield (lines to write, their number, values given) of each batch; a single batch is not worth another process."""
    answer = partial(_answered, model)
    head = list(itertools.islice(batches, 2))
    if len(head) < 2:
        yield from map(answer, head)
        return
    # What is loaded on first use is loaded once, before the processes part.
    answer(head[0][:1])
    yield from side_by_side(answer, itertools.chain(head, batches))


def _answered(model: Model, texts: Sequence[Example] | Sequence[Tagged]) -> tuple[str, int, int]:
    if isinstance(model, CharacterModel):
        tagged = [text for text in texts if isinstance(text, Tagged)]
        rows = [_with_tags(text, *result) for text, result in zip(tagged, model.tag(tagged), strict=True)]
    else:
        examples = [text for text in texts if isinstance(text, Example)]
        rows = [_with_values(example, answers) for example, answers in zip(examples, model.answer(examples), strict=True)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row, _ in rows), len(rows), sum(given for _, given in rows)


def _with_tags(text: Tagged, tags: list[str], spans: list[tuple[int, int, str, float]]) -> tuple[dict[str, Any], int]:
    result = [{"start": start, "end": end, "type": name, "confidence": round(p, 4)} for start, end, name, p in spans]
    return {**text.row, "tags": tags, "spans": result}, len(spans)


def _with_values(example: Example, answers: Mapping[str, Answer]) -> tuple[dict[str, Any], int]:
    places = {
        name: None if answer.field is None else {"field": answer.field, "start": answer.start, "end": answer.end} for name, answer in answers.items()
    }
    row = {
        **example.row,
        "predictions": {name: answer.value for name, answer in answers.items()},
        "spans": places,
        "confidences": {name: round(answer.confidence, 4) for name, answer in answers.items()},
    }
    return row, sum(answer.value is not None for answer in answers.values())
