# Everything sets itself up in .venv: `make demo` is all that a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PRETTIER := prettier@3.10.1
CPP := $(wildcard csrc/*.cc csrc/*.h)

.PHONY: demo test proof lint lint-cpp format bench clean

demo: $(VENV)/installed
	$(BIN)/latchwork article

test: $(VENV)/developed
	$(BIN)/python -m pytest -n 2 -m "not proof"

proof: $(VENV)/developed
	$(BIN)/python -m pytest -n 2 -m proof

lint: $(VENV)/developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	@if command -v npx >/dev/null; then npx --yes $(PRETTIER) --check web tests/web; else echo 'no Node.js: the pages are not checked'; fi

lint-cpp: $(VENV)/developed
	$(BIN)/clang-format --dry-run --Werror $(CPP)

format: $(VENV)/developed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)
	npx --yes $(PRETTIER) --write web tests/web

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

# All that tests and lint need in one go, since each installation builds the kernels.
$(VENV)/developed: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable ".[test,lint]"
	touch $@ $(VENV)/installed

$(VENV)/benched: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	touch $@ $(VENV)/installed
