# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
EXIT   ?=
# One process per core, at most four: each starts servers and a Java machine of its own. `make test WORKERS=0` runs one test after the other.
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench chaos clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "• making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "• installing the pinned packages (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --progress-bar on -e '.[demo,dev]'
	@touch $(STAMP)

install: $(STAMP) ## Make .venv and install the pinned packages (quiet when nothing changed)

demo: install ## Run the whole path on real data and print an explained recommendation (EXIT=1: stop afterwards)
	@exec $(BIN)/reckon demo -w var/demo $(if $(EXIT),--exit)

lint: install
	@echo "• ruff"; $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "• mypy --strict"; $(BIN)/mypy
	@echo "• import-linter"; $(BIN)/lint-imports

test: lint ## Check style, types, architecture and behaviour
	@echo "• pytest"; OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

bench: install ## Measure speed and memory (tests/bench)
	@for script in tests/bench/bench_*.py; do echo "• $$script"; PYTHONPATH=. $(BIN)/python $$script || exit 1; done

chaos: install ## Kill rebuilds 100 times while they are read (KILLS=…)
	@RECKON_TEST_CHAOS_KILLS=$(or $(KILLS),100) $(BIN)/pytest tests/e2e/test_chaos.py

clean: ## Remove the virtual environment and the demo workspace
	rm -rf $(VENV) var
