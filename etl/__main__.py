"""`python -m etl`: the same as the `reckon` command."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

if __name__ == "__main__":
    # By its path: what is called so elsewhere is not what is meant.
    spec = spec_from_file_location("reckon_start", Path(__file__).resolve().parents[1] / "reckon_start.py")
    if spec is None or spec.loader is None:
        sys.exit("error: reckon_start.py is missing beside Reckon's packages; install Reckon again")
    start = module_from_spec(spec)
    spec.loader.exec_module(start)
    start.main()
