# Each target works in a clean clone: it builds .venv from constraints.txt first, with uv where uv is on the PATH.
.DEFAULT_GOAL := help
.PHONY: help install extras demo lint check test bench clean

PYTHON ?= python3
DEMO_ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PINS := pyproject.toml constraints.txt
QUICK_TESTS := tests/unit tests/contract tests/property tests/planted tests/docs
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

ifneq ($(shell command -v uv 2>/dev/null),)
MAKE_VENV := uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)
INSTALL := uv pip install --quiet --python $(BIN)/python -c constraints.txt
else
MAKE_VENV := $(PYTHON) -m venv $(VENV)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
endif

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.core ## put headway into .venv (the command is .venv/bin/headway)

extras: $(VENV)/.extras ## put in what some tests and models need besides: Spark, torch, a sentence encoder; Spark also wants Java 17

demo: $(VENV)/.core ## the whole road on made-up people; DEMO_ARGS="--seed 7" adds options; `headway demo` opens the pages
	@$(BIN)/headway demo --no-serve $(DEMO_ARGS)

# It may run while the extras are installed, which takes headway out of .venv for a moment: hence PYTHONPATH.
lint: $(VENV)/.dev ## format, lint, types, import contracts, house rules
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	PYTHONPATH=src $(BIN)/lint-imports
	PYTHONPATH=src $(BIN)/python -m scripts.lint

check: lint ## lint and the quick tests: before each commit
	$(PYTEST) $(QUICK_TESTS) $(TEST_ARGS)

test: $(VENV)/.dev ## every test; what needs HEADWAY_TEST_DATA or a service is skipped where that is absent
	$(PYTEST) $(TEST_ARGS)

bench: $(VENV)/.dev ## every benchmark; prints what it measured
	@set -e; for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python -m "benchmarks.$$(basename $$file .py)" $(BENCH_ARGS); done

clean: ## remove .venv, caches and what the demo wrote
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist headway-demo
	find src tests scripts benchmarks -type d -name __pycache__ -prune -exec rm -rf {} +

# A stamp is written last, so that an interrupted step is done again.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "headway needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(MAKE_VENV)
	@touch $@

$(VENV)/.core: $(VENV)/.made $(PINS)
	$(INSTALL) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.made $(PINS)
	$(INSTALL) -e '.[dev]'
	@touch $(VENV)/.core $@

# By its one version: any other way of asking may bring a CUDA build of several gigabytes.
$(VENV)/.extras: $(VENV)/.dev
	$(INSTALL) -e '.[dev,encoder,spark]'
	$(INSTALL) torch==2.13.0
	@touch $@
