"""The contract of importers, over everything registered; configuration, suffixes and docs know no other list of formats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from etl.sources import registry
from etl.sources.config import REQUIRED, SourceConfig
from etl.sources.importers import IMPORTERS, Importer, by_suffix, formats_table
from etl.sources.raw import RawFile, RawTable
from kg.errors import InputError

ALL = pytest.mark.parametrize("importer", IMPORTERS.all(), ids=IMPORTERS.names())


@ALL
def test_it_says_what_it_is(importer: Importer) -> None:
    assert importer.summary
    assert "\n" not in importer.summary
    assert len(importer.delimiter) == 1
    assert set(importer.tables) <= set(REQUIRED)


@ALL
def test_its_suffixes_lead_to_it_alone(importer: Importer, tmp_path: Path) -> None:
    for suffix in importer.suffixes:
        assert by_suffix(f"Some.File.{suffix.upper()}.gz") is importer
        assert registry.format_of(tmp_path / f"x.{suffix}") == importer.name
        assert [each.name for each in IMPORTERS if suffix in each.suffixes] == [importer.name]


@ALL
def test_a_source_needs_columns_only_where_the_format_leaves_them_open(importer: Importer) -> None:
    for table in REQUIRED:
        source = {"table": table, "path": "x", "format": importer.name}
        if table in importer.tables:
            assert SourceConfig.model_validate(source).importer is importer
        else:
            with pytest.raises(ValidationError, match=f"holds no {table}" if importer.tables else "needs a column for"):
                SourceConfig.model_validate(source)


@ALL
def test_an_empty_file_is_refused_by_its_name(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "empty.bin"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"empty\.bin"):
        list(registry.chunks(path, ["item_id"], file_format=importer.name))


def test_no_importer_takes_the_suffix_of_another() -> None:
    class Other(Importer):
        name = "a_csv"
        summary = "somebody's own"
        suffixes = ("mine", "csv")

        def read(self, file: RawFile) -> Iterator[RawTable]:
            return iter(())

    with pytest.raises(ValueError, match=r"claims the suffix \.csv, which 'csv' reads"):
        IMPORTERS.register(Other())
    assert "a_csv" not in IMPORTERS


def test_an_unknown_format_says_which_was_meant() -> None:
    with pytest.raises(ValidationError, match="there is no source format 'josnl'; did you mean 'jsonl'") as caught:
        SourceConfig.model_validate({"table": "items", "path": "x", "format": "josnl", "columns": {"item_id": "a"}})
    assert len(caught.value.errors()) == 1


def test_the_docs_list_them() -> None:
    page = Path(__file__).parents[3] / "docs" / "import.md"
    assert formats_table() in page.read_text(encoding="utf-8"), "put what formats_table() returns into docs/import.md"
