"""The README tells the truth: its commands run, its examples compile, its tables are measured."""

import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def checkout(tmp_path):
    """A folder that holds what the README's commands name, so that they write nothing here."""
    (tmp_path / "python").symlink_to(ROOT / "python")
    return tmp_path


@pytest.mark.parametrize(
    "commands, shown", zip(blocks("bash"), ("runtime", "evaluated"), strict=True)
)
def test_commands(commands, shown, checkout):
    scripts = Path(sysconfig.get_path("scripts"))
    for line in commands.splitlines():
        program, *arguments = shlex.split(line)
        done = subprocess.run(
            [scripts / program, *arguments], cwd=checkout, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert shown in done.stdout


def test_python_example(checkout):
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=checkout, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^cat +0\.\d{3}$", done.stdout, flags=re.MULTILINE)
    assert "SelfTest(passed=True" in done.stdout


@pytest.fixture
def cpp_example(tmp_path):
    """The C++ program, and a compiler's call for it."""
    (example,) = blocks("cpp")
    source = tmp_path / "example.cpp"
    source.write_text(example)
    compiler = shutil.which("c++")
    assert compiler, "a C++ compiler is needed"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'cpp' / 'include'}"]
    return [compiler, *flags, str(source)]


def test_cpp_example_compiles(cpp_example):
    done = subprocess.run([*cpp_example, "-fsyntax-only"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_cpp_example_runs(cpp_example, tmp_path):
    """Linked with the library that the runner was linked with."""
    import executorch

    library = ROOT / "build/native/cpp/libhvit_edge.a"
    if not library.exists():
        pytest.skip(f"{library} is not built; make runner")
    libraries = Path(executorch.__path__[0]) / "lib"
    names = ("kernels_optimized", "backend_xnnpack", "threadpool")
    program = tmp_path / "example"
    link = [str(library), f"-L{libraries}", f"-Wl,-rpath,{libraries}", "-Wl,--no-as-needed"]
    link += [*(f"-lexecutorch_{name}" for name in names), "-lexecutorch", "-pthread"]
    done = subprocess.run([*cpp_example, *link, "-o", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    def run(artifact: str) -> subprocess.CompletedProcess:
        path = ROOT / "cpp/tests/data" / artifact
        return subprocess.run([program, path], capture_output=True, text=True)

    shown = run("tiny_v1.pte")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert re.match(r"\w+ 0\.\d{3}\n", shown.stdout)
    refused = run("none.pte")
    assert refused.returncode == 1
    assert "expected an artifact, got no such file" in refused.stdout


def test_java_example_compiles(tmp_path):
    """With the Java of mobile/android that needs no Android."""
    (example,) = blocks("java")
    (name,) = re.findall(r"public final class (\w+)", example)
    (tmp_path / f"{name}.java").write_text(example)
    compiler = shutil.which("javac")
    if compiler is None:
        pytest.skip("no javac; make test installs it")
    sources = sorted((ROOT / "mobile/android/hvit-edge/src/main/java").rglob("*.java"))
    done = subprocess.run(
        [compiler, "--release", "8", "-encoding", "UTF-8", "-Xlint:all,-options", "-Werror"]
        + ["-d", tmp_path / "classes", *sources, tmp_path / f"{name}.java"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "classes" / f"{name}.class").exists()


def test_embeds_in_three_places():
    """What tests/test_ios_swift.py does for Swift, the tests above do for the others."""
    titles = re.findall(r"^## Embed in (.+)$", README, flags=re.MULTILINE)
    assert titles == ["C++", "Android", "iOS"]
    for title, language in zip(titles, ("cpp", "java", "swift"), strict=True):
        section = README.split(f"## Embed in {title}\n")[1].split("\n## ")[0]
        assert section.count(f"```{language}\n") == 1


def test_tables_are_rendered_from_committed_results():
    script = ROOT / "benchmarks" / "readme_tables.py"
    assert subprocess.run([sys.executable, script, "--check"]).returncode == 0


def test_verbs_are_those_of_the_command_line():
    from hvit_edge.cli import VERBS

    named = re.findall(r"^\| `(\w+)", README, flags=re.MULTILINE)
    assert named == list(VERBS)


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make (\w+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
