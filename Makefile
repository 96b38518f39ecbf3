# One entry point for chores. Needs Python ≥ 3.11, make and git; the rest is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed.stamp

.DEFAULT_GOAL := help
.PHONY: help venv compiled demo test test-rest test-all check bench docs screenshots build zipapp

help: ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 16

venv: $(STAMP) ## install the project and its tools into .venv

compiled: $(STAMP) ## compile what a collector derives and asks by default, which it would do when it starts
	@$(BIN)/python -m otel_vsm_collector.compiled

demo: compiled ## start a collector, play a delivery history and show the figures; with CI=true it ends by itself
	@$(BIN)/python -m demo

# What takes longest. Everything else answers within minutes.
LONG := browser or clickhouse or worlds or combinations or kill or monitoring
PYTEST := $(BIN)/pytest --numprocesses auto --maxprocesses 8 --dist loadfile

test: compiled ## run the tests that answer within minutes; ARGS="-k name" chooses
	$(PYTEST) -m "not ($(LONG))" $(ARGS)

test-rest: compiled ## run the others: the second engine, browsers, random worlds, combinations, power cuts, Prometheus
	$(PYTEST) -m "$(LONG)" $(ARGS)

test-all: test test-rest ## run all tests

check: $(STAMP) ## lint, formatting, types, and whether generated files are up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python semconv/generate.py --check
	$(BIN)/python docs/generate.py --check
	$(BIN)/python -m dashboards.generate --check

bench: compiled ## measure the collector and the wrapper; prints the method with the figures
	@$(BIN)/python -m bench

docs: $(STAMP) ## write what is generated: names, their reference, the pages of --help, dashboards
	$(BIN)/python semconv/generate.py
	$(BIN)/python docs/generate.py
	$(BIN)/python -m dashboards.generate

screenshots: compiled ## take pictures of the pages for docs/pages.md; needs Chromium
	PYTHONPATH=. $(BIN)/python docs/screenshots.py

build: compiled ## build the wheel and the source distribution into dist/
	PYTHONPATH=. $(BIN)/python scripts/compile_questions.py
	$(BIN)/python -m build --no-isolation

zipapp: $(STAMP) ## write dist/otel-vsm.pyz: the program in one file, for Python alone
	$(BIN)/python scripts/make_zipapp.py

# The stamp is written last, so that an interrupted installation is done again. What is installed follows
# from pyproject.toml alone: the project itself is installed in place. Python compiles what it imports; to
# compile all that was installed takes longer than to install it.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "otel-vsm needs Python 3.11 or newer, and $(PYTHON) is older or missing. Try: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing otel-vsm and its tools into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[collector,init,dev]'
	@touch $@
