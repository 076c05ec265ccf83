"""The Gradle library compiles the small runtime from the sources, unless ExecuTorch is given."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "mobile/android/hvit-edge/build.gradle.kts"


def test_gradle_builds_the_small_runtime_for_every_machine():
    text = SCRIPT.read_text()
    assert "-DHVIT_EDGE_RUNTIME=small" in text
    assert "-DHVIT_EDGE_COMPACT=ON" in text
    assert [abi for abi in ("arm64-v8a", "armeabi-v7a", "x86_64") if f'"{abi}"' not in text] == []
    assert "expected -Pexecutorch_DIR" not in text


@pytest.mark.parametrize(
    "options, message",
    [
        (["-DHVIT_EDGE_RUNTIME=full"], "expected HVIT_EDGE_RUNTIME=small with"),
        (
            ["-DHVIT_EDGE_RUNTIME=small", "-DHVIT_EDGE_BUILD_TESTS=ON"],
            "expected HVIT_EDGE_BUILD_TESTS=OFF with HVIT_EDGE_COMPACT=ON",
        ),
    ],
)
def test_the_compact_build_refuses_what_it_cannot_have(options, message):
    cmake = Path(sys.executable).with_name("cmake")
    command = [cmake, *options, "-P", ROOT / "cpp/cmake/compact.cmake"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())
