from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from gnn.config import EvaluateConfig
from gnn.evaluation.evaluate import ModelResult, compare
from gnn.evaluation.explanation_quality import Deletion, Quality
from gnn.evaluation.model_card import general_card, model_card
from gnn.evaluation.report import markdown, report, sections, verdict, write_report
from gnn.evaluation.report_page import page
from gnn.gates.base import check_gates, failures

ABOUT = {
    "build_id": "20260101T000000-abcdef",
    "split": "time",
    "split_why": "the events have times",
    "users": 4,
    "pairs": 9,
    "walks": [{"meta_path": "has_brand", "gate": 0.5, "start": 0.25, "middle": 1.0, "end": 0.0, "popularity": 0.0}],
    "learned_gate": 0.1,
    "weights_gate": 0.2,
    "bounded": [{"name": "has_diet", "moved": 0.63, "factor": 0.15, "cost": 0.0001, "error": 0.0004}],
    "graph_first": [
        {"factor": 1.0, "graph_share": 0.7, "ndcg": 0.31, "chosen": False},
        {"factor": 0.55, "graph_share": 0.8271, "ndcg": 0.309, "chosen": True},
    ],
}


def result(name: str, *values: float) -> ModelResult:
    per_user = {"ndcg@10": np.array(values), "recall@10": np.array(values) / 2}
    metrics = {key: float(array.mean()) if len(array) else 0.0 for key, array in per_user.items()}
    return ModelResult(name, metrics, {"coverage@10": 0.25}, {"ndcg@10": (0.1, 0.9)}, per_user)


def test_verdict_says_who_won_and_whether_the_graph_helped() -> None:
    results = [result("path sum", 0.4, 0.6), result("popularity", 0.1, 0.1), result("item-kNN", 0.3, 0.3)]
    assert "better than the best baseline, item-kNN: ndcg@10 0.5000 against 0.3000" in verdict(results)
    assert "not better" in verdict([results[2], results[0]])
    assert "The graph does not help" in verdict(results, [result("whole", 0.2, 0.2), result("without the graph", 0.3, 0.3)])
    assert "The graph helps" in verdict(results, [result("whole", 0.4, 0.2), result("without the graph", 0.1, 0.1)])


def test_verdict_admits_that_nothing_could_be_measured() -> None:
    assert "nothing could be measured" in verdict([result("path sum"), result("popularity")])


def test_report_has_every_number_in_both_forms(tmp_path: Path) -> None:
    results = [result("path sum", 0.4, 0.6, 0.2, 0.1), result("popularity", 0.1, 0.1, 0.1, 0.0)]
    content = report(
        results,
        ABOUT,
        comparisons=compare(results, EvaluateConfig(bootstrap=100)),
        ablations=[result("whole", 0.4), result("without the graph", 0.1)],
        slices={"history 1–3 items": np.array([True, True, False, False])},
        skipped={"ease": "40,000 items"},
    )
    write_report(tmp_path, content)
    assert json.loads((tmp_path / "report.json").read_text()) == content
    assert content["slices"]["history 1–3 items"] == {"users": 2, "ndcg@10": {"path sum": 0.5, "popularity": 0.1}}
    text = (tmp_path / "report.md").read_text()
    assert text == markdown(content)
    assert text.splitlines()[2] == content["verdict"]
    for expected in (
        "| popularity | 0.0375",
        "0.1000 – 0.9000",
        "ease was left out: 40,000 items.",
        "| has_brand | 0.5 | 0.25, 1.00, 0.00, 0.00 |",
        "(2 users)",
        "| has_diet | 63% | 0.15 | +0.00010 | 0.00040 |",
        "| × 0.55 | 82.7% | 0.3090 | chosen |",
    ):
        assert expected in text
    assert not list(tmp_path.glob("*.tmp"))


def test_report_of_the_model_alone_is_complete() -> None:
    assert "## With parts" not in markdown(report([result("path sum", 0.4), result("popularity", 0.1)], ABOUT))


def full_content() -> dict[str, Any]:
    results = [result("path sum", 0.4, 0.6, 0.2, 0.1), result("popularity <b>", 0.1, 0.1, 0.1, 0.0)]
    measured = Quality(
        4,
        40,
        900,
        1e-16,
        1e-7,
        1.0,
        0.997,
        0.9,
        0.4,
        0.3,
        0.4,
        0.2,
        float("nan"),
        (Deletion(1, 30, 0.5, 0.8, 0.1), Deletion(2, 10, 0.02, 1.0, 0.9)),
        adjusted_items=20,
        top_deleted_adjusted=0.9,
        random_deleted_adjusted=0.4,
        sufficiency_adjusted=3.0,
    )
    return report(
        results,
        ABOUT,
        comparisons=compare(results, EvaluateConfig(bootstrap=100)),
        ablations=[result("whole", 0.4), result("without the graph", 0.5)],
        slices={"history 1–3 items": np.array([True, True, False, False])},
        item_slices={"new items": np.array([False, True, False, False])},
        explanations=measured,
    )


def test_the_page_holds_tables_and_plots_and_loads_nothing(tmp_path: Path) -> None:
    trace = [{"step": "gates", "number": n, "of": 3, "loss": 1.0, "ndcg": 0.1 * n} for n in range(3)]
    write_report(tmp_path, full_content(), trace)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 7
    assert "Learning curve" in text
    assert "new items" in text
    assert "popularity &lt;b&gt;" in text
    assert "<b>" not in text
    assert not re.search(r"""(src|href)=["'](https?:)?//""", text.split("<svg")[0])
    assert "<script" not in text
    write_report(tmp_path / ".", full_content(), trace)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == text
    assert "<h2>Learning curve" not in page(full_content(), sections(full_content()), [])


def test_explanations_are_reported_with_their_demands(tmp_path: Path) -> None:
    content = full_content()
    text = markdown(content)
    assert "| random deleted adjusted | 0.4 | at most 0.2: not met |" in text
    assert "| coverage | 0.997 | at least 0.995: met |" in text
    assert content["explanations"]["measures"]["etd"] is None
    assert "| 2 | 10 | 2.0 % | 100.0 % | 90.0 % |" in text
    card = model_card(content)
    assert "Not met: random deleted adjusted" in card
    assert "The graph does not help" in card


def failed_gates(content: dict[str, Any], required: tuple[str, ...]) -> list[str]:
    return failures(check_gates("evaluate", content, {}, require=required))


def test_demands_of_a_build_are_named_with_their_numbers() -> None:
    content = full_content()
    assert failed_gates(content, ()) == []
    assert failed_gates(content, ("graph_helps", "beats_baselines", "exact_explanations")) == [
        "graph_helps: ndcg@10 0.4000 with the graph, 0.5000 without"
    ]
    content["explanations"]["gates"][0].update(passed=False, value=0.5)
    assert failed_gates(content, ("exact_explanations",)) == [
        "exact_explanations: completeness_error 0.5, at most 1e-06",
        "valid_explanations: completeness_error 0.5, at most 1e-06",
    ]
    worse = report([result("path sum", 0.1), result("popularity", 0.1)], ABOUT)
    assert failed_gates(worse, ("beats_baselines",)) == ["beats_baselines: ndcg@10 0.1000, popularity 0.1000"]


def test_the_general_card_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "model-card.md"
    assert page.read_text(encoding="utf-8") == general_card(), "run: reckon model-card > docs/model-card.md"


def test_both_cards_say_data_method_and_limits() -> None:
    for text in (general_card(), model_card(full_content())):
        assert [line for line in text.splitlines() if line in ("## Data", "## Method", "## Limits")] == ["## Data", "## Method", "## Limits"]
        assert "{" not in text
    assert general_card().count("popularity") >= 2


def test_report_lists_what_was_closed_and_says_how_popularity_counts() -> None:
    about = {**ABOUT, "popularity_exponent": -0.1, "closed": [{"name": "has_diet", "cost": -0.00012, "error": 0.00034}]}
    text = markdown(report([result("path sum", 0.4), result("popularity", 0.1)], about))
    assert "to the power of -0.1" in text
    assert "| has_diet | -0.00012 | 0.00034 |" in text
    assert "Closed" not in markdown(report([result("path sum", 0.4), result("popularity", 0.1)], ABOUT))
