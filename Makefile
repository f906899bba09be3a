# Denghuo: `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test check lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

.stamps/uv:
	@mkdir -p .stamps
	@command -v uv >/dev/null || test -x .boot/bin/uv || { $(PYTHON) -m venv .boot && .boot/bin/pip install -q uv; } \
	  || { echo "python3-venv is missing: apt-get install python3-venv, then make again"; exit 1; }
	@touch $@

.stamps/python: requirements.lock pyproject.toml .stamps/uv
	@UV=$$(command -v uv || echo .boot/bin/uv); test -x $(BIN)/python || $$UV venv -q --python $(PYTHON) .venv; \
	  VIRTUAL_ENV=.venv $$UV pip sync -q --require-hashes requirements.lock && \
	  VIRTUAL_ENV=.venv $$UV pip install -q --no-deps -e .
	@touch $@

setup: .stamps/python ## install everything the project needs

run: setup ## take over the demo county on the first start and serve the API on a loopback port
	$(BIN)/denghuo import examples/gaoping/data
	$(BIN)/denghuo up

test: setup ## set up and run all tests
	$(BIN)/pytest -n 2

check: setup ## format, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config importlinter.ini

lock: .stamps/uv ## resolve the dependencies anew into requirements.lock
	UV=$$(command -v uv || echo .boot/bin/uv); $$UV pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet --upgrade --extra dev pyproject.toml -o requirements.lock

clean: ## remove what the set-up made
	rm -rf .venv .boot .stamps web/node_modules web/dist
