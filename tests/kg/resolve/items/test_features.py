import math

import numpy as np
import polars as pl
import pytest

from kg.resolve.items.features import MISSING, PairFeatures, soft_missing
from kg.resolve.items.pair_context import leads
from kg.resolve.items.records import parse_pairs
from kg.resolve.items.tokens import Text, is_code, words


def _pairs(*rows: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["left", "right"], orient="row")


_FRAME = _pairs(
    ("COL title VAL canon eos 450d black COL price VAL 500.0", "COL title VAL canon eos450d COL price VAL 250.0"),
    ("COL title VAL canon eos 450d black COL price VAL 500.0", "COL title VAL nikon d60 kit COL price VAL "),
    ("COL title VAL sony mdr-v6 headphones COL price VAL 80", "COL title VAL sony mdrv6 headphone COL price VAL 80"),
)


@pytest.fixture(scope="module")
def table() -> tuple[PairFeatures, pl.DataFrame]:
    pairs = parse_pairs(_FRAME, labelled=False)
    features = PairFeatures.fit(pairs)
    return features, pl.DataFrame(features.transform(pairs), schema=list(features.names))


def test_amounts_are_told_from_text(table: tuple[PairFeatures, pl.DataFrame]) -> None:
    assert table[0].numeric == {"price"}
    assert table[0].text_columns == ("title",)


def test_every_feature_has_one_name(table: tuple[PairFeatures, pl.DataFrame]) -> None:
    assert len(set(table[0].names)) == len(table[0].names) == table[1].width


def test_prices_are_compared_as_ratios(table: tuple[PairFeatures, pl.DataFrame]) -> None:
    frame = table[1]
    assert frame["price.log_ratio"][0] == pytest.approx(math.log(2), abs=1e-6)
    assert frame["price.relative"].to_list() == pytest.approx([0.5, MISSING, 0.0])


def test_codes_agree_whatever_their_punctuation(table: tuple[PairFeatures, pl.DataFrame]) -> None:
    assert table[1]["*.code_equal"].to_list() == [0.0, 0.0, 1.0]
    assert table[1]["*.code_conflict"][2] == 0.0


def test_joined_words_and_plurals_count_as_shared(table: tuple[PairFeatures, pl.DataFrame]) -> None:
    covered = table[1]["title.soft_right"].to_list()
    assert covered[0] == covered[2] == 1.0
    assert covered[1] < 0.2
    assert soft_missing(Text("toughskin black"), Text("tough skin blk")) == {"black"}


def test_similarities_are_bounded(table: tuple[PairFeatures, pl.DataFrame]) -> None:
    for name in ("title.ratio", "title.token_set", "title.jaccard", "title.weighted_jaccard", "title.cosine", "*.left_covered"):
        assert table[1][name].is_between(0, 1.0001).all(), name


def test_equal_texts_are_wholly_alike() -> None:
    pairs = parse_pairs(_pairs(("COL title VAL red pen 5", "COL title VAL red pen 5"), ("COL title VAL a", "COL title VAL b")), labelled=False)
    features = PairFeatures.fit(pairs)
    first = dict(zip(features.names, features.transform(pairs)[0], strict=True))
    for name in ("ratio", "token_sort", "jaccard", "weighted_jaccard", "cosine", "soft_left", "numbers_jaccard"):
        assert first[f"title.{name}"] == pytest.approx(1.0), name


def test_unknown_columns_and_words_are_no_error(table: tuple[PairFeatures, pl.DataFrame]) -> None:
    pairs = parse_pairs(_pairs(("COL name VAL never seen", "COL title VAL 東京 ✓")), labelled=False)
    assert np.isfinite(table[0].transform(pairs)).all()


def test_words_and_codes() -> None:
    assert words("4gb 2.50 glasses glass") == ["4", "gb", "2.5", "glasse", "glass"]
    assert [is_code(chunk) for chunk in ("", "a1b2", "2007", "12345", "abcd")] == [False, True, False, True, False]


def test_a_lead_is_over_the_best_other_row_of_the_group() -> None:
    values = np.array([[3.0], [5.0], [5.0], [1.0]], dtype=np.float32)
    result = leads(values, np.array([0, 0, 0, 1]))
    assert result[:, 0].tolist() == [-2.0, 0.0, 0.0, 5.0]
    assert result[:, 1].tolist() == [3.0, 3.0, 3.0, 1.0]
