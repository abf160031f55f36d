"""The command line: what it says and which exit code it ends with."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etl.cli import main
from etl.runs import locked
from kg.errors import ArtifactError, InputError
from kg.workspace import Workspace

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Return a function that runs `reckon` in this process: arguments → exit code, stdout, stderr."""
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["reckon", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    yield call
    signal.signal(signal.SIGTERM, handler)


@pytest.mark.parametrize("template", ["empty", "demo"])
def test_init_writes_a_workspace_that_loads(run: Run, tmp_path: Path, template: str):
    assert run("init", tmp_path / "w", "--template", template)[0] == 0
    code, out, _ = run("config", "show", "-w", tmp_path / "w")
    assert code == 0
    assert "[serve]" in out
    assert out.count("[[source]]") == {"empty": 0, "demo": 3}[template]


def test_init_spoils_nothing(run: Run, shop: Path):
    before = (shop / "reckon.toml").read_text()
    code, _, err = run("init", shop)
    assert code == InputError.exit_code
    assert "exists" in err
    assert (shop / "reckon.toml").read_text() == before
    assert run("init", shop / "x", "--template", "../empty")[0] == InputError.exit_code


def test_secrets_are_masked(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch):
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
def test_a_wrong_configuration_is_one_line(run: Run, tmp_path: Path, text: str, message: str, hint: str):
    (tmp_path / "reckon.toml").write_text(text)
    code, out, err = run("import", "-w", tmp_path)
    assert code == 2
    assert out == ""
    assert message in err
    assert hint in err
    assert "Traceback" not in err


def test_rejected_rows_decide_the_exit_code(run: Run, shop: Path):
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


def test_a_missing_file_is_named(run: Run, shop: Path):
    (shop / "items.csv").unlink()
    code, _, err = run("import", "-w", shop)
    assert code == InputError.exit_code
    assert "items.csv does not exist" in err


def test_debug_shows_the_traceback(shop: Path, monkeypatch: pytest.MonkeyPatch):
    (shop / "items.csv").unlink()
    monkeypatch.setattr("sys.argv", ["reckon", "import", "-w", str(shop), "--debug"])
    with pytest.raises(InputError):
        main()


def test_a_held_workspace_names_its_holder(run: Run, shop: Path):
    import os

    with locked(Workspace.open(shop)):
        code, _, err = run("import", "-w", shop)
    assert code == 13
    assert f"process {os.getpid()}" in err
    assert run("import", "-w", shop)[0] == 0


def test_what_needs_a_published_build_says_so(run: Run, shop: Path):
    for command in (["recommend", "u"], ["rollback"], ["publish"], ["publish", "20240101T000000-abcdef"]):
        code, _, err = run(*command, "-w", shop)
        assert code == 5, (command, err)


def test_recommend_needs_one_user_or_a_file(run: Run, shop: Path):
    assert run("recommend", "-w", shop)[0] == InputError.exit_code
    assert run("recommend", "u", "--all", "-w", shop)[0] == InputError.exit_code


def test_a_build_without_an_artifact_is_not_published(run: Run, shop: Path):
    assert run("import", "-w", shop)[0] == 0
    assert run("publish", "-w", shop)[0] == ArtifactError.exit_code
    assert Workspace.open(shop).current_id() is None
