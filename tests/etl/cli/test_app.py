"""The command line: what it says and which exit code it ends with."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from etl.cli.app import main
from etl.pipeline.locks import locked
from kg.catalog.records import InterestEdit
from kg.errors import ArtifactError, InputError
from kg.ledger.database import Database
from kg.ledger.event_store import EventStore
from kg.ledger.rule_store import RuleStore
from kg.ledger.settings import LedgerConfig
from kg.ledger.user_store import UserStore
from kg.workspace import Workspace
from tests.etl.conftest import Run
from tests.ledgers import sent_event
from tests.small_shop import copy_of


@pytest.mark.parametrize("template", ["empty", "demo"])
def test_init_writes_a_workspace_that_loads(run: Run, tmp_path: Path, template: str) -> None:
    code, said, _ = run("init", tmp_path / "w", "--template", template)
    assert code == 0
    for next_step in ("reckon.toml", "reckon rebuild -w", "reckon keys create -w", "reckon serve -w"):
        assert next_step in said
    code, out, _ = run("config", "show", "-w", tmp_path / "w")
    assert code == 0
    assert "[serve]" in out
    assert out.count("[[source]]") == {"empty": 0, "demo": 3}[template]


def test_init_spoils_nothing(run: Run, shop: Path) -> None:
    before = (shop / "reckon.toml").read_text()
    code, _, err = run("init", shop)
    assert code == InputError.exit_code
    assert "exists" in err
    assert (shop / "reckon.toml").read_text() == before
    assert run("init", shop / "x", "--template", "../empty")[0] == InputError.exit_code


def test_secrets_are_masked(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECKON__GRAPH__PASSWORD", "hush-hush")
    code, out, _ = run("config", "show", "-w", shop)
    assert code == 0
    assert "hush" not in out
    assert 'password = "****' in out


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[shpo]\n", "unknown section [shpo]", "did you mean 'shop'?"),
        ("[shop]\nnmae = 'x'\n", "unknown key 'nmae'", "did you mean 'name'?"),
        ('[[source]]\ntable = "items"\npath = "i.csv"\ncolums = { item_id = "i" }\n', "[[source]] number 1", ""),
        ("[shop\n", "is not valid TOML", ""),
    ],
)
def test_a_wrong_configuration_is_one_line(run: Run, tmp_path: Path, text: str, message: str, hint: str) -> None:
    (tmp_path / "reckon.toml").write_text(text)
    code, out, err = run("import", "-w", tmp_path)
    assert code == 2
    assert out == ""
    assert message in err
    assert hint in err
    assert "Traceback" not in err


def test_rejected_rows_decide_the_exit_code(run: Run, shop: Path) -> None:
    with (shop / "events.csv").open("a") as file:
        file.write("u,99,view,2024-01-01\nu,1,view,soon\n")
    code, _, err = run("import", "-w", shop)
    assert code == 4
    assert "2 rows were rejected" in err
    told = [json.loads(line) for line in (shop / "rejects.jsonl").read_text().splitlines()]
    assert [(row["file"], row["line"], row["column"], row["value"]) for row in told] == [
        ("events.csv", 22, "item_id", "99"),
        ("events.csv", 23, "time", "soon"),
    ]
    assert run("import", "-w", shop, "--allow-rejects", 1)[0] == 4
    assert run("import", "-w", shop, "--allow-rejects", 2)[0] == 0


def test_a_missing_file_is_named(run: Run, shop: Path) -> None:
    (shop / "items.csv").unlink()
    code, _, err = run("import", "-w", shop)
    assert code == InputError.exit_code
    assert "items.csv does not exist" in err


def test_debug_shows_the_traceback(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "items.csv").unlink()
    monkeypatch.setattr("sys.argv", ["reckon", "import", "-w", str(shop), "--debug"])
    with pytest.raises(InputError):
        main()


def test_a_held_workspace_names_its_holder(run: Run, shop: Path) -> None:
    import os

    with locked(Workspace.open(shop)):
        code, _, err = run("import", "-w", shop)
    assert code == 13
    assert f"process {os.getpid()}" in err
    assert run("import", "-w", shop)[0] == 0


def test_what_needs_a_published_build_says_so(run: Run, shop: Path) -> None:
    for command in (["recommend", "u"], ["rollback"], ["publish"], ["publish", "20240101T000000-abcdef"]):
        code, _, err = run(*command, "-w", shop)
        assert code == 5, (command, err)


def test_recommend_needs_one_user_or_a_file(run: Run, shop: Path) -> None:
    assert run("recommend", "-w", shop)[0] == InputError.exit_code
    assert run("recommend", "u", "--all", "-w", shop)[0] == InputError.exit_code


def test_recommend_follows_rules_edited_interests_and_fresh_events_as_the_api_does(
    small_shop: Workspace, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = copy_of(small_shop, tmp_path / "shop")

    def listed(*options: str, user: str = "u") -> str:
        code, out, err = run("recommend", user, "-w", workspace.root, "-k", 20, *options)
        assert code == 0, err
        return out

    before = listed()
    assert not workspace.ledger.exists()
    assert "4  score" in before
    assert "6  score" in before
    with closing(Database.open(workspace.ledger, LedgerConfig())) as database:
        RuleStore(database).put("no-four", {"name": "No four", "action": "exclude", "items": ["4"]})
        RuleStore(database).put("removed-kind", {"name": "Of a package that is gone", "action": "levitate", "items": ["6"]})
        UserStore(database).edit([InterestEdit("u", "has_category", "Coffee", 0.0)])
        EventStore(database).append([sent_event("e1", "newcomer", "7", "purchase", 1.8e9)])
    after = listed()
    assert "4  score" not in after
    assert "6  score" not in after
    assert listed("--no-rules") == before
    assert "popular recommendations for newcomer" in listed("--no-rules", user="newcomer")
    assert "personal recommendations for newcomer" in listed(user="newcomer")
    code, out, _ = run("why-not", "u", "4", "-w", workspace.root)
    assert code == 0
    assert "No four" in out
    assert "the rule 'removed-kind' cannot be read and is left out" in caplog.text


def test_recommend_and_why_not_print_in_another_language(small_shop: Workspace, run: Run, tmp_path: Path) -> None:
    folder = copy_of(small_shop, tmp_path / "small").root
    code, out, err = run("recommend", "u", "-k", "3", "--language", "zh", "-w", folder)
    assert (code, err) == (0, "")
    assert "u 的 personal 推荐（构建 20260101T000000-abc123）" in out
    assert "得分 " in out
    assert "score" not in out
    code, out, _ = run("why-not", "u", "1", "--language", "zh-CN", "-w", folder)
    assert code == 0
    assert "已排除：已在历史记录中：viewed" in out
    body = json.loads(run("why-not", "u", "1", "--language", "zh", "--json", "-w", folder)[1])
    assert body["filtered"][0].startswith("已在历史记录中")
    code, out, err = run("recommend", "u", "--language", "tlh", "-w", folder)
    assert code == 0
    assert "no reasons in 'tlh': printed in en; there are en, zh" in err
    assert "personal recommendations for u" in out


def test_recommend_applies_the_re_rankers_that_are_named(small_shop: Workspace, run: Run, tmp_path: Path) -> None:
    folder = copy_of(small_shop, tmp_path / "small").root
    code, _, err = run("recommend", "u", "--rerank", "diversity", "-w", folder)
    assert code == InputError.exit_code
    assert "turned on by 'diversity'" in err
    assert "no re-ranker 'magic'" in run("recommend", "u", "--rerank", "magic", "-w", folder)[2]


def test_recommend_prints_the_purchases_behind_what_is_bought_again(small_shop: Workspace, run: Run, tmp_path: Path) -> None:
    folder = copy_of(small_shop, tmp_path / "small").root
    code, out, _ = run("recommend", "u", "--strategy", "buy_again", "-w", folder)
    assert code == 0
    assert "buy_again recommendations for u" in out
    assert "You bought this once" in out
    assert "2024-01-01 100.0%" in out
    assert run("recommend", "u", "--strategy", "yesterday", "-w", folder)[0] == InputError.exit_code
    assert run("recommend", "--all", "--out", tmp_path / "r.parquet", "--strategy", "new", "-w", folder)[0] == InputError.exit_code


def test_a_build_without_an_artifact_is_not_published(run: Run, shop: Path) -> None:
    assert run("import", "-w", shop)[0] == 0
    assert run("publish", "-w", shop)[0] == ArtifactError.exit_code
    assert Workspace.open(shop).current_id() is None


def test_a_matcher_is_trained_and_applied_outside_any_workspace(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kg.resolve.items import matcher

    monkeypatch.setattr(matcher, "_N_EXTRA_TREES", 5)
    monkeypatch.setattr(matcher, "_N_BOOSTED_TREES", 5)
    titles = [f"{kind} {code}{number}" for number, kind in enumerate(("lamp", "desk", "chair", "mug") * 10) for code in "kq"]
    rows = [(f"COL title VAL {a}", f"COL title VAL {b} new", int(a == b)) for n, a in enumerate(titles) for b in titles[n : n + 4]]
    pairs = pl.DataFrame(rows, schema=["left", "right", "match"], orient="row")
    pairs[:200].write_parquet(tmp_path / "train.parquet")
    pairs[200:].write_parquet(tmp_path / "valid.parquet")
    model, out = tmp_path / "model", tmp_path / "scored.parquet"
    code, _, err = run("resolve", "train", "--pairs", tmp_path / "train.parquet", "--valid", tmp_path / "valid.parquet", "--out", model)
    assert code == 0, err
    code, _, err = run("resolve", "score", "--model", model, "--pairs", tmp_path / "valid.parquet", "--out", out)
    assert code == 0, err
    scored = pl.read_parquet(out)
    assert set(scored.columns) >= {"left", "right", "score", "match"}
    assert scored.height == pairs.height - 200
    model.write_bytes(model.read_bytes()[:-20])
    code, _, err = run("resolve", "score", "--model", model, "--pairs", tmp_path / "valid.parquet", "--out", out)
    assert code == ArtifactError.exit_code, err
