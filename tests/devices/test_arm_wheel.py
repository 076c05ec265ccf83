"""The wheel for aarch64 Linux that `make arm-wheel` builds, and its use in QEMU."""

import email
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import hvit_edge
from hvit_edge.devices.bundle import CHECKOUT
from hvit_edge.weights import bundled_photos

ARM = CHECKOUT / "build/arm"
WHEELS = sorted((ARM / "dist").glob("*.whl"))
PACKAGE = CHECKOUT / "python/hvit_edge"
INTERPRETER = f"cp3{sys.version_info.minor}"
SUFFIX = f".cpython-3{sys.version_info.minor}-aarch64-linux-gnu.so"
FULL, SMALL = (f"hvit_edge/{name}{SUFFIX}" for name in ("_runtime", "_runtime_small"))
SYSTEM = {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "ld-linux-aarch64.so.1"}
EXECUTORCH = {"", "_threadpool", "_backend_xnnpack"}  # kernels are loaded on demand

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WHEELS, reason="needs make arm-wheel"),
    pytest.mark.skipif(shutil.which("readelf") is None, reason="needs readelf; Debian: binutils"),
]
needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-aarch64") is None or not (ARM / "site/unpacked").exists(),
    reason="needs make arm-wheel",
)


@pytest.fixture(scope="module")
def wheel():
    (path,) = WHEELS
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def readelf(wheel, tmp_path_factory):
    """`(option, extension) -> what readelf says`."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel.extractall(folder, [FULL, SMALL])

    def run(option, extension=FULL):
        command = ["readelf", "--wide", option, folder / extension]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout

    return run


def metadata(wheel, name):
    folder = f"hvit_edge-{hvit_edge.__version__}.dist-info"
    return email.message_from_bytes(wheel.read(f"{folder}/{name}"))


def glibc_of_tag(wheel):
    """Return the glibc version that the file name requires."""
    name = Path(wheel.filename).stem
    match = re.fullmatch(
        rf"hvit_edge-{re.escape(hvit_edge.__version__)}-{INTERPRETER}-{INTERPRETER}"
        r"-manylinux_2_(\d+)_aarch64",
        name,
    )
    assert match, name
    return int(match[1])


def test_tags(wheel):
    told = metadata(wheel, "WHEEL")
    tag = f"{INTERPRETER}-{INTERPRETER}-manylinux_2_{glibc_of_tag(wheel)}_aarch64"
    assert told.get_all("Tag") == [tag]
    assert told["Root-Is-Purelib"] == "false"


def test_no_symbol_is_newer_than_the_tag(wheel, readelf, record_property):
    told = "".join(readelf("--version-info", extension) for extension in (FULL, SMALL))
    versions = re.findall(r"\bGLIBC_2\.(\d+)\b", told)
    assert max(map(int, versions)) <= glibc_of_tag(wheel)
    record_property("measured", f"aarch64 wheel: needs glibc 2.{glibc_of_tag(wheel)}")


def test_files_are_those_of_the_package_and_two_extensions(wheel):
    names = {name for name in wheel.namelist() if not name.endswith("/")}
    found = {name for name in names if ".dist-info/" not in name}
    sources = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".so"
    }
    assert found == sources | {FULL, SMALL}, "where the wheel is only old: make arm-wheel"
    assert {line.split(",")[0] for line in record(wheel)} == names


def record(wheel):
    folder = f"hvit_edge-{hvit_edge.__version__}.dist-info"
    return wheel.read(f"{folder}/RECORD").decode().split()


def test_the_executorch_that_it_is_linked_against_is_the_one_that_it_asks_for(wheel):
    (asked,) = [
        line
        for line in metadata(wheel, "METADATA").get_all("Requires-Dist")
        if line.startswith("executorch")
    ]
    (linked,) = (ARM / "sdk").glob("executorch-*.dist-info")
    version = linked.name.removesuffix(".dist-info").replace("-", "==")
    assert asked.split(";")[0].strip() == version


def test_machine(readelf):
    header = readelf("--file-header")
    assert re.search(r"Class: +ELF64", header)
    assert re.search(r"Machine: +AArch64", header)


def test_libraries_are_looked_for_beside_the_package(readelf):
    dynamic = readelf("--dynamic")
    (path,) = re.findall(r"\(RUNPATH\) .*\[(.*)\]", dynamic)
    assert "$ORIGIN/../executorch/lib" in path.split(":")
    assert all(folder.split("/")[0] == "$ORIGIN" for folder in path.split(":"))
    needed = set(re.findall(r"\(NEEDED\) .*\[(.*)\]", dynamic))
    own = {f"libexecutorch{name}.so" for name in EXECUTORCH}
    assert own <= needed <= own | SYSTEM


def test_the_small_extension_needs_no_other_library(readelf):
    dynamic = readelf("--dynamic", SMALL)
    assert set(re.findall(r"\(NEEDED\) .*\[(.*)\]", dynamic)) <= SYSTEM
    assert "RUNPATH" not in dynamic


def in_qemu(program, *arguments, path=ARM / "site", **variables):
    """Return the JSON output of an aarch64 CPython that imports the wheel."""
    done = subprocess.run(
        [ARM / "python/run", "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_qemu
def test_an_aarch64_python_takes_the_tag(wheel):
    """The tags are those of packaging.tags, which pip uses."""
    tags = "import json, packaging.tags as t; print(json.dumps([str(x) for x in t.sys_tags()]))"
    assert metadata(wheel, "WHEEL")["Tag"] in in_qemu(tags, path=ARM / "audit")


CLASSIFY = """
import json, platform, sys
import hvit_edge
classifier = hvit_edge.Classifier(sys.argv[1], threads=1)
test = classifier.self_test()
print(json.dumps({
    "machine": platform.machine(),
    "predictions": [(p.label, p.index, p.score) for p in classifier(sys.argv[2])],
    "logits": classifier.logits(sys.argv[2]).tolist(),
    "self_test": [test.passed, test.top1_agree],
}))
"""


@needs_qemu
def test_a_photo_is_classified_in_qemu(tiny_artifact):
    photo = bundled_photos()[0]
    there = in_qemu(CLASSIFY, tiny_artifact, photo)
    here = hvit_edge.Classifier(tiny_artifact, threads=1)
    assert (there["machine"], there["self_test"]) == ("aarch64", [True, True])
    for (label, index, score), expected in zip(there["predictions"], here(photo), strict=True):
        assert (label, index) == (expected.label, expected.index)
        assert score == pytest.approx(expected.score, abs=1e-6)
    logits = here.logits(photo)
    np.testing.assert_allclose(there["logits"], logits, rtol=0, atol=1e-5 * abs(logits).max())


@needs_qemu
def test_both_runtimes_give_the_same_bits_in_qemu():
    artifact, photo = CHECKOUT / "cpp/tests/data/native_v1.pte", bundled_photos()[0]
    full, small = (
        in_qemu(CLASSIFY, artifact, photo, HVIT_EDGE_RUNTIME=name) for name in ("full", "small")
    )
    assert small == full
    assert small["self_test"] == [True, True]


@needs_qemu
def test_a_bad_artifact_is_refused_in_qemu(tmp_path):
    (tmp_path / "a.pte").write_bytes(b"x" * 1000)
    program = (
        "import json, sys, hvit_edge\n"
        "try: hvit_edge.Session(sys.argv[1])\n"
        "except Exception as e: print(json.dumps([type(e).__name__, str(e)]))"
    )
    name, message = in_qemu(program, tmp_path / "a.pte")
    assert name == "ArtifactError"
    assert message.startswith("[Session.load] expected ")
