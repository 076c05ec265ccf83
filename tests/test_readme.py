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


def test_cpp_example_compiles(tmp_path):
    (example,) = blocks("cpp")
    source = tmp_path / "example.cpp"
    source.write_text(f"#include <cstdio>\n{example}")
    compiler = shutil.which("c++")
    assert compiler, "a C++ compiler is needed"
    done = subprocess.run(
        [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
        + [f"-I{ROOT / 'cpp' / 'include'}", str(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


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
