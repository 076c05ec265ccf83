"""Check what mobile/android/README.md shows: the program of the tests, and statements."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ANDROID = Path(__file__).parents[1] / "mobile/android"
README = (ANDROID / "README.md").read_text()
EXAMPLE = ANDROID / "hvit-edge/src/desktopTest/java/example/ClassifyFrame.java"
API = ANDROID / "hvit-edge/src/main/java"
AROUND = """
package example;
import io.github.hvitedge.*;
class Shown {{
    void run(java.io.File file, Frame frame, Frame other) {{
{}
    }}
}}
"""


def test_readme_shows_the_program():
    assert f"```java\n{EXAMPLE.read_text()}```" in README


def test_statements_compile(tmp_path):
    compiler = shutil.which("javac")
    if compiler is None:
        pytest.skip("no javac; make test installs it")
    shown = re.findall(r"```java\n(.*?)```", README, flags=re.DOTALL)
    statements = [block for block in shown if not block.startswith("package")]
    assert len(statements) == 1
    source = tmp_path / "Shown.java"
    source.write_text(AROUND.format(statements[0]))
    done = subprocess.run(
        [compiler, "--release", "8", "-Xlint:-options", "-d", tmp_path, source]
        + sorted(API.rglob("*.java")),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
