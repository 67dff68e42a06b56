# Everything a fresh clone needs is Python 3.11 or later with `venv`, and make. `make help` lists what there is.

PYTHON ?= python3
BUNDLE ?= build/accord
CONSOLE := src/accord/http/static/index.html

BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_SYSTEM_CERTS := 1
export NODE_USE_SYSTEM_CA := 1
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Every start would compile all sources again.
unexport PYTHONDONTWRITEBYTECODE
ifeq ($(shell test -w "$$HOME" && echo yes),)
export HOME := $(CURDIR)/.venv/home
endif

INSTALL := $(BIN)/uv pip install --quiet --python .venv/bin/python
LOCK := $(BIN)/uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links
PYTEST := $(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder --durations 10 -m 'not alone'
ALONE := $(BIN)/pytest -m alone

.PHONY: help run test check mutants bench bench-quick prove format schema migrate clean lock bundle install console lint chromium
.DEFAULT_GOAL := help

help:       ## list these targets
	@sed -n 's/^\([a-z-]*\): *[^#]*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 20

run: console  ## serve on 127.0.0.1:8000 with a PostgreSQL of its own and the demo world
	@exec $(BIN)/accord serve

test: .venv/dev console  ## run all tests with small counts (under 5 minutes)
	$(PYTEST)
	$(ALONE)

check: lint bundle chromium  ## what CI runs: format, lint, types, layers, schema, the tests with full counts, a dozen wrong rules
	$(BIN)/accord schema --check
	ACCORD_TEST_SCALE=check ACCORD_TEST_BROWSER=required ACCORD_TEST_BUNDLE=$(abspath $(BUNDLE)) $(PYTEST)
	ACCORD_TEST_SCALE=check $(ALONE)
	$(BIN)/python -m tests.mutants --some 12

mutants: .venv/dev console  ## break each listed rule and see that the tests notice (takes half an hour)
	@$(BIN)/python -m tests.mutants

bench: .venv/dev  ## Accord beside PostGraphile, Mercurius and hand-written SQL, and in small and large tenants
	@$(BIN)/python -m tests.performance.bench
	@$(BIN)/python -m tests.performance.growth --publish
	@$(BIN)/python -m tests.performance.growth.acts --publish

bench-quick: .venv/dev  ## the same in under 3 minutes
	@$(BIN)/python -m tests.performance.bench --rounds 3 --seconds 1 --quick

prove: .venv/dev console  ## run all tests with large counts (takes hours)
	ACCORD_TEST_SCALE=prove $(PYTEST)
	ACCORD_TEST_SCALE=prove $(ALONE)
	$(BIN)/python -m tests.mutants

lint: .venv/dev console
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npm --prefix src/console run --silent check

format: .venv/dev  ## format the code and mend what the linter can
	$(BIN)/ruff format src tests
	$(BIN)/ruff check --fix src tests

schema: .venv/dev  ## write schema.graphql, docs/permissions.md and docs/ways.md from the code
	$(BIN)/accord schema
	$(BIN)/python -m tests.docs.matrix > docs/permissions.md
	$(BIN)/python -m tests.ways.page > docs/ways.md

migrate: .venv/build  ## bring the database of ACCORD_OWNER_URL up to date
	$(BIN)/accord migrate

clean:      ## remove what was built and cached; databases stay
	rm -rf .venv src/console/node_modules src/accord/http/static dist build
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis
	find src tests -name __pycache__ -prune -exec rm -rf {} +

lock: .venv/build  ## choose the newest versions again and write the locks
	$(LOCK) --upgrade --group build pyproject.toml -o requirements/build.txt
	$(LOCK) -c requirements/build.txt pyproject.toml -o requirements/run.txt
	$(LOCK) --upgrade --group dev -c requirements/build.txt pyproject.toml -o requirements/dev.txt
	echo uv | $(LOCK) - -c requirements/build.txt -o requirements/uv.txt

bundle: .venv/build console  ## build the wheel and install it with its locks into $(BUNDLE), as the image does
	@rm -rf dist $(BUNDLE)
	@$(BIN)/hatchling build -t wheel -d dist >/dev/null
	@$(PYTHON) -m venv --without-pip $(BUNDLE)
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BUNDLE)/bin/python --require-hashes -r requirements/run.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BUNDLE)/bin/python --no-deps --offline dist/*.whl

install: .venv/build

console: $(CONSOLE)

chromium:
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null; } \
		|| { echo 'The browser test needs Chromium in PATH as `chromium`: install it (on Debian as root: apt-get install chromium).'; exit 1; }
	@command -v chromium >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends chromium >/dev/null; }

.venv/build: requirements/uv.txt requirements/build.txt pyproject.toml
	@echo 'Installing into .venv …'
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@mkdir -p .venv/home
	@$(BIN)/pip install --quiet --require-hashes -r requirements/uv.txt
	@$(INSTALL) --require-hashes -r requirements/build.txt
	@$(INSTALL) --no-deps --no-build-isolation --offline -e .
	@touch $@

.venv/dev: .venv/build requirements/dev.txt
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(CONSOLE): $(shell find src/console -type f -not -path '*/node_modules/*' 2>/dev/null) | .venv/build
	@echo 'Building the console …'
	@cd src/console && ../../$(BIN)/npm ci --loglevel=error >/dev/null && ../../$(BIN)/npm run --silent build
	@touch $@
