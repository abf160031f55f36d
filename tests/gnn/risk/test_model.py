"""Scores: from strictly earlier rows alone, the same however the file is cut, adding up, and right when the share of fraud shifts."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from gnn.risk.calibration import Calibration, calibration_error, share_by_em
from gnn.risk.model import RiskModel, score, train
from gnn.risk.reasons import Reasons
from gnn.risk.transactions import DEFAULT_MAP
from kg.errors import ArtifactError, InputError
from tests.gnn.risk.made_up import payments, rows_of

CUT = 2_200


@pytest.fixture(scope="module")
def made_up() -> pl.DataFrame:
    return payments()


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "feedback"])
def model(request: pytest.FixtureRequest, made_up: pl.DataFrame) -> RiskModel:
    return train(rows_of(made_up[:CUT]), DEFAULT_MAP, feedback=request.param)


def _scores(model: RiskModel, transactions: pl.DataFrame, history: pl.DataFrame) -> np.ndarray:
    scored = score(model, rows_of(transactions), rows_of(history))
    found = np.empty(len(scored.at))
    found[scored.rows["row"].gather(scored.at).to_numpy()] = scored.scores
    return found


def test_frauds_of_a_later_part_score_higher(model: RiskModel, made_up: pl.DataFrame) -> None:
    later = made_up[CUT:]
    known = later["Labels"].to_numpy() != 2
    scores = _scores(model, later, made_up[:CUT])
    assert roc_auc_score(later["Labels"].to_numpy()[known] == 1, scores[known]) > 0.95


def test_one_by_one_equals_the_batch(model: RiskModel, made_up: pl.DataFrame) -> None:
    batch = _scores(model, made_up[CUT:], made_up[:CUT])
    for row in (0, 1, 63, 64, 150):
        alone = _scores(model, made_up[CUT + row : CUT + row + 1], made_up[: CUT + row])
        assert alone[0] == batch[row]
    halves = np.concatenate([_scores(model, made_up[CUT : CUT + 90], made_up[:CUT]), _scores(model, made_up[CUT + 90 :], made_up[: CUT + 90])])
    assert np.array_equal(halves, batch)


def test_the_order_of_the_file_does_not_matter(model: RiskModel, made_up: pl.DataFrame) -> None:
    mixed = np.random.default_rng(3).permutation(len(made_up) - CUT)
    plain, shuffled = _scores(model, made_up[CUT:], made_up[:CUT]), _scores(model, made_up[CUT:][mixed], made_up[:CUT])
    assert np.array_equal(plain[mixed], shuffled)


def test_no_row_sees_itself_its_equals_or_what_comes_later(model: RiskModel, made_up: pl.DataFrame) -> None:
    at = 40
    time = made_up["Time"][CUT + at]
    tied = made_up[CUT:].with_columns(Time=pl.when(pl.int_range(pl.len()).is_between(at - 2, at + 2)).then(time).otherwise(pl.col("Time")))
    flipped = tied.with_columns(Labels=pl.when(pl.col("Time") >= time).then(1 - pl.col("Labels").clip(0, 1)).otherwise(pl.col("Labels")))
    before, after = (_scores(model, frame, made_up[:CUT])[: at + 3] for frame in (tied, flipped))
    assert np.array_equal(before, after)


def test_labels_count_only_with_feedback(model: RiskModel, made_up: pl.DataFrame) -> None:
    later = made_up[CUT:]
    flipped = later.with_columns(Labels=1 - pl.col("Labels").clip(0, 1))
    same = np.array_equal(_scores(model, later, made_up[:CUT]), _scores(model, flipped, made_up[:CUT]))
    assert same is not model.feedback


def test_reasons_add_up_to_the_score(model: RiskModel, made_up: pl.DataFrame) -> None:
    scored = score(model, rows_of(made_up[CUT : CUT + 300]), rows_of(made_up[:CUT]))
    table = Reasons(scored).table()
    for reasons, clears, chance in zip(table["reasons"].to_list(), table["clears"], scored.scores, strict=True):
        assert sum(entry["log_odds"] for entry in reasons) == pytest.approx(logit(chance), abs=1e-6)
        assert sum(abs(entry["share"]) for entry in reasons) <= 1 + 1e-9
        assert bool(clears) == (chance >= 0.5)


def test_counts_in_reasons_are_those_of_the_file(model: RiskModel, made_up: pl.DataFrame) -> None:
    scored = score(model, rows_of(made_up[CUT : CUT + 200]), rows_of(made_up[:CUT]))
    table = Reasons(scored).table()
    names = {"source": "Source", "target": "Target", "location": "Location", "type": "Type"}
    n_checked = 0
    for at, reasons in zip(scored.at.tolist(), table["reasons"].to_list(), strict=True):
        earlier = made_up[:at].filter(pl.col("Time") < made_up["Time"][at])
        for entry in reasons:
            told = re.match(r"(.+) (?:has (\d+) earlier|is seen for the (first) time)", entry["sentence"])
            words = told[1].lower().split(" with ") if told else ["the amount"]
            if told is None or any(word.startswith(("the ", "amounts")) for word in words):
                continue
            of_key = earlier
            for word in words:
                column = names[word.split()[0]]
                assert word.split()[1] == made_up[column][at].lower()
                of_key = of_key.filter(pl.col(column) == made_up[column][at])
            assert of_key.height == int(told[2] or 0)
            n_checked += 1
    assert n_checked > 20


def test_tree_shares_are_shapley_values(model: RiskModel, made_up: pl.DataFrame) -> None:
    x = score(model, rows_of(made_up[CUT : CUT + 50]), rows_of(made_up[:CUT])).x
    assert model.trees.contributions(x).sum(axis=1) + model.trees.mean == pytest.approx(model.trees.log_odds(x), abs=1e-9)


def test_a_model_comes_back_as_it_was_saved(model: RiskModel, made_up: pl.DataFrame, tmp_path: Path) -> None:
    model.save(tmp_path / "risk.model")
    again = RiskModel.load(tmp_path / "risk.model")
    assert again.measured == model.measured
    assert np.array_equal(_scores(again, made_up[CUT:], made_up[:CUT]), _scores(model, made_up[CUT:], made_up[:CUT]))
    (tmp_path / "risk.model").write_bytes((tmp_path / "risk.model").read_bytes()[:-900])
    with pytest.raises(ArtifactError):
        RiskModel.load(tmp_path / "risk.model")


def test_too_few_labels_are_named(made_up: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="0 fraud"):
        train(rows_of(made_up.with_columns(Labels=pl.lit(0))), DEFAULT_MAP)


def test_em_finds_the_share_of_fraud_after_a_shift() -> None:
    rng = np.random.default_rng(0)
    for share in (0.12, 0.3, 0.5):
        fraud = rng.random(20_000) < share
        # Two normal distributions one apart, two wide: their log-odds are exact at the prior of .12.
        z = rng.normal(np.where(fraud, 1.0, -1.0), 1.0)
        assert share_by_em(2 * z + logit(0.12), 0.12) == pytest.approx(share, abs=0.02)


def test_labels_that_come_back_keep_the_calibration_through_a_shift() -> None:
    rng = np.random.default_rng(1)
    fraud = np.concatenate([rng.random(3_000) < 0.12, rng.random(6_000) < 0.3])
    plain = 2 * rng.normal(np.where(fraud, 1.0, -1.0), 1.0) + logit(0.12)
    places = np.arange(len(fraud))
    shift = Calibration(1.0, 0.0, 0.12, 0.12).shift_by_labels(plain, fraud.astype(np.int8), places, places)
    settled = slice(4_500, None)
    assert calibration_error(expit(plain + shift)[settled], fraud[settled]) < 0.03
    assert calibration_error(expit(plain)[settled], fraud[settled]) > 0.06
