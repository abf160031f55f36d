"""Where the command `reckon` begins: nothing of the current directory is imported, and Reckon's own packages are, not others of the same names.

A module of its own at the top, because a shop may have packages called `api`, `kg`, `gnn` or `etl`: the check must run before one of these is
imported. Reckon's child processes are started by the path of this file, so that no search decides what they run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PACKAGES = ("kg", "gnn", "api", "etl")
WRONG_PACKAGE_EXIT = 2
"""That of a configuration error (kg/errors.py, which cannot be imported yet)."""


def safe_path(path: Sequence[str], environment: Mapping[str, str], folder: str) -> list[str]:
    """Return a module search path without the current directory.

    Args:
        path: As Python made it: the current directory may be its head (`python -m`), or have come in by a relative or an empty entry of PYTHONPATH.
        environment: Of this process.
        folder: The current directory.
    """
    given = environment.get("PYTHONPATH", "").split(os.pathsep)
    unsafe = {os.path.normpath(Path(folder, entry)) for entry in given if not Path(entry).is_absolute()} if any(given) else set()
    head = {folder} if path and path[0] in ("", folder) else set()
    kept = [entry for entry in path if entry and os.path.normpath(entry) not in unsafe | head]
    # A checkout that is not installed is found by the current directory alone.
    return [str(ROOT), *kept] if str(ROOT) in unsafe | head else kept


def safe_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what child processes need so that they do not import from the current directory either."""
    given = environment.get("PYTHONPATH", "")
    kept = os.pathsep.join(entry for entry in given.split(os.pathsep) if Path(entry).is_absolute())
    return {"PYTHONSAFEPATH": "1", **({"PYTHONPATH": kept} if given else {})}


def wrong_package() -> str | None:
    """Say which of Reckon's packages would be imported from elsewhere, or None where all are its own."""
    for name in PACKAGES:
        own = ROOT / name
        spec = find_spec(name)
        if spec is None:
            return f"Reckon's package {name!r} is not installed: {own} is not on Python's search path\n  → install Reckon: pip install {ROOT}"
        places = [spec.origin] if spec.origin else [str(Path(place, "__init__.py")) for place in spec.submodule_search_locations or ()]
        if [Path(place).resolve().parent for place in places] != [own]:
            return (
                f"another {name!r} is imported in place of Reckon's: {', '.join(places)}; Reckon's own is {own}\n"
                "  → take its folder out of PYTHONPATH, or give Reckon a virtual environment of its own; "
                "a program that only calls the API installs reckon-client instead"
            )
    return None


def main() -> None:
    """Run the command line."""
    sys.path[:] = safe_path(sys.path, os.environ, str(Path.cwd()))
    os.environ.update(safe_environment(os.environ))
    wrong = wrong_package()
    if wrong is not None:
        sys.stderr.write(f"error: {wrong}\n")
        sys.exit(WRONG_PACKAGE_EXIT)
    from etl.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
