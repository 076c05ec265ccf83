"""The Gradle library compiles the small runtime from the sources, unless ExecuTorch is given."""

from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "mobile/android/hvit-edge/build.gradle.kts"


def test_gradle_builds_the_small_runtime_for_every_machine():
    text = SCRIPT.read_text()
    assert "-DHVIT_EDGE_RUNTIME=small" in text
    assert "-DHVIT_EDGE_COMPACT=ON" in text
    assert [abi for abi in ("arm64-v8a", "armeabi-v7a", "x86_64") if f'"{abi}"' not in text] == []
    assert "expected -Pexecutorch_DIR" not in text
