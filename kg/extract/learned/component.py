"""A spaCy component that reads with a trained model: `doc.spans["learned"]`, each span labelled with its attribute.

    nlp = spacy.blank("en")
    nlp.add_pipe("reckon_learned", config={"model": "brand.model", "attributes": ["Brand", "Color"]})

The category of a text is taken from `doc.user_data["category"]` where it stands there. The confidences lie beside the spans, in
`doc.spans["learned"].attrs["confidences"]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, SpanGroup

from kg.extract.learned.data.gold import Example
from kg.extract.learned.shop import Reading, ShopReader

SPANS = "learned"
CATEGORY = "category"
_BATCH = 256


class LearnedSpans:
    """Pipeline component that writes what a trained model reads.

    Args:
        reader: The model.
        attributes: What to ask for; empty asks for what the category is usually asked for.
    """

    def __init__(self, reader: ShopReader, attributes: Sequence[str] = ()) -> None:
        self._reader = reader
        self._attributes = tuple(attributes)

    def __call__(self, doc: Doc) -> Doc:
        """Read one text."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = _BATCH) -> Iterator[Doc]:
        """Read texts, many at a time."""
        waiting = iter(stream)
        while docs := list(islice(waiting, batch_size)):
            texts = [Example((("input", doc.text),), str(doc.user_data.get(CATEGORY, "")), self._attributes, None, {}) for doc in docs]
            for doc, result in zip(docs, self._reader.read(texts), strict=True):
                doc.spans[SPANS] = _group(doc, result)
                yield doc


def _group(doc: Doc, readings: dict[str, Reading]) -> SpanGroup:
    """Return the readings as spans; one that begins or ends within a token takes the whole token."""
    ordered = sorted(readings.items(), key=lambda pair: (pair[1].start, pair[1].end, pair[0]))
    spans = [(doc.char_span(one.start, one.end, label=name, alignment_mode="expand"), one.confidence) for name, one in ordered]
    kept = [(span, confidence) for span, confidence in spans if span is not None]
    return SpanGroup(doc, name=SPANS, spans=[span for span, _ in kept], attrs={"confidences": [confidence for _, confidence in kept]})


@Language.factory("reckon_learned", default_config={"attributes": []})
def _make(nlp: Language, name: str, model: str, attributes: list[str]) -> LearnedSpans:
    return LearnedSpans(ShopReader.load(Path(model)), attributes)
