"""The one rule for ids, and the one list of placeholders."""

from __future__ import annotations

import polars as pl
import pytest

from kg.catalog.change_files import RefusedChangeError
from kg.catalog.file_changes import parse
from kg.validation.ids import checked, checked_series
from kg.validation.placeholders import blanked, says_nothing
from tests.kg.incremental_shop import RULES

KEPT = {
    "718": "718",
    " 718\t": "718",
    "Cafe\u0301": "Caf\u00e9",
    "a b/c?d": "a b/c?d",
    "\ufeffx\u200b": "x",
    "x" * 512: "x" * 512,
    "絵文字🫖": "絵文字🫖",
}
REFUSED = {
    "": "is empty",
    " \u200b ": "is empty",
    "a\x07b": "control character U+0007",
    "a\nb": "control character U+000A",
    "a\x7f": "control character U+007F",
    "a\u2028b": "line separator U+2028",
    "a\ud800": "lone surrogate U+D800",
    "x" * 513: "513 characters long",
}


@pytest.mark.parametrize("written", KEPT)
def test_an_id_is_trimmed_and_composed(written: str) -> None:
    assert checked(written) == KEPT[written]
    assert checked(checked(written)) == KEPT[written]


@pytest.mark.parametrize("written", REFUSED)
def test_what_cannot_be_asked_for_is_no_id(written: str) -> None:
    with pytest.raises(ValueError, match=REFUSED[written].replace("+", r"\+")):
        checked(written)


def test_a_column_of_ids_goes_by_the_same_rule() -> None:
    unlike_text = [text for text in REFUSED if text.isprintable() or "\ud800" not in text]
    ids, faults = checked_series(pl.Series([*KEPT, *unlike_text, None]))
    assert ids.to_list()[: len(KEPT)] == [*KEPT.values()]
    assert set(faults) == set(unlike_text)
    assert all(REFUSED[text] in why for text, why in faults.items())


@pytest.mark.parametrize("field", ["item_id", "user_id"])
def test_changes_go_by_the_same_rule(field: str) -> None:
    record = {"op": "add_interaction", "kind": "view", "user_id": "u", "item_id": "i", field: "a\x07b"}
    with pytest.raises(RefusedChangeError, match="control character U\\+0007"):
        parse(record, RULES)
    assert parse({**record, "item_id": "Cafe\u0301", "user_id": "u"}, RULES).item_id == "Caf\u00e9"


@pytest.mark.parametrize(
    "written", ["NULL", "None", "nan", "N/A", "#N/A", "undefined", "(not set)", "(none)", "-", "--", "[]", "{}", " \u200b", "\\N"]
)
def test_placeholders_say_nothing_in_every_column(written: str) -> None:
    for column in ("user_id", "item_id", "title", "brand", "color", "price", "time"):
        assert says_nothing(written, column)
        assert blanked(pl.Series([written, "x"]), column).to_list() == [None, "x"]


def test_some_placeholders_hold_in_some_columns() -> None:
    assert says_nothing("0", "categories")
    assert not says_nothing("0", "user_id")
    assert not says_nothing("0", "size")
    assert not says_nothing("Other", "title")
    assert not says_nothing("Nonesuch", "brand")
