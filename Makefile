# Each target sets up what it needs by itself: Debian packages (as root or with sudo), a virtual environment from the
# lock file. Nothing outside this folder is changed otherwise.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
DEMO_DATA ?= demo-data

.PHONY: help demo serve test check format bench lock clean

help:  ## what can be made here
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo:  ## crawl four invented hidden markets over real Tor on this machine, and show what was found
	@.ci/setup run
	@$(BIN)/tuskwatch demo --folder $(DEMO_DATA)

serve:  ## open the last demo's data (or DATA=folder) in the browser: review, listings, runs, reports
	@.ci/setup run
	@data="$(DATA)"; if [ -z "$$data" ]; then \
	  if [ ! -e $(DEMO_DATA)/last ]; then echo "No demo has run here yet. Run \"make demo\" first, or name a data folder: make serve DATA=/path" >&2; exit 1; fi; \
	  data="$(DEMO_DATA)/last"; fi; \
	exec $(BIN)/tuskwatch --data "$$data" serve

test:  ## all tests: real Tor, real SQLite and PostgreSQL, a real browser; loopback only
	@.ci/setup test
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check:  ## format, lint, types, import layers, and that the migrations match the tables
	@.ci/setup check
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@.ci/migrations

format:  ## put the code into its standard form
	@.ci/setup check
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench:  ## measure the README's claims (TUSKWATCH_BENCH_DATA names a folder of gold data, where you have one)
	@.ci/setup run
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

lock:  ## make requirements.lock again from pyproject.toml
	@.ci/setup check
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --all-extras --group dev pyproject.toml -o requirements.lock

clean:  ## remove what was made here (not data)
	rm -rf .venv .setup .mypy_cache .ruff_cache .hypothesis .import_linter_cache
