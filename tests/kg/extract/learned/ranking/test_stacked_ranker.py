"""The second opinion: candidates that nothing tells apart but what else the text holds, and the same scores in any company."""

from __future__ import annotations

import numpy as np

from kg.extract.learned.ranking.stacked_ranker import Proposals, Questions, StackedRanker


def planted(n_texts: int, seed: int = 0) -> Questions:
    """Two questions a text. The first's answer is plain; both candidates of the second look alike, and the one that overlaps that answer is wrong."""
    rng = np.random.default_rng(seed)
    rows, first, right = [], [], []
    for _ in range(n_texts):
        place, plain = int(rng.integers(2)), rng.normal(size=2) / 10
        rows += [[0.9 + plain[0], 1.0], [0.1 + plain[1], 1.0], [0.5, 0.0], [0.5, 0.0]]
        first += [place, 1 - place, 0, 1]
        right += [True, False, place == 1, place == 0]
    at = np.array(first, dtype=np.int64)
    sizes, texts = np.full(2 * n_texts, 2, dtype=np.int64), np.repeat(np.arange(n_texts), 2)
    proposals = Proposals(np.array(rows, dtype=np.float32), at, at, sizes, texts)
    return Questions(proposals, np.array(right), np.ones(2 * n_texts, dtype=bool))


def test_what_the_text_holds_beside_decides_between_candidates_that_look_alike() -> None:
    ranker = StackedRanker.fit(planted(90))
    assert ranker.closing is not None
    assert ranker.opening.f1 < 0.9
    assert ranker.f1 > 0.97
    unseen = planted(40, seed=7)
    assert unseen.f1(ranker.scores(unseen.proposals), ranker.threshold) > 0.97


def test_a_second_opinion_that_is_no_better_is_left_out_and_both_forms_are_stored() -> None:
    questions = planted(60)
    plain = Questions(questions.proposals, np.tile([True, False], 120), questions.stated)
    for asked, both in ((questions, True), (Questions(_apart(plain.proposals), plain.right, plain.stated), False)):
        ranker = StackedRanker.fit(asked)
        assert (ranker.closing is not None) == both
        again = StackedRanker.from_arrays(ranker.arrays(), n_features=2)
        np.testing.assert_array_equal(again.scores(asked.proposals), ranker.scores(asked.proposals))


def _apart(proposals: Proposals) -> Proposals:
    """Tell right from wrong by the first feature, so that nothing is left to be told."""
    features = np.tile(np.array([[1.0, 0.0], [0.0, 0.0]], dtype=np.float32), (len(proposals.features) // 2, 1))
    return Proposals(features, proposals.first, proposals.last, proposals.sizes, proposals.texts)


def test_a_text_is_scored_alike_alone_and_among_others() -> None:
    ranker = StackedRanker.fit(planted(60))
    all_of_them = planted(6, seed=3).proposals
    together = ranker.scores(all_of_them)
    for text in range(6):
        rows, asked = slice(4 * text, 4 * text + 4), slice(2 * text, 2 * text + 2)
        one = Proposals(
            all_of_them.features[rows], all_of_them.first[rows], all_of_them.last[rows], all_of_them.sizes[asked], all_of_them.texts[asked]
        )
        np.testing.assert_array_equal(ranker.scores(one), together[rows])
