SHELL := /bin/bash
export UV_SYSTEM_CERTS := 1
export NODE_USE_SYSTEM_CA := 1
export UV_PYTHON_DOWNLOADS := never

PYTHON ?= python3
UV := .venv/bin/uv

.venv/build: requirements/uv.txt requirements/build.txt pyproject.toml
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(UV) pip install --quiet --python .venv/bin/python --require-hashes -r requirements/build.txt
	$(UV) pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --offline -e .
	@touch $@

.venv/dev: .venv/build requirements/dev.txt
	$(UV) pip install --quiet --python .venv/bin/python --require-hashes -r requirements/dev.txt
	@touch $@
