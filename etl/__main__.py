"""`python -m etl`: the same as the `reckon` command."""

from etl.cli import main

main()
