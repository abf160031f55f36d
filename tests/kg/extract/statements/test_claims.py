"""Dietary and allergen facts: none that a text does not claim, and the plain claims found."""

from __future__ import annotations

import pytest

from tests.kg.extract.statements.claims import FALSE, NOTHING, PLAIN, run


def test_no_sentence_gives_a_claim_that_it_does_not_make() -> None:
    cases = PLAIN + FALSE
    assert len(cases) >= 300
    wrong = [(text, found - claims) for (text, _, claims), found in zip(cases, run([case[:2] for case in cases]), strict=True) if found - claims]
    assert wrong == []


def test_plain_statements_are_found() -> None:
    found = run([case[:2] for case in PLAIN])
    missed = [(text, claims - here) for (text, _, claims), here in zip(PLAIN, found, strict=True) if claims - here]
    assert len(missed) <= 0.03 * len(PLAIN), missed


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("不含糖", {("has_free_from", "糖")}),
        ("无麸质面包", {("has_free_from", "麸质")}),
        ("不含酒精、香精", {("has_free_from", "酒精"), ("has_free_from", "香精")}),
        ("无糖豆浆", {("has_diet", "无糖"), ("has_free_from", "糖")}),
        ("并非无糖", NOTHING),
        ("非有机大米", NOTHING),
        ("可能含有花生", NOTHING),
        ("有机玻璃相框", NOTHING),
        ("几乎无糖", NOTHING),
        ("含糖饼干", NOTHING),
    ],
)
def test_chinese_claims(text: str, claims: set[tuple[str, str]]) -> None:
    assert run([(text, "title")], "zh") == [frozenset(claims)]
