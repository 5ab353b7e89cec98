# Two commands, on a machine with Python 3.11+, git and make: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Pinned versions, for the packages and for what builds this one.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Many tests start Python again, which would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-all lint types contract bench clean

run: $(VENV)/run.installed
	@$(BIN)/tiledesk-fake serve $(ARGS)

# Many tests wait for processes and deadlines, so there are more workers than processors.
test: $(VENV)/dev.installed
	$(BIN)/python -m pytest -n 6 --dist loadscope -m "not slow" $(ARGS)

# What `make test` leaves out.
test-all: $(VENV)/dev.installed
	$(BIN)/python -m pytest -n 4 --dist loadscope -m slow $(ARGS)

lint: $(VENV)/dev.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/dev.installed
	$(BIN)/mypy

contract: $(VENV)/run.installed
	.ci/lint-contract

# Installs what it compares into .bench; ARGS=--quick for a first look.
bench:
	@$(PYTHON) -m bench $(ARGS)

clean:
	rm -rf $(VENV) .bench

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "tiledesk-fake needs Python 3.11 or newer; say which: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.installed: $(BIN)/python pyproject.toml constraints.txt $(wildcard openapi/*.yaml)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/dev.installed: $(BIN)/python pyproject.toml constraints.txt $(wildcard openapi/*.yaml)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/run.installed
