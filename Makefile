# Everything sets itself up in .venv: `make demo` is all that a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test proof lint format bench clean

demo: $(VENV)/installed
	$(BIN)/latchwork article

test: $(VENV)/tested
	$(BIN)/python -m pytest -n 2 -m "not proof"

proof: $(VENV)/tested
	$(BIN)/python -m pytest -n 2 -m proof

lint: $(VENV)/linted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	npx --yes prettier@3.10.1 --check web tests/web

format: $(VENV)/linted
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	npx --yes prettier@3.10.1 --write web tests/web

bench: $(VENV)/benched
	$(BIN)/latchwork bench

clean:
	rm -rf $(VENV) build

# An editable install sees changed Python at once; changed packaging or C++ installs anew.
SOURCES := pyproject.toml $(wildcard CMakeLists.txt csrc/*)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/installed: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

$(VENV)/linted: $(VENV)/tested
	$(BIN)/python -m pip install --quiet --editable ".[lint]"
	touch $@

$(VENV)/benched: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	touch $@
