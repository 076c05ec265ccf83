# What other machines run, built on this one: 64-bit Arm Linux, tried in QEMU, and Apple's, only linked;
# and the small runner, one static file for each machine.
ARM := build/arm
ARM_WHEEL := manylinux_2_28_aarch64
APPLE := build/apple
ZIG := build/zig/ziglang/zig
MACHINES ?= aarch64 x86_64
# Wheels contain the runners for devices and the runtime for browsers.
IN_WHEELS := $(MACHINES:%=build/static/%/staged) python/hvit_edge/assets/web/hvit_edge.wasm
MOBILE_SOURCES := $(shell find mobile/android/hvit-edge/src/main/cpp mobile/ios/Sources/CHvitEdge \
	mobile/ios/Tests/link -type f)

.PHONY: arm arm-wheel apple-link android-link static-runner other-machines wheel

arm: $(ARM)/staged $(ARM)/host/count_instructions.so ## cross-compile runner and C library for aarch64

$(ARM)/sdk/unpacked: constraints.txt | .venv/tools
	@$(INSTALL_PACKAGES) arm
	$(TOOLS)/unpack_executorch.sh $(ARM_WHEEL) $(ARM)
	@touch $@

$(ARM)/staged: $(ARM)/sdk/unpacked $(BUILT_SOURCES) $(MOBILE_SOURCES) tools/build_for_arm.sh
	$(TOOLS)/build_for_arm.sh
	@touch $@

# Part of QEMU's process, hence built for this machine.
$(ARM)/host/count_instructions.so: $(wildcard cpp/qemu/*) | .venv/tools
	$(WITH_VENV) cmake -S cpp/qemu -B $(ARM)/host -G Ninja
	$(WITH_VENV) cmake --build $(ARM)/host
	@touch $@

arm-wheel: $(ARM)/site/unpacked ## cross-build the Python package's wheel for aarch64, import it in QEMU

$(ARM)/site/unpacked: $(ARM)/sdk/unpacked $(IN_WHEELS) $(BINDING_SOURCES) $(PYTHON_SOURCES) \
		constraints.txt cmake/aarch64_python.sh cmake/aarch64-linux-gnu.cmake tools/build_arm_wheel.sh
	$(TOOLS)/build_arm_wheel.sh $(ARM_WHEEL)
	@touch $@

apple-link: $(APPLE)/linked ## compile and link everything for macOS on 64-bit Arm, without a Mac

$(APPLE)/sdk/unpacked: constraints.txt | .venv/tools
	@rm -rf $(APPLE)
	$(TOOLS)/unpack_executorch.sh macosx_14_0_arm64 $(APPLE)
	@touch $@

$(APPLE)/linked: $(APPLE)/sdk/unpacked $(ZIG) $(BUILT_SOURCES) $(MOBILE_SOURCES) tools/link_for_apple.sh
	$(TOOLS)/link_for_apple.sh
	@touch $@

# What Gradle builds with the NDK, by another C library.
ABIS := arm64-v8a armeabi-v7a x86_64

android-link: $(ABIS:%=build/android/%/linked) ## compile and link Android's library, without the NDK

build/android/%/linked: $(ZIG) $(BUILT_SOURCES) $(MOBILE_SOURCES) tools/link_for_android.sh
	@$(INSTALL_PACKAGES) jvm
	$(TOOLS)/link_for_android.sh $(ZIG) $*
	@touch $@

$(ZIG): constraints.txt | .venv/tools
	@rm -rf build/zig
	$(PIP) install $(PIP_FLAGS) -c constraints.txt --no-deps --target build/zig ziglang
	@touch $@

# The Python package takes them from its assets.
static-runner: $(MACHINES:%=build/static/%/staged) ## runner for devices, a static file each: aarch64 and x86-64

build/static/%/staged: $(ZIG) $(BUILT_SOURCES) tools/build_static_runner.sh
	$(TOOLS)/build_static_runner.sh $(ZIG) $*
	@touch $@

# Machines that the package has no runner for. HVIT_EDGE_RUNNERS=build/runners makes devices find them.
OTHER_MACHINES := armv7l

other-machines: $(OTHER_MACHINES:%=build/runners/%/hvit_edge_runner) ## runner for 32-bit Arm, tried in QEMU

build/runners/%/hvit_edge_runner: $(ZIG) $(BUILT_SOURCES) tools/build_static_runner.sh
	@$(INSTALL_PACKAGES) arm
	RUNNERS=build/runners $(TOOLS)/build_static_runner.sh $(ZIG) $*
	@touch $@

# For this machine, but installed where neither the checkout nor ExecuTorch is.
WHEEL := build/wheel

wheel: $(WHEEL)/installed ## build the Python package's wheel, install it in an empty environment

$(WHEEL)/installed: $(IN_WHEELS) $(BINDING_SOURCES) $(PYTHON_SOURCES) constraints.txt \
		tools/build_wheel.sh | .venv/tools
	$(TOOLS)/build_wheel.sh
	@touch $@
