"""The oracle is a made-up pair of feeds: a model code decides, where there is one, and the titles of different items are alike."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from kg.errors import ArtifactError, InputError
from kg.resolve.commands import score_pairs, train_matcher
from kg.resolve.items import matcher as matcher_module
from kg.resolve.items.matcher import ItemMatcher, best_threshold, f1_score

_KINDS = ("toner cartridge", "wireless mouse", "desk lamp", "usb cable", "photo paper")
_COLORS = ("black", "white", "blue")


def _feeds(n_items: int, seed: int) -> pl.DataFrame:
    rng = random.Random(seed)
    items = [(rng.choice(_KINDS), rng.choice(_COLORS), f"{rng.choice('abcxyz')}{rng.randint(100, 999)}{rng.choice('klm')}") for _ in range(n_items)]
    rows = []
    for number, (kind, color, code) in enumerate(items):
        # Some titles lack the code: alone, they fit several items.
        left = f"COL title VAL {kind} {color} {code if number % 6 else ''} COL price VAL {10 + number % 7}.0"
        for other in [number, *rng.sample(range(n_items), 4)]:
            kind_b, color_b, code_b = items[other]
            right = f"COL title VAL {color_b} {code_b[:1]}-{code_b[1:]} {kind_b} new COL price VAL {11 + other % 7}.0"
            rows.append((left, right, int(other == number)))
    rng.shuffle(rows)
    return pl.DataFrame(rows, schema=["left", "right", "match"], orient="row")


@pytest.fixture(scope="module")
def small_ensembles() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(matcher_module, "_N_EXTRA_TREES", 15)
    patch.setattr(matcher_module, "_N_BOOSTED_TREES", 15)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def matcher(small_ensembles: None) -> ItemMatcher:
    return ItemMatcher.fit(_feeds(60, 1), _feeds(20, 2))


def test_finds_the_same_items_in_feeds_it_has_not_seen(matcher: ItemMatcher) -> None:
    test = _feeds(40, 3)
    scored = matcher.score(test.drop("match"))
    f1, _, _ = f1_score(test["match"].to_numpy(), scored["match"].to_numpy() == 1)
    assert f1 >= 0.85


def test_shuffled_labels_leave_nothing_to_learn(small_ensembles: None) -> None:
    shuffled = _feeds(60, 1).with_columns(pl.col("match").shuffle(seed=5))
    test = _feeds(40, 3)
    scored = ItemMatcher.fit(shuffled, _feeds(20, 2).with_columns(pl.col("match").shuffle(seed=6))).score(test)
    assert f1_score(test["match"].to_numpy(), scored["match"].to_numpy() == 1)[0] < 0.6


def test_scores_keep_rows_order_and_other_columns(matcher: ItemMatcher) -> None:
    frame = _feeds(10, 4).with_row_index("row")
    scored = matcher.score(frame)
    assert scored["row"].to_list() == frame["row"].to_list()
    assert scored.columns == ["row", "left", "right", "match", "score"]
    assert scored["score"].is_between(0, 1).all()
    assert scored["match"].to_list() == [int(value >= matcher.alone_threshold) for value in scored["score"]]


def test_the_order_of_the_pairs_does_not_matter(matcher: ItemMatcher) -> None:
    frame = _feeds(10, 4)
    for rivals in (True, False):
        turned = matcher.score(frame.reverse(), rivals=rivals).reverse()
        np.testing.assert_allclose(turned["score"], matcher.score(frame, rivals=rivals)["score"], atol=1e-6)


def test_same_seed_same_matcher(small_ensembles: None, matcher: ItemMatcher) -> None:
    again = ItemMatcher.fit(_feeds(60, 1), _feeds(20, 2))
    assert again.threshold == matcher.threshold
    assert again.score(_feeds(10, 4)).equals(matcher.score(_feeds(10, 4)))


def test_a_stored_matcher_scores_the_same(matcher: ItemMatcher, tmp_path: Path) -> None:
    matcher.save(tmp_path / "m" / "pairs.matcher")
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["pairs.matcher"]
    again = ItemMatcher.load(tmp_path / "m" / "pairs.matcher")
    assert again.quality == matcher.quality
    for rivals in (True, False):
        assert again.score(_feeds(10, 4), rivals=rivals).equals(matcher.score(_feeds(10, 4), rivals=rivals))


def test_alone_a_pair_scores_the_same_in_any_company(matcher: ItemMatcher) -> None:
    frame = _feeds(10, 4)
    batch = matcher.score(frame, rivals=False)
    for row in range(0, frame.height, 7):
        assert matcher.score(frame[row], rivals=False)["score"][0] == pytest.approx(batch["score"][row], abs=1e-9)


def test_known_records_are_judged_among_rivals_and_others_alone(matcher: ItemMatcher) -> None:
    known, strange = _feeds(60, 1)[:40], _feeds(10, 4)
    assert matcher.score(known).equals(matcher.score(known, rivals=True))
    assert matcher.score(strange).equals(matcher.score(strange, rivals=False))
    assert not matcher.score(known).equals(matcher.score(known, rivals=False))


def test_rivals_settle_what_a_pair_alone_leaves_open(matcher: ItemMatcher) -> None:
    test = _feeds(40, 3)
    among = matcher.score(test, rivals=True)
    assert f1_score(test["match"].to_numpy(), among["match"].to_numpy() == 1)[0] >= 0.8


def test_damaged_files_are_refused(matcher: ItemMatcher, tmp_path: Path) -> None:
    path = tmp_path / "m"
    with pytest.raises(ArtifactError, match="does not exist"):
        ItemMatcher.load(path)
    matcher.save(path)
    whole = path.read_bytes()
    for damaged in (b"", b"not a zip", whole[: len(whole) // 2], whole[:500] + b"\0" * 40 + whole[540:]):
        path.write_bytes(damaged)
        with pytest.raises(ArtifactError, match=str(path)):
            ItemMatcher.load(path)
    np.savez(path.with_suffix(".npz"), a=np.arange(3))
    with pytest.raises(ArtifactError, match="is not a reckon-item-matcher"):
        ItemMatcher.load(path.with_suffix(".npz"))


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, meta=np.array([{"a": 1}], dtype=object), sha256=np.zeros(32, dtype=np.uint8))
    with pytest.raises(ArtifactError):
        ItemMatcher.load(path)


def test_too_few_matches_are_an_error() -> None:
    frame = _feeds(30, 1).with_columns(match=pl.lit(0))
    with pytest.raises(InputError, match="0 matches"):
        ItemMatcher.fit(frame, frame)


def test_records_of_another_kind_are_an_error(matcher: ItemMatcher) -> None:
    with pytest.raises(InputError, match="none of which"):
        matcher.score(pl.DataFrame({"left": ["COL isbn VAL 1"], "right": ["COL isbn VAL 1"]}))


def test_no_pairs_give_no_scores(matcher: ItemMatcher) -> None:
    assert matcher.score(pl.DataFrame(schema={"left": pl.String, "right": pl.String})).height == 0


def test_the_commands_read_and_write_files(small_ensembles: None, tmp_path: Path) -> None:
    for name, seed in (("train", 1), ("valid", 2), ("test", 3)):
        _feeds(30, seed).write_parquet(tmp_path / f"{name}.parquet")
    trained = train_matcher(tmp_path / "train.parquet", tmp_path / "valid.parquet", tmp_path / "model")
    scored = score_pairs(tmp_path / "model", tmp_path / "test.parquet", tmp_path / "out" / "scored.parquet")
    assert pl.read_parquet(tmp_path / "out" / "scored.parquet").equals(scored)
    assert scored.equals(trained.score(pl.read_parquet(tmp_path / "test.parquet")))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["scored.parquet"]


def test_the_threshold_has_the_best_f1() -> None:
    rng = np.random.default_rng(0)
    match = (rng.random(200) < 0.3).astype(np.int8)
    score = np.round(np.clip(match * 0.3 + rng.random(200) * 0.7, 0, 1), 2).astype(np.float64)
    chosen = f1_score(match, score >= best_threshold(match, score))[0]
    assert chosen == pytest.approx(max(f1_score(match, score >= cut)[0] for cut in np.linspace(0, 1, 401)))


def test_real_pairs_reach_a_sound_f1(small_ensembles: None) -> None:
    folder = os.environ.get("RECKON_TEST_DATA")
    if not folder:
        pytest.skip("RECKON_TEST_DATA is not set: the public record pairs are not checked")
    train, valid = (pl.read_parquet(Path(folder) / "resolution" / f"Abt-Buy.{part}.parquet") for part in ("train", "valid"))
    scored = ItemMatcher.fit(train[:1200], train[1200:2000]).score(valid[:1000].drop("match"))
    assert f1_score(valid["match"][:1000].to_numpy(), scored["match"].to_numpy() == 1)[0] >= 0.8
