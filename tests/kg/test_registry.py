"""Registries: by name, from a folder, and from other packages, of which a broken one stops none of the others."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import pytest

from kg.errors import ConfigError, InputError
from kg.registry import Registry


class Shape(Protocol):
    """Something with an area."""

    @property
    def name(self) -> str: ...

    def area(self) -> float: ...


@dataclass(frozen=True)
class Square:
    """A square."""

    name: str
    side: float = 1.0

    def area(self) -> float:
        return self.side**2


def shapes(**options: Any) -> Registry[Square]:
    return Registry("shape", Shape, **options)


def plugins(folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, points: str) -> None:
    """Put a package with entry points on the search path."""
    (folder / f"shop_{folder.name}.py").write_text(module, encoding="utf-8")
    info = folder / f"shop_{folder.name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: shop-{folder.name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(points.replace("MODULE", f"shop_{folder.name}"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))


def test_a_thing_is_found_by_its_name() -> None:
    registry = shapes()
    square = registry.register(Square("square"))
    registry.register(Square("big", 3))
    assert registry.get("square") is square
    assert registry.names() == ["big", "square"]
    assert "big" in registry
    assert "round" not in registry
    assert [shape.area() for shape in registry] == [9, 1]


def test_an_order_of_its_own() -> None:
    registry = shapes(order=lambda shape: -shape.side)
    for name, side in (("a", 1), ("b", 2), ("c", 2)):
        registry.register(Square(name, side))
    assert registry.names() == ["b", "c", "a"]


@pytest.mark.parametrize(("name", "hint"), [("sqare", "did you mean 'square'?"), ("zebra", "known are square")])
def test_an_unknown_name_says_what_was_meant(name: str, hint: str) -> None:
    registry = shapes(error=InputError)
    registry.register(Square("square"))
    with pytest.raises(InputError, match=f"there is no shape '{name}'") as caught:
        registry.get(name)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("thing", "why"),
    [(Square("two words"), "no name"), (Square(""), "no name"), (Square("a" * 64), "no name"), (object(), "no name"), (Square("taken"), "is taken")],
)
def test_what_cannot_be_registered(thing: Square, why: str) -> None:
    registry = shapes()
    registry.register(Square("taken", 2))
    with pytest.raises(ValueError, match=why):
        registry.register(thing)


def test_what_lacks_a_part_of_the_contract() -> None:
    class Half:
        name = "half"

    with pytest.raises(ValueError, match="lacks area of Shape"):
        shapes().register(Half())  # type: ignore[arg-type]


def test_plugins_are_found_and_broken_ones_stop_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "plugs"
    folder.mkdir()
    module = "class Disc:\n    name = 'disc'\n    def area(self):\n        return 3.0\ndot = Disc()\nline = object()\n"
    points = (
        "[test.shapes]\nabsent = nowhere_at_all:thing\ndisc = MODULE:Disc\ngone = MODULE:gone\nline = MODULE:line\n"
        "other = MODULE:dot\nsquare = MODULE:dot\n"
    )
    plugins(folder, monkeypatch, module, points)
    registry = shapes(group="test.shapes")
    registry.register(Square("square"))
    with caplog.at_level(logging.WARNING, logger="reckon.plugins"):
        assert registry.names() == ["disc", "square"]
    assert registry.get("disc").area() == 3
    assert sorted(registry.broken) == ["absent", "gone", "line", "other", "square"]
    assert "nowhere_at_all" in registry.broken["absent"]
    assert all(f"'{name}'" in caplog.text for name in registry.broken)
    with pytest.raises(ConfigError, match=r"the shape 'absent' cannot be used: .*nowhere_at_all"):
        registry.get("absent")


def test_a_plugin_may_not_take_a_name_of_reckons_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "clash"
    folder.mkdir()
    plugins(folder, monkeypatch, "class S:\n    name = 'square'\n    def area(self):\n        return 0.0\n", "[test.clash]\nsquare = MODULE:S\n")
    registry = shapes(group="test.clash")
    own = registry.register(Square("square"))
    assert registry.get("square") is own
    assert "is taken" in registry.broken["square"]


def test_a_check_of_the_registrys_own() -> None:
    registry = shapes(check=lambda shape: "" if shape.side > 0 else "has no side")
    registry.register(Square("square"))
    with pytest.raises(ValueError, match="has no side"):
        registry.register(Square("dot", 0))
    assert registry.names() == ["square"]


def test_nothing_is_loaded_before_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    plugins(folder, monkeypatch, "raise SystemExit('no licence')\n", "[test.late]\nlate = MODULE:thing\n")
    registry = shapes(group="test.late")
    registry.register(Square("square"))
    assert registry.names() == ["square"]
    assert registry.broken["late"].endswith("SystemExit: no licence")


def test_a_folder_of_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shape_folder"
    folder.mkdir()
    (folder / "__init__.py").write_text("from tests.kg.test_registry import Square, shapes\nSHAPES = shapes(package='shape_folder')\n")
    for name in ("dot", "bar"):
        (folder / f"{name}.py").write_text(f"from shape_folder import SHAPES, Square\nSHAPES.register(Square('{name}'))\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    shape_folder = import_module("shape_folder")
    assert shape_folder.SHAPES.names() == ["bar", "dot"]


def test_a_folder_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shape_folders"
    (folder / "round").mkdir(parents=True)
    (folder / "__init__.py").write_text("from tests.kg.test_registry import Square, shapes\nSHAPES = shapes(package='shape_folders')\n")
    (folder / "round" / "__init__.py").write_text("")
    for name in ("bar", "round/dot"):
        register = f"from shape_folders import SHAPES, Square\nSHAPES.register(Square('{name[-3:]}'))\n"
        (folder / f"{name}.py").write_text(register)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert import_module("shape_folders").SHAPES.names() == ["bar", "dot"]
