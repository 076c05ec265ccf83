"""The Makefile is short, has every target that is documented, and rebuilds only what it must."""

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
MAKEFILES = (
    "Makefile", "tools/demo.mk", "tools/cross.mk", "tools/dist.mk", "tools/docs.mk", "tools/web.mk",
    "benchmarks/bench.mk",
)  # fmt: skip
SCRIPTS = sorted(path.name for path in (CHECKOUT / "tools").glob("*.sh"))
PRESETS = json.loads((CHECKOUT / "CMakePresets.json").read_text())


@cache
def rules() -> dict[str, set[str]]:
    """Return what each target of the Makefile depends on."""
    printed = subprocess.run(
        ["make", "-pqr", "help"], cwd=CHECKOUT, capture_output=True, text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")},
    ).stdout  # fmt: skip
    found = re.findall(r"^([\w./-]+):([^=\n]*)$", printed, re.MULTILINE)
    return {target: set(words.split()) - {"|"} for target, words in found}


def everything_before(target: str) -> set[str]:
    found: set[str] = set()
    waiting = [target]
    while waiting:
        news = rules().get(waiting.pop(), set()) - found
        found |= news
        waiting += news
    return found


def test_the_makefile_is_short():
    assert len((CHECKOUT / "Makefile").read_text().splitlines()) < 150


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/devices.md", ".ci/run"])
def test_targets_that_are_named_exist(document):
    text = (CHECKOUT / document).read_text()
    command = r"(?:`|^ *)make (?:--no-print-directory )?([a-z-]+(?: [a-z-]+)*)(?=`|;|  | [A-Z]|$)"
    named = {name for line in re.findall(command, text, re.MULTILINE) for name in line.split()}
    assert named
    assert named - set(rules()) == set()


def test_help_lists_the_targets_that_a_person_calls():
    shown = subprocess.run(
        ["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout
    listed = set(re.findall(r"^make ([a-z-]+)  ", shown, re.MULTILINE))
    (phony,) = [words for target, words in rules().items() if target == ".PHONY"]
    groups = {name for name in phony if name.startswith("packages-")} - {"packages-all"}
    assert listed == phony - groups - {"sanitized"}


@pytest.mark.parametrize("target", [".venv/built", "build/arm/staged", "build/arm/site/unpacked"])
def test_a_changed_test_rebuilds_nothing(target):
    needed = everything_before(target)
    assert "cpp/CMakeLists.txt" in needed
    assert not [name for name in needed if name.startswith(("cpp/tests/", "cpp/fuzz/"))]


def test_the_python_package_needs_only_what_its_binding_is_made_of():
    needed = everything_before(".venv/built")
    folders = {name.split("/")[1] for name in needed if re.match("cpp/.+/", name)}
    assert folders == {"bindings", "cmake", "include", "src"}
    assert {"pyproject.toml", "constraints.txt", "CMakeLists.txt"} <= needed


def test_the_runner_for_arm_needs_its_sources():
    needed = everything_before("build/arm/staged")
    folders = {name.split("/")[1] for name in needed if re.match("cpp/.+/", name)}
    assert {"capi", "runner", "include", "src"} <= folders
    assert any(name.startswith("mobile/android/") for name in needed)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_can_be_called_and_stop_at_the_first_error(name):
    script = CHECKOUT / "tools" / name
    assert os.access(script, os.X_OK)
    assert re.search(r"^set -eu(o pipefail)?$", script.read_text(), re.MULTILINE)


def test_scripts_are_called():
    callers = [CHECKOUT / name for name in (*MAKEFILES, ".github/workflows/release.yml")]
    called = "".join(path.read_text() for path in callers)
    assert [name for name in SCRIPTS if name not in called] == []


def test_presets_are_those_that_are_called():
    callers = [CHECKOUT / name for name in MAKEFILES] + [CHECKOUT / "tools" / n for n in SCRIPTS]
    text = "".join(path.read_text() for path in callers)
    for kind, command in (
        ("configurePresets", "cmake --preset"),
        ("buildPresets", "cmake --build --preset"),
        ("testPresets", "/test_cpp.sh"),
    ):
        shown = {preset["name"] for preset in PRESETS[kind] if not preset.get("hidden")}
        assert shown == set(re.findall(rf"{command} ([\w-]+)\b", text)), kind
