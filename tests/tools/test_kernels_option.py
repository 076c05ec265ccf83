"""The CMake option HVIT_EDGE_KERNELS: its values, and what is linked and deployed with each."""

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

KERNELS = Path(__file__).parents[2] / "cpp/cmake/kernels.cmake"
PROJECT = """
cmake_minimum_required(VERSION 3.28)
project(option LANGUAGES NONE)
add_library(executorch::kernels_optimized {kind} IMPORTED)
include({file})
message("linked ${{hvit_edge_executorch_libraries}}")
message("deployed ${{hvit_edge_deployed_libraries}}")
"""
BASE = ["runtime", "backend_xnnpack", "threadpool"]
KERNEL = ["kernels_optimized"]


def configure(folder: Path, kind: str, *options: str) -> subprocess.CompletedProcess:
    (folder / "CMakeLists.txt").write_text(PROJECT.format(kind=kind, file=KERNELS))
    cmake = Path(sysconfig.get_path("scripts")) / "cmake"
    return subprocess.run(
        [cmake, "-S", folder, "-B", folder / "build", *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def libraries(done: subprocess.CompletedProcess) -> dict[str, list[str]]:
    assert done.returncode == 0, done.stderr
    found = dict(re.findall(r"^(linked|deployed) (.+)$", done.stderr, re.MULTILINE))
    return {
        name: [each.removeprefix("executorch::") for each in line.split(";")]
        for name, line in found.items()
    }


@pytest.mark.parametrize(
    ("kind", "options", "linked", "deployed"),
    [
        ("SHARED", [], BASE, BASE + KERNEL),
        ("SHARED", ["-DHVIT_EDGE_KERNELS=on_demand"], BASE, BASE + KERNEL),
        ("SHARED", ["-DHVIT_EDGE_KERNELS=all"], BASE + KERNEL, BASE + KERNEL),
        ("SHARED", ["-DHVIT_EDGE_KERNELS=none"], BASE, BASE),
        ("INTERFACE", [], BASE + KERNEL, BASE + KERNEL),
        ("INTERFACE", ["-DHVIT_EDGE_KERNELS=none"], BASE, BASE),
    ],
)
def test_choices(kind, options, linked, deployed, tmp_path):
    found = libraries(configure(tmp_path, kind, *options))
    assert found == {"linked": linked, "deployed": deployed}


@pytest.mark.parametrize(
    ("kind", "choice", "known"),
    [("SHARED", "some", "on_demand, all, none"), ("INTERFACE", "on_demand", "all, none")],
)
def test_other_values_are_refused(kind, choice, known, tmp_path):
    done = configure(tmp_path, kind, f"-DHVIT_EDGE_KERNELS={choice}")
    assert done.returncode != 0
    text = " ".join(done.stderr.split())
    assert f"to be one of {known} with this ExecuTorch, got '{choice}'" in text
