# Everything sets itself up in .venv: `make demo` is all that a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PRETTIER := prettier@3.10.1
CPP := $(wildcard csrc/*/*.cc csrc/*/*.h tests/kernels/check/*.cc tests/kernels/check/*.h)

.PHONY: demo test proof lint format site docs bench check sanitize check-arm clean

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
	$(BIN)/clang-format --dry-run --Werror $(CPP)
	@if command -v npx >/dev/null; then npx --yes $(PRETTIER) --check web tests/web; else echo 'no Node.js: the pages are not checked'; fi

format: $(VENV)/developed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)
	npx --yes $(PRETTIER) --write web tests/web

# The site, built strictly into build/site; `make docs` shows it while it is written.
export NO_MKDOCS_2_WARNING = 1
site: $(VENV)/developed
	$(BIN)/mkdocs build --quiet

docs: $(VENV)/developed
	$(BIN)/mkdocs serve

bench: $(VENV)/benched
	$(BIN)/latchwork bench

# The kernels without Python: tests/kernels/check, in the builds that this processor runs, under the sanitizers, and on
# Arm. CASES is how many random calls; the sanitizers make each some ten times slower.
CASES ?= 1000
CMAKE ?= cmake
CHECK := build/check

check:
	$(CMAKE) -S . -B $(CHECK) -DLATCHWORK_CHECK=ON
	$(CMAKE) --build $(CHECK) --parallel 2
	for build in $$($(CHECK)/latchwork_check --builds); do LATCHWORK_BUILD=$$build $(CHECK)/latchwork_check --cases $(CASES) || exit 1; done

sanitize: CASES := 200
SANITIZERS ?= address,undefined thread
sanitize:
	for sanitizers in $(SANITIZERS); do \
	  folder=$(CHECK)-$${sanitizers%%,*}; \
	  $(CMAKE) -S . -B $$folder -DLATCHWORK_CHECK=ON -DLATCHWORK_SANITIZE=$$sanitizers || exit 1; \
	  $(CMAKE) --build $$folder --parallel 2 || exit 1; \
	  for build in $$($$folder/latchwork_check --builds); do \
	    LATCHWORK_BUILD=$$build $$folder/latchwork_check --cases $(CASES) || exit 1; \
	  done; \
	done

ARM := aarch64-linux-gnu
QEMU := $(firstword $(shell command -v qemu-aarch64-static qemu-aarch64))
check-arm: CASES := 100
check-arm:
	@if ! command -v $(ARM)-g++ >/dev/null || [ -z "$(QEMU)" ]; then \
	  echo 'skipped: needs a compiler for Arm and an emulator (Debian: g++-aarch64-linux-gnu, qemu-user-static)'; \
	else \
	  $(CMAKE) -S . -B $(CHECK)-arm -DLATCHWORK_CHECK=ON -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
	    -DCMAKE_CXX_COMPILER=$(ARM)-g++ -DCMAKE_EXE_LINKER_FLAGS=-static && \
	  $(CMAKE) --build $(CHECK)-arm --parallel 2 && $(QEMU) $(CHECK)-arm/latchwork_check --cases $(CASES); \
	fi

clean:
	rm -rf $(VENV) build

# An editable install sees changed Python at once; changed packaging or C++ installs anew.
SOURCES := pyproject.toml $(wildcard CMakeLists.txt csrc/*/*)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/installed: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# All that tests and lint need in one go, since each installation builds the kernels.
$(VENV)/developed: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable ".[test,lint,docs]"
	touch $@ $(VENV)/installed

$(VENV)/benched: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	touch $@ $(VENV)/installed
