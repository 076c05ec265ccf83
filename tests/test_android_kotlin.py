"""Check that the Kotlin and the Gradle files of mobile/android compile or parse.

The compiler is Kotlin's own, which the Python package `kotlin-jupyter-kernel` contains.
`android_stubs` declares what the sources use of Android, AndroidX and CameraX, with the signatures
of SDK 35, activity 1.9 and CameraX 1.4. The Java API is read from its sources.
"""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ANDROID = Path(__file__).parents[1] / "mobile/android"
STUBS = Path(__file__).parent / "android_stubs"
LIBRARY = ANDROID / "hvit-edge/src/main"
ON_DEVICES = ANDROID / "hvit-edge/src/androidTest/kotlin"
SAMPLE = ANDROID / "sample/src/main/kotlin"
GRADLE = sorted(ANDROID.rglob("*.gradle.kts"))
KOTLIN = sorted(ANDROID.rglob("*.kt"))
SYNTAX_ERROR = "error: syntax error"

pytestmark = pytest.mark.slow


def jars() -> list[Path]:
    """Return the compiler, its library and its annotations."""
    spec = importlib.util.find_spec("run_kotlin_kernel")
    if spec is None or not shutil.which("java"):
        pytest.skip("no Kotlin compiler: pip install kotlin-jupyter-kernel, and a JDK")
    folder = Path(spec.submodule_search_locations[0]) / "jars"
    patterns = ("kotlin-jupyter-kernel-*-all", "kotlin-stdlib-*", "kotlin-script-runtime-*")
    return [next(folder.glob(f"{name}.jar")) for name in (*patterns, "annotations-*")]


def compiled(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the compiler; its classes are the library's, not the running one's."""
    compiler, *library = jars()
    path = ":".join(map(str, (compiler, *library)))
    return subprocess.run(
        ["java", "-Xmx700m", "-cp", path, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"]
        + ["-no-stdlib", "-no-reflect", "-cp", ":".join(map(str, library))]
        + [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
    )


def checked(*sources: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """Compile sources for Android's Java 8, next to the stubs and the Java API."""
    options = ["-Werror", "-jvm-target", "1.8", "-language-version", "2.1", "-api-version", "2.1"]
    return compiled(*options, "-d", output, STUBS, LIBRARY / "java", *sources)


def test_the_library_and_the_sample_compile_without_a_warning(tmp_path):
    done = checked(LIBRARY / "kotlin", ON_DEVICES, SAMPLE, output=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    classes = {path.name for path in tmp_path.rglob("*.class")}
    assert {
        "FramesKt.class",
        "OpenAssetKt.class",
        "OpenAssetTest.class",
        "CameraActivity.class",
    } <= classes
    assert {"OverlayView.class", "FindKt.class"} <= classes


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (".rotated(rotation)", ".turned(rotation)", "unresolved reference 'turned'"),
        ("plain.rowBytes, 4", 'plain.rowBytes, "4"', "argument type mismatch"),
    ],
)
def test_a_wrong_call_is_an_error(tmp_path, old, new, fault):
    source = (LIBRARY / "kotlin/io/github/hvitedge/android/Frames.kt").read_text()
    assert source.count(old) == 1
    changed = tmp_path / "Frames.kt"
    changed.write_text(source.replace(old, new))
    done = checked(changed, output=tmp_path)
    assert done.returncode == 1
    assert fault in done.stderr


def test_gradle_files_parse(tmp_path):
    """Names of Gradle's DSL stay unknown; the compiler marks what is no Kotlin at all."""
    scripts = []
    for number, file in enumerate(GRADLE):
        scripts.append(tmp_path / f"script{number}.kts")
        scripts[-1].write_text(file.read_text())
    broken = tmp_path / "broken.kts"
    broken.write_text(scripts[0].read_text().replace("{", "(", 1))
    done = compiled("-Xallow-any-scripts-in-source-roots", "-d", tmp_path, *scripts, broken)
    wrong = [line for line in done.stderr.splitlines() if SYNTAX_ERROR in line]
    assert wrong and all("broken.kts" in line for line in wrong), wrong
    assert len(GRADLE) >= 4


def test_every_stub_is_used():
    used = "\n".join(path.read_text() for path in (*KOTLIN, *STUBS.rglob("*.java")))
    for stub in STUBS.rglob("*.java"):
        name = stub.stem
        others = re.sub(rf"(class|interface) {name}\b", "", used)
        assert re.search(rf"\b{name}\b", others), name
