"""Check that mobile/android/README.md shows the program of the JNI library's tests."""

from pathlib import Path

ANDROID = Path(__file__).parents[1] / "mobile/android"
EXAMPLE = ANDROID / "hvit-edge/src/desktopTest/java/example/ClassifyFrame.java"


def test_readme_shows_the_program():
    readme = (ANDROID / "README.md").read_text()
    assert f"```java\n{EXAMPLE.read_text()}```" in readme
