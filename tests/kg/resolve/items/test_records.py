from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import InputError
from kg.resolve.items.records import MAX_RECORD_CHARS, join_pairs, parse_pairs, parse_record, read_pairs, write_record

_NAMES = st.text("abcdefgh_", min_size=1, max_size=8)
_VALUES = st.text("abc 019.-/'é中", max_size=30)


@given(st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=5))
def test_a_written_record_is_read_back(record: dict[str, str]) -> None:
    assert parse_record(write_record(record)) == {name: " ".join(value.split()) for name, value in record.items()}


def test_upper_case_markers_inside_a_value_do_not_start_a_column() -> None:
    assert parse_record(write_record({"title": "grand COL du VAL VAL"})) == {"title": "grand col du val val"}


def test_an_empty_last_value_is_an_empty_string() -> None:
    assert parse_record("COL title VAL a b COL price VAL  ") == {"title": "a b", "price": ""}
    assert parse_record("COL title VAL") == {"title": ""}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "does not start"),
        ("title canon", "does not start"),
        ("junk COL title VAL canon", "does not start"),
        ("COL title canon", "does not start"),
        ("COL title VAL a COL title VAL b", "twice"),
        ("COL title VAL " + "x" * MAX_RECORD_CHARS, "characters"),
    ],
)
def test_a_malformed_record_is_refused(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_record(text)


def test_errors_name_file_row_and_column() -> None:
    frame = pl.DataFrame({"left": ["COL a VAL 1", "COL a VAL 2"], "right": ["COL a VAL 1", "oops"], "match": [1, 0]})
    with pytest.raises(InputError, match=r"p\.parquet, row 2, column right: 'oops'"):
        parse_pairs(frame, labelled=True, place="p.parquet")
    with pytest.raises(InputError, match="row 1, column left: empty"):
        parse_pairs(frame.with_columns(left=pl.lit(None, dtype=pl.String)), labelled=False)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pl.DataFrame({"right": ["COL a VAL 1"]}), "lacks the column left"),
        (pl.DataFrame({"left": [1], "right": ["COL a VAL 1"]}), "Int64 instead of String"),
        (pl.DataFrame({"left": ["COL a VAL 1"], "right": ["COL a VAL 1"]}), "lacks the column match"),
        (pl.DataFrame({"left": ["COL a VAL 1"], "right": ["COL a VAL 1"], "match": [2]}), "row 1, column match: 2"),
        (pl.DataFrame({"left": ["COL a VAL 1"], "right": ["COL a VAL 1"], "match": ["yes"]}), "String instead of integers"),
        (pl.DataFrame({"left": ["COL a VAL 1"], "right": ["COL a VAL 1"], "match": pl.Series([None], dtype=pl.Int64)}), "column match: None"),
    ],
)
def test_a_malformed_frame_is_refused(frame: pl.DataFrame, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_pairs(frame, labelled=True)


def test_distinct_records_are_kept_once() -> None:
    frame = pl.DataFrame({"left": ["COL a VAL 1", "COL a VAL 1", "COL a VAL 2"], "right": ["COL a VAL 1"] * 3, "match": [True, False, True]})
    pairs = parse_pairs(frame, labelled=True)
    assert (len(pairs), len(pairs.left), len(pairs.right)) == (3, 2, 1)
    assert pairs.left_num.tolist() == [0, 0, 1]
    assert pairs.match is not None
    assert pairs.match.tolist() == [1, 0, 1]


def test_joined_pairs_share_records_that_occur_in_both() -> None:
    one = parse_pairs(pl.DataFrame({"left": ["COL a VAL 1"], "right": ["COL a VAL 2"]}), labelled=False)
    two = parse_pairs(pl.DataFrame({"left": ["COL a VAL 3", "COL a VAL 1"], "right": ["COL a VAL 2", "COL a VAL 4"]}), labelled=False)
    joined = join_pairs(one, two)
    assert joined.left_keys == ["COL a VAL 1", "COL a VAL 3"]
    assert [dict(record) for record in joined.right] == [{"a": "2"}, {"a": "4"}]
    assert joined.left_num.tolist() == [0, 1, 0]
    assert joined.right_num.tolist() == [0, 0, 1]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_pairs(tmp_path / "none.parquet", labelled=True)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"broken\.parquet cannot be read"):
        read_pairs(broken, labelled=True)
