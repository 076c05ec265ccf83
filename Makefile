# hvit-edge from a checkout. Needs Python >= 3.10 with venv, and a C++17 compiler. What is missing of
# that, and of what tests need, is installed where apt can: see tools/install_packages.sh.
# CMakePresets.json configures each tree in build/; tools/ has the longer recipes.
PYTHON ?= python3
CXX ?= c++
JOBS ?= 2
PIP_FLAGS ?= --quiet --disable-pip-version-check
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 1

BIN := .venv/bin
PIP := $(BIN)/python -m pip
WITH_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"
TOOLS := JOBS=$(JOBS) PIP_FLAGS='$(PIP_FLAGS)' tools
INSTALL_PACKAGES := PYTHON='$(PYTHON)' CXX='$(CXX)' tools/install_packages.sh

# No tree is built anew for a test or a fuzzer; the Python package needs still less of cpp/.
BUILT_SOURCES := CMakeLists.txt CMakePresets.json \
	$(shell find cmake cpp -type f -not -path 'cpp/tests/*' -not -path 'cpp/fuzz/*')
BINDING_SOURCES := $(filter-out CMakePresets.json cmake/aarch64% cmake/zig.cmake \
	$(foreach folder,capi examples qemu runner web,cpp/$(folder)/%),$(BUILT_SOURCES))
PYTHON_SOURCES := pyproject.toml README.md $(shell find python -type f -not -path '*/__pycache__/*')
SHELL_FILES := .ci/run $(shell find tools cmake cpp mobile -name '*.sh')
CPP_FILES := $(shell find cpp mobile -name '*.h' -o -name '*.cpp' -o -name '*.c')

# Groups of tools/install_packages.sh. User-mode QEMU is for Linux alone; no test needs sanitizers.
GROUPS := build cpp arm ssh adb jvm web sanitize
TEST_GROUPS := $(filter-out sanitize $(if $(filter Linux,$(shell uname -s)),,arm),$(GROUPS))

.PHONY: help packages packages-all $(GROUPS:%=packages-%) setup setup-cpp runner check \
	test nightly test-cpp test-python test-clang sanitized sanitize fuzz lint tidy clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/make \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 19

# These may ask for a password; what other targets need is installed without a question or not at all.
packages: ## install system packages for setup and C++ tests; packages-GROUP, those of one group
	@SUDO=sudo $(INSTALL_PACKAGES) build cpp

packages-all: ## install all groups of system packages: build cpp arm ssh adb jvm web sanitize
	@SUDO=sudo $(INSTALL_PACKAGES) $(GROUPS)

$(GROUPS:%=packages-%): packages-%:
	@SUDO=sudo $(INSTALL_PACKAGES) $*

setup: .venv/built ## create .venv and install hvit-edge with all its tools

setup-cpp: .venv/cpp ## create .venv with what C++ alone needs: CMake, Ninja and ExecuTorch's libraries

# The stamps in .venv say what is installed: a target reruns only when what it depends on changes.
.venv/created:
	@$(INSTALL_PACKAGES) build
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
		{ echo "error: expected Python >= 3.10, got '$(PYTHON)', which is older or missing;" \
		"make setup PYTHON=... names another"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

# ExecuTorch's headers and libraries, without the packages that its Python part needs.
.venv/cpp: .venv/created constraints.txt
	$(PIP) install $(PIP_FLAGS) -c constraints.txt --no-deps executorch cmake ninja
	@touch $@

# torch is named together with everything that could pull in another one.
.venv/tools: .venv/cpp
	$(PIP) install $(PIP_FLAGS) -c constraints.txt \
		torch executorch scikit-build-core pybind11 'cmake>=3.28' ninja
	@touch $@

.venv/built: .venv/tools pyproject.toml python/hvit_edge/__init__.py $(BINDING_SOURCES)
	$(WITH_VENV) $(PIP) install $(PIP_FLAGS) -c constraints.txt --no-build-isolation -e '.[dev]' -C cmake.define.HVIT_EDGE_WERROR=ON
	@touch $@

# In the tree of `make test-cpp`; a new tree gets no tests, which would need GoogleTest.
runner: .venv/cpp ## build hvit_edge_runner, which runs artifacts without Python, for this machine
	@[ -e build/native/build.ninja ] || \
		$(WITH_VENV) cmake --preset native -DHVIT_EDGE_BUILD_TESTS=OFF
	$(WITH_VENV) cmake --build --preset native --target hvit_edge_runner -j $(JOBS)
	@$(BIN)/cmake --install build/native --component device --prefix build/native/device >/dev/null

check: lint test-cpp ## lint, C++ tests and the fast Python tests: minutes, for use while working
	@$(MAKE) --no-print-directory test-python MARKERS='not slow and not nightly'

# Its lines run one after the other, `make -j` or not: the packages come first.
test: ## C++ and Python tests, except the nightly ones; installs what they need
	@INSTEAD='or leave out their tests: make test-cpp test-python' $(INSTALL_PACKAGES) $(TEST_GROUPS)
	@$(MAKE) --no-print-directory test-cpp
	@$(MAKE) --no-print-directory test-python

nightly: ## every test and check there is, with long fuzzing: hours
	@JOBS=$(JOBS) tools/nightly.sh

test-cpp: .venv/cpp ## C++ tests of both runtimes: with ExecuTorch, and without
	@$(INSTALL_PACKAGES) cpp
	$(WITH_VENV) cmake --preset native
	$(WITH_VENV) cmake --build --preset native -j $(JOBS)
	$(TOOLS)/test_cpp.sh native
	$(WITH_VENV) cmake --preset small
	$(WITH_VENV) cmake --build --preset small -j $(JOBS)
	$(TOOLS)/test_cpp.sh small

MARKERS ?= not nightly
test-python: setup runner ## Python tests that MARKERS='not nightly' select
	@$(TOOLS)/test_python.sh '$(MARKERS)'

test-clang: setup ## C++ tests, everything compiled by clang
	$(WITH_VENV) cmake --preset clang
	$(WITH_VENV) cmake --build --preset clang -j $(JOBS)
	$(TOOLS)/test_cpp.sh clang

# One tree of each runtime for the tests, their coverage and the fuzzers.
sanitized: .venv/tools
	@$(INSTALL_PACKAGES) sanitize
	$(WITH_VENV) cmake --preset sanitized
	$(WITH_VENV) cmake --build --preset sanitized -j $(JOBS)
	$(WITH_VENV) cmake --preset sanitized-small
	$(WITH_VENV) cmake --build --preset sanitized-small -j $(JOBS)

sanitize: sanitized ## C++ tests under AddressSanitizer, UBSan and ThreadSanitizer, and their coverage
	$(TOOLS)/sanitize.sh 90

fuzz: sanitized ## all fuzzers side by side, FUZZ_SECONDS=60 FUZZ_SEED=1; they write build/fuzz
	$(TOOLS)/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_SEED)

lint: setup ## ruff, mypy, clang-format and shellcheck, without changing a file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(CPP_FILES)
	$(BIN)/shellcheck $(SHELL_FILES)

tidy: ## clang-tidy over the C++ sources; minutes
	@$(INSTALL_PACKAGES) sanitize
	$(WITH_VENV) cmake --preset native
	run-clang-tidy -quiet -j $(JOBS) -p build/native '/cpp/(src|capi|runner)/'

clean: ## remove what was built; .venv stays
	rm -rf build dist .pytest_cache .ruff_cache
	find python tests -name __pycache__ -type d -prune -exec rm -rf {} +

include tools/demo.mk tools/cross.mk tools/dist.mk tools/docs.mk tools/web.mk benchmarks/bench.mk
