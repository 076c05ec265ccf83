"""The workflows in .github call targets and scripts that exist, and name actions by commits."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hvit_edge.devices.bundle import CHECKOUT

GITHUB = CHECKOUT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
MAKEFILES = [CHECKOUT / "Makefile", *(CHECKOUT / "tools").glob("*.mk")]

STAND_IN = """#!/bin/sh
mkdir -p "$3/bin"
echo '#!/bin/sh' > "$3/bin/python"
echo '#!/bin/sh
for last; do :; done
echo {} > "$last"' > "$3/bin/cyclonedx-py"
chmod +x "$3/bin/"*
"""


def jobs_of(path):
    return yaml.safe_load(path.read_text())["jobs"]


def commands_of(path):
    """Yield each `run` of a workflow."""
    for job in jobs_of(path).values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


def test_each_kind_of_workflow_exists():
    assert {path.stem for path in WORKFLOWS} == {
        "android", "macos", "nightly", "pull_request", "release",
    }  # fmt: skip


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_job_has_more_rights_than_it_states(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"].items() >= {"contents": "read"}.items() or name == "publish"
        assert job["timeout-minutes"] <= 350, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_named_by_their_commit(path):
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_commands_call_targets_and_scripts_that_exist(path):
    text = "\n".join(file.read_text() for file in MAKEFILES)
    targets = set(re.findall(r"^([a-z][a-z-]*)(?= ?:)", text, re.M)) | {
        name
        for line in re.findall(r"^\.PHONY: (.*(?:\\\n.*)*)", text, re.M)
        for name in line.split()
    }
    for command in commands_of(path):
        for words in re.findall(r"^make ([^|&\n]+)", command, re.M):
            called = {word for word in words.split() if "=" not in word}
            assert called <= targets, (path.name, called - targets)
        for script in re.findall(r"(?:^|\s)((?:tools|mobile|\.ci)/[\w/.-]+)", command, re.M):
            assert (CHECKOUT / script).is_file(), (path.name, script)


def test_zizmor_finds_no_weakness():
    zizmor = Path(sys.executable).with_name("zizmor")
    if not zizmor.exists():
        pytest.skip("needs zizmor: pip install '.[dev]'")
    found = subprocess.run(
        [zizmor, "--offline", "--quiet", "--format", "plain", GITHUB],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout


def test_forms_ask_what_answers_need():
    forms = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
    assert {form.stem for form in forms} == {"bug", "config", "model"}
    for form in forms[:1] + forms[2:]:
        body = yaml.safe_load(form.read_text())["body"]
        asked = [field["id"] for field in body if field["type"] != "markdown"]
        assert "doctor" in asked and len(asked) == len(set(asked))


def test_a_release_gathers_its_files_and_their_checksums(tmp_path):
    if shutil.which("sha256sum") is None:
        pytest.skip("needs sha256sum")
    files = {
        "assets/web/hvit_edge.wasm": "hvit_edge.wasm",
        "assets/runners/aarch64/hvit_edge_runner": "hvit_edge_runner-aarch64",
        "wheels-ubuntu-24.04/a.whl": "a.whl",
        "sdist/a.tar.gz": "a.tar.gz",
        "android/hvit-edge-release.aar": "hvit-edge.aar",
        "xcframework/HvitEdgeC.xcframework.zip": "HvitEdgeC.xcframework.zip",
    }
    for name in files:
        path = tmp_path / "downloaded" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    script = CHECKOUT / "tools/gather_release.sh"
    command = [script, tmp_path / "downloaded", tmp_path / "release"]
    stand_in = tmp_path / "bin/python3"  # makes an environment whose tool lists nothing
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    variables = {"PATH": f"{stand_in.parent}:/usr/bin:/bin"}
    subprocess.run(command, env=variables, check=True, capture_output=True)
    made = {path.name for path in (tmp_path / "release").iterdir()}
    assert made == {*files.values(), "hvit-edge.cdx.json", "SHA256SUMS"}
    checked = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    subprocess.run(checked, cwd=tmp_path / "release", check=True)
    again = subprocess.run(command, env=variables, check=False, capture_output=True, text=True)
    assert again.returncode == 2
    assert "[gather_release] expected a new folder, got" in again.stderr
