"""Check what mobile/ios/build_xcframework.sh refuses, and which files it leaves.

The script needs a Mac. Stand-ins on PATH replace a Mac's programs here, so that the tests see which
of them are called, what is refused, and that no incomplete output is left.
"""

import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

import pytest

from hvit_edge import __version__

IOS = Path(__file__).parents[1] / "mobile/ios"
SCRIPT = IOS / "build_xcframework.sh"
HEADER = IOS.parents[1] / "cpp/include/hvit_edge/c_api.h"

TOOLS = ("bash", "basename", "cat", "cp", "dirname", "mkdir", "mktemp", "mv", "rm", "sed", "sort")
CMAKE = Path(sysconfig.get_path("scripts")) / "cmake"  # a Debian's may be too old
STAND_INS = {
    "uname": "echo Darwin",
    "xcrun": "exit 0",
    "install_name_tool": 'echo "install_name_tool $*" >>"$LOG"',
    "codesign": 'echo "codesign $*" >>"$LOG"',
    "cmake": """
        case "$1" in
          --version) echo "cmake version 3.28.3" ;;
          --build) mkdir -p "$2/cpp/capi"; echo "$2" >"$2/cpp/capi/libhvit_edge_c.dylib" ;;
          *) echo "cmake $*" >>"$LOG" ;;
        esac""",
    "xcodebuild": """
        while [ "$1" != -output ]; do
          [ "$1" != -framework ] || frameworks="$frameworks $2"
          shift
        done
        mkdir "$2"
        for framework in $frameworks; do
          slice="$2/$(basename "$(dirname "$framework")")"
          mkdir "$slice" && cp -r "$framework" "$slice"
        done
        : >"$2/Info.plist" """,
}


@pytest.fixture
def mac(tmp_path):
    """Return `run(*arguments, **replaced) -> CompletedProcess`; `mac.folder` is empty at first.

    Links to this machine's tools are in a separate folder, and nothing is written into it.
    """
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name))

    def run(*arguments: object, **replaced: str | None) -> subprocess.CompletedProcess:
        stand_ins = Path(tempfile.mkdtemp(prefix="stand-ins-", dir=tmp_path))
        for name, body in {**STAND_INS, **replaced}.items():
            if body is not None:
                with open(stand_ins / name, "x") as program:
                    program.write(f"#!/bin/sh\n{body}\n")
                (stand_ins / name).chmod(0o755)
        return subprocess.run(
            [SCRIPT, *map(str, arguments)],
            env={"PATH": f"{stand_ins}:{tools}", "LOG": str(tmp_path / "log")},
            cwd=run.folder,
            capture_output=True,
            text=True,
        )

    run.folder = tmp_path / "out"
    run.folder.mkdir()
    run.log = tmp_path / "log"
    return run


@pytest.fixture
def executorch(tmp_path):
    """Return the options that name ExecuTorch installed for both SDKs."""
    for name in ("device", "simulator"):
        folder = tmp_path / name / "lib/cmake/ExecuTorch"
        folder.mkdir(parents=True)
        (folder / "executorch-config.cmake").touch()
    return ("--device", tmp_path / "device", "--simulator", tmp_path / "simulator")


def refused(done: subprocess.CompletedProcess, text: str) -> None:
    assert done.returncode == 2
    assert done.stderr.startswith(f"[build_xcframework] expected {text}"), done.stderr
    assert done.stdout == ""


def test_parses():
    assert subprocess.run(["bash", "-n", SCRIPT]).returncode == 0


@pytest.mark.skipif(os.uname().sysname == "Darwin", reason="refuses what is not macOS")
def test_refuses_this_machine():
    done = subprocess.run([SCRIPT], capture_output=True, text=True)
    refused(done, f"macOS with Xcode, got {os.uname().sysname}; run it on a Mac\n")


def test_says_how_to_use_it(mac):
    done = mac("--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: build_xcframework.sh --device FOLDER")


@pytest.mark.parametrize(
    "replaced, text",
    [
        ({"uname": "echo Linux"}, "macOS with Xcode, got Linux; run it on a Mac"),
        ({"xcodebuild": None}, "xcodebuild, got none; install Xcode"),
        ({"xcrun": '[ "$2" != iphonesimulator ]'}, "the SDK iphonesimulator, got none; sudo xcode"),
        ({"cmake": None}, "CMake 3.28 or newer, got none; brew install cmake"),
        ({"cmake": "echo cmake version 3.9.6"}, "CMake 3.28 or newer, got 3.9; brew"),
        ({"cmake": "echo something else"}, "CMake 3.28 or newer, got another program; brew"),
    ],
)
def test_refuses_machines(mac, executorch, replaced, text):
    refused(mac(*executorch, **replaced), text)


def test_refuses_arguments(mac, executorch):
    device, simulator = executorch[:2], executorch[2:]
    refused(mac("--tvos", "x"), "--device, --simulator or --output, got --tvos; usage: ")
    refused(mac("--device"), "a folder after --device, got none; usage: ")
    refused(mac(), "--device FOLDER, got none; install ExecuTorch's preset ios ")
    refused(mac(*device), "--simulator FOLDER, got none; install ExecuTorch's preset ios-simulator")
    refused(
        mac(*device, "--simulator", mac.folder),
        f"ExecuTorch's preset ios-simulator in {mac.folder}, got no {mac.folder}/lib/cmake/",
    )
    refused(mac(*device, *simulator, "--output", "x.zip"), "an output that ends in .xcframework")
    refused(
        mac(*executorch, "--output", "no/x.xcframework"), "a folder to write into, got no; create"
    )
    (mac.folder / "x.xcframework").write_text("another file")
    refused(
        mac(*executorch, "--output", "x.xcframework"), "an XCFramework or nothing at x.xcframework"
    )
    assert [path.name for path in mac.folder.iterdir()] == ["x.xcframework"]


def test_builds_both_slices(mac, executorch):
    done = mac(*executorch, "--output", "x.xcframework")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("x.xcframework\n")
    assert [path.name for path in mac.folder.iterdir()] == ["x.xcframework"]
    for sdk, platform in (("iphoneos", "iPhoneOS"), ("iphonesimulator", "iPhoneSimulator")):
        framework = mac.folder / "x.xcframework" / sdk / "HvitEdgeC.framework"
        assert (framework / "HvitEdgeC").read_text().strip().endswith(f"/{sdk}")
        assert (framework / "Headers/c_api.h").read_bytes() == HEADER.read_bytes()
        information = (framework / "Info.plist").read_text()
        assert f"<string>{platform}</string>" in information
        assert f"<key>CFBundleVersion</key><string>{__version__}</string>" in information
    calls = mac.log.read_text().splitlines()
    configured = [call for call in calls if call.startswith("cmake ")]
    for call, sdk, folder in zip(
        configured, ("iphoneos", "iphonesimulator"), (executorch[1], executorch[3]), strict=True
    ):
        assert f"-DCMAKE_OSX_SYSROOT={sdk} " in call
        assert "-DCMAKE_OSX_ARCHITECTURES=arm64" in call
        assert f"-DHVIT_EDGE_IOS_EXECUTORCH={folder} " in call
    assert sum(call.startswith("codesign ") for call in calls) == 2


@pytest.mark.parametrize("broken", ["cmake", "codesign", "xcodebuild", "mv"])
def test_leaves_no_half_output(mac, executorch, broken):
    old = mac.folder / "x.xcframework"
    assert mac(*executorch, "--output", old).returncode == 0
    (old / "Info.plist").write_text("the old one")
    failing = {
        "cmake": '[ "$1" = --version ] && echo cmake version 4.0.0',
        "codesign": "exit 1",
        "xcodebuild": 'for output; do :; done; mkdir "$output"; exit 65',
        # Moves the old one away, not the new one into its place.
        "mv": f'case "$1" in */HvitEdgeC.xcframework) exit 1 ;; esac; {shutil.which("mv")} "$@"',
    }
    done = mac(*executorch, "--output", old, **{broken: failing[broken]})
    assert done.returncode not in (0, 2)
    assert [path.name for path in mac.folder.iterdir()] == ["x.xcframework"]
    assert (old / "Info.plist").read_text() == "the old one"


PROJECT = """
cmake_minimum_required(VERSION 3.28)
project(app LANGUAGES NONE)
find_package(executorch 1.5 REQUIRED
             COMPONENTS runtime kernels_optimized backend_xnnpack threadpool)
foreach(name IN ITEMS runtime kernels_optimized backend_xnnpack threadpool)
  get_target_property(libraries executorch::${name} INTERFACE_LINK_LIBRARIES)
  message(STATUS "${name}: ${libraries}")
endforeach()
"""
TARGETS = (
    "executorch extension_module_static extension_data_loader optimized_native_cpu_ops_lib"
    " xnnpack_backend extension_threadpool"
)


def configure(folder: Path, targets: str) -> subprocess.CompletedProcess:
    """Configure a project that finds ExecuTorch as in the script, with these targets."""
    (folder / "CMakeLists.txt").write_text(PROJECT)
    config = folder / "installed/lib/cmake/ExecuTorch"
    config.mkdir(parents=True, exist_ok=True)
    (config / "executorch-config.cmake").write_text(
        f"foreach(target {targets})\n  add_library(${{target}} INTERFACE IMPORTED)\nendforeach()\n"
    )
    return subprocess.run(
        [
            *(CMAKE, "-S", folder, "-B", folder / "build", f"-Dexecutorch_DIR={IOS / 'cmake'}"),
            f"-DHVIT_EDGE_IOS_EXECUTORCH={folder / 'installed'}",
        ],
        capture_output=True,
        text=True,
    )


def test_names_executorch_as_its_wheel_does(tmp_path):
    done = configure(tmp_path, TARGETS)
    assert done.returncode == 0, done.stderr
    assert "runtime: executorch;extension_module_static;extension_data_loader" in done.stdout
    assert "backend_xnnpack: xnnpack_backend\n" in done.stdout


def test_refuses_executorch_without_a_target(tmp_path):
    done = configure(tmp_path, TARGETS.replace(" xnnpack_backend", ""))
    assert done.returncode != 0
    text = " ".join(done.stderr.split())
    assert "expected the target xnnpack_backend" in text
    assert "got none; build ExecuTorch with its preset ios or ios-simulator" in text
