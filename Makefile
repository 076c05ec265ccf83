# hvit-edge from a checkout. Needs Python >= 3.10 with venv, and a C++17 compiler:
# `make packages` installs what Debian has of it.
PYTHON ?= python3
CXX ?= c++
JOBS ?= 2
PIP_FLAGS ?= --quiet --disable-pip-version-check

BIN := .venv/bin
NATIVE := build/native
DEMO := build/demo/mobilevit_xxs-xnnpack-fp32.pte
PHOTO := python/hvit_edge/assets/photos/chelsea.jpg
NATIVE_SOURCES := CMakeLists.txt $(shell find cpp -type f)
CPP_FILES := $(shell find cpp -name '*.h' -o -name '*.cpp')

# Beside Python: venv and headers, a compiler, GoogleTest for the C++ tests.
DEBIAN_PACKAGES := python3-venv python3-dev g++ libgtest-dev

.PHONY: help packages setup demo test test-cpp test-python lint bench clean

help:
	@echo "make packages   install what Debian has of it: $(DEBIAN_PACKAGES)"
	@echo "make setup      create .venv and install hvit-edge with all its tools"
	@echo "make demo       compile a small model, classify a photo in C++, check it against PyTorch"
	@echo "make test       C++ and Python tests"
	@echo "make lint       ruff and clang-format, without changing a file"
	@echo "make bench      latency and memory of the demo's model"
	@echo "make clean      remove what was built; .venv stays"

# Asks for root only where something is missing.
packages:
	@dpkg -s $(DEBIAN_PACKAGES) >/dev/null 2>&1 || \
		{ SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo); $$SUDO apt-get update -qq && \
		$$SUDO apt-get install -y -qq --no-install-recommends $(DEBIAN_PACKAGES); }

setup: .venv/built

# The stamps in .venv say what is installed: a target reruns only when what it depends on changes.
.venv/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
		{ echo "error: expected Python >= 3.10, got '$(PYTHON)', which is older or missing;" \
		"make setup PYTHON=... names another"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "error: $(PYTHON) has no venv; on Debian: make packages"; exit 1; }
	@command -v $(CXX) >/dev/null || \
		{ echo "error: no C++ compiler $(CXX); on Debian: make packages"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

# torch is named together with everything that could pull in another one.
.venv/tools: .venv/created constraints.txt
	$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt \
		torch executorch scikit-build-core pybind11 'cmake>=3.28' ninja
	@touch $@

.venv/built: .venv/tools pyproject.toml $(NATIVE_SOURCES)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt \
		--no-build-isolation -e '.[dev]'
	@touch $@

demo: setup
	@mkdir -p $(dir $(DEMO))
	$(BIN)/hvit-edge compile mobilevit_xxs --weights cifar10 --target xnnpack -o $(DEMO) --force
	$(BIN)/hvit-edge run $(DEMO) $(PHOTO)
	$(BIN)/hvit-edge validate $(DEMO)

$(DEMO):
	@$(MAKE) --no-print-directory demo

bench: setup $(DEMO)
	$(BIN)/hvit-edge bench $(DEMO)

test: test-cpp
	@$(MAKE) --no-print-directory test-python

test-cpp: setup
	@echo '#include <gtest/gtest.h>' | $(CXX) -x c++ -std=c++17 -fsyntax-only - 2>/dev/null || \
		{ echo "error: no GoogleTest; on Debian: make packages"; exit 1; }
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B $(NATIVE) -G Ninja -DCMAKE_BUILD_TYPE=Release \
		-DHVIT_EDGE_BUILD_TESTS=ON
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(NATIVE)
	$(BIN)/ctest --test-dir $(NATIVE) --output-on-failure --no-tests=error

# Last, so that pytest's summary is the last line; what libraries log on stderr would follow it.
test-python: setup
	@mkdir -p build
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --durations=10 2>build/pytest.stderr || \
		{ cat build/pytest.stderr >&2; exit 1; }

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run -Werror $(CPP_FILES)

clean:
	rm -rf build dist .pytest_cache .ruff_cache
	find python tests -name __pycache__ -type d -prune -exec rm -rf {} +
