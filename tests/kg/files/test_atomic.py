"""A file or a folder appears whole or not at all, and links that lie in the way are not followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.errors import InputError
from kg.files.atomic import whole_file, whole_folder, write_text


def fail(path: Path) -> None:
    path.write_text("half")
    raise RuntimeError("cut off")


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "é")
    assert (tmp_path / "new" / "a.txt").read_text(encoding="utf-8") == "é"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError, match="cut off"), whole_file(tmp_path / "a.txt") as path:
        fail(path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("theirs")
    (tmp_path / "a.txt.tmp").symlink_to(outside)
    write_text(tmp_path / "a.txt", "ours")
    assert outside.read_text() == "theirs"
    assert not (tmp_path / "a.txt").is_symlink()


def test_a_folder_is_no_file_and_a_full_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("theirs")
    with pytest.raises(InputError, match="is a folder"):
        write_text(tmp_path / "full", "ours")
    with pytest.raises(InputError, match="not an empty folder"), whole_folder(tmp_path / "full"):
        pass
    assert (tmp_path / "full" / "x").read_text() == "theirs"


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="cut off"), whole_folder(tmp_path / "out") as folder:
        fail(folder / "half.txt")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    with whole_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("1")
    assert (tmp_path / "out" / "a").read_text() == "1"
