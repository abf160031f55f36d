"""The chunks of one source on their way to rows of ours: read, histories in one cell taken apart, and understood by the whole file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from etl.sources import registry
from etl.sources.importers import IMPORTERS
from etl.sources.mapping.columns import Columns
from etl.sources.mapping.known_formats import Prepared
from etl.sources.mapping.taxonomy import read_taxonomy
from etl.sources.raw import RawTable
from etl.sources.values.cells import written
from etl.sources.values.reading import DECIDED, Reading
from etl.sources.values.sequences import Sequences


class Chunks:
    """The chunks of a source.

    Args:
        prepared: The source and its file.
        language: The shop's, ISO 639-1.
        root: Folder that relative paths start from.

    Raises:
        InputError: Its taxonomy cannot be read.
    """

    def __init__(self, prepared: Prepared, language: str, root: Path) -> None:
        self._prepared = prepared
        source = prepared.source
        taxonomy = read_taxonomy(root, source.taxonomy) if source.taxonomy else {}
        self.reading = Reading(source, language, self._again, taxonomy)

    def columns(self) -> Iterator[Columns]:
        """Give the columns of each chunk, in order.

        Raises:
            InputError: The file cannot be read.
        """
        sequences = Sequences(self._prepared.source)
        for table in self._read(self._prepared.source.wanted):
            raw = sequences.expanded(table)
            self.reading.prepare(raw, sequences.declared, lambda raw, name: written(sequences.declared, raw, name))
            yield Columns(sequences.declared, raw, self.reading)

    def _again(self) -> Iterator[RawTable]:
        source, sequences = self._prepared.source, Sequences(self._prepared.source)
        wanted = source.wanted
        if source.table != "interactions" and not IMPORTERS.get(self._prepared.file_format).tables:
            narrow = source.model_copy(update={"columns": {name: said for name, said in source.columns.items() if name in DECIDED}})
            wanted = narrow.model_copy(update={"attributes_json": ""}).wanted
        for table in self._read(wanted):
            yield sequences.expanded(table)

    def _read(self, wanted: list[str]) -> Iterator[RawTable]:
        return registry.read(self._prepared.file, self._prepared.file_format, wanted, self._prepared.optional)
