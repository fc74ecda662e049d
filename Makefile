# Every command a person or CI runs. `make` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# The first that runs, has venv and pip, and is 3.11 or 3.12 (a version manager's shim may exist and not run).
PYTHON ?= $(shell for each in python3 python3.12 python3.11; do \
	$$each -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' >/dev/null 2>&1 \
	&& echo $$each && break; done)
VENV := .venv
BIN := $(VENV)/bin
SIZE ?= 100000
ADDRESS ?= 127.0.0.1:8000
TIMES ?= 10
LOAD ?= 5
SEED ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# What the machine lacks is installed, or named in one line; .ci/programs has the list.
NEEDS := setup
demo: NEEDS := demo
test test-again proofs: NEEDS := test
test-peers: NEEDS := peers

programs:
	@PYTHON="$(PYTHON)" bash .ci/programs $(NEEDS)

$(VENV)/.ready: requirements/dev.lock | programs
	@$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --use-pep517 --require-hashes --requirement requirements/dev.lock
	@touch $@

setup: $(VENV)/.ready  ## Prepare a checkout: packages, front-end files, keys, database
	@$(BIN)/python frontend/vendor.py
	@$(BIN)/python manage.py create_keys
	@$(BIN)/python manage.py migrate --verbosity 0

demo: $(VENV)/.ready  ## Start everything with invented patients; ADDRESS=127.0.0.1:8000; prints the sign-ins
	@$(BIN)/python frontend/vendor.py
	@$(BIN)/python manage.py demo --address $(ADDRESS)

# Needs no packages renewed: after a pull it stops at once what the old checkout started.
stop:  ## Stop everything that make demo started
	@if [ -x $(BIN)/python ]; then $(BIN)/python manage.py demo --stop; else echo "Nothing was running."; fi

# The longest first: two run at a time.
LINT := lint-types lint-migrations lint-templates lint-layers lint-rules lint-format
# Steps beside each other, each one's output in one piece; every step runs, and any failure fails.
BESIDE := $(MAKE) --no-print-directory --jobs=2 --output-sync=target --keep-going

lint: $(VENV)/.ready  ## Formatting, lint, types, layers, templates, migrations
	@$(BESIDE) $(LINT)

lint-types: $(VENV)/.ready
	$(BIN)/mypy apps config

lint-migrations: $(VENV)/.ready
	$(BIN)/python manage.py makemigrations --check --dry-run

lint-templates: $(VENV)/.ready
	$(BIN)/djlint --lint --quiet templates apps --extension=html

lint-layers: $(VENV)/.ready
	$(BIN)/lint-imports

lint-rules: $(VENV)/.ready
	$(BIN)/ruff check .

lint-format: $(VENV)/.ready
	$(BIN)/ruff format --check .

# A file's tests stay together, in the order that tests/conftest.py gives the files.
test: $(VENV)/.ready  ## What a user runs: lint, types, layers, unit and browser tests, long proofs as a sample
	@$(BESIDE) setup $(LINT)
	$(BIN)/python -m pytest -m "not peers" --numprocesses=2 --dist=loadfile --no-loadscope-reorder

test-peers: setup  ## Against programs of others (mail servers, object storage), each started once
	$(BIN)/python -m pytest -m peers

proofs: setup  ## Long proofs at full size; hours; goes on where it was interrupted; prints a table
	@$(BIN)/python -m tests.proofs

test-again: setup  ## The suite TIMES=10 times, LOAD=5 of them on a busy machine, files in shuffled order; goes on where it was
	@$(BIN)/python -m tests.again --times $(TIMES) --load $(LOAD) $(if $(SEED),--seed $(SEED))

bench: setup  ## Benchmarks; SIZE=100000 contacts; the last line is one JSON object
	@$(BIN)/python -m benchmarks.run --size $(SIZE)

errors: $(VENV)/.ready  ## Draw docs/errors.md from the list of error codes
	@$(BIN)/python manage.py error_codes > docs/errors.md

lock:  ## Renew the hashed locks (names no index)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--extra embedded --extra dev --extra tools pyproject.toml -o requirements/dev.lock --upgrade
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		-c requirements/dev.lock pyproject.toml -o requirements/base.lock --upgrade

clean:  ## Remove the virtual environment and generated files (data and keys stay)
	rm -rf $(VENV) static/vendor static/icons.svg staticfiles frontend/node_modules .mypy_cache .ruff_cache

.PHONY: help programs setup demo stop lint $(LINT) test test-peers proofs test-again bench errors lock clean
