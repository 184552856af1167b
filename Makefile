# Everything a developer does, one word each. Needs make and Python 3.11 or newer, nothing else.
.DEFAULT_GOAL := help
.PHONY: help run test check bench docs constraints clean

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PACKAGES := $(patsubst %/pyproject.toml,%,$(wildcard provider_*/pyproject.toml plugins/*/pyproject.toml))
PROJECTS := pyproject.toml client/pyproject.toml $(PACKAGES:%=%/pyproject.toml)
WORKERS ?= 2

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.running ## Start the service on http://localhost:8000 (PORT), with everything it needs
	@$(BIN)/authenticator dev $(ARGS)

test: $(VENV)/.testing ## Run every test (ARGS="-k word" for some of them)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: $(VENV)/.testing ## Look for faults of style, types and layers without running anything
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.testing ## Measure how fast it is
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.testing ## Write the pages that are made from the code
	@$(BIN)/authenticator config --markdown > docs/settings.md
	@$(BIN)/authenticator config --sample > .env.sample

constraints: $(VENV)/.testing ## Write down which versions are installed
	@$(PIP) list --format=freeze --exclude-editable --exclude pip --exclude setuptools --exclude wheel > constraints.txt

clean: ## Remove what was made here, but not the data in var/
	rm -rf $(VENV) build dist htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/.made: constraints.txt
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "This needs Python 3.11 or newer; $$(python3 --version 2>&1) is what python3 is here. Install it, or say: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; fi; \
	echo "Setting up $(VENV) with $$($$found --version)"; \
	$$found -m venv $(VENV) || { echo "Python's venv module is missing: install it (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@$(PIP) install -c constraints.txt hatchling editables
	@touch $@

$(VENV)/.running: $(VENV)/.made $(PROJECTS)
	@echo "Installing the service and $(words $(PACKAGES)) plug-ins (only when something changed)"
	@$(PIP) install --no-build-isolation -c constraints.txt -e .[serve,postgresql,avatars,countries,redis,import] $(PACKAGES:%=-e ./%)
	@touch $@

$(VENV)/.testing: $(VENV)/.made $(PROJECTS) requirements-dev.txt
	@echo "Installing what the tests need (only when something changed)"
	@$(PIP) install --no-build-isolation -r requirements-dev.txt
	@touch $@ $(VENV)/.running
