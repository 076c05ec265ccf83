"""The library of the Android package, as `make android-link` compiles and links it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = "libhvit_edge_jni.so"
LIMIT = 700_000  # bytes
PAGE = {"arm64-v8a": 1 << 14, "armeabi-v7a": 1 << 12, "x86_64": 1 << 12}  # at least

pytestmark = pytest.mark.nightly


@pytest.fixture(params=PAGE)
def abi(request):
    if not (ROOT / "build/android" / request.param / "linked").exists():
        pytest.skip("needs make android-link")
    return request.param


def library(abi: str) -> Path:
    return ROOT / "build/android" / abi / LIBRARY


def read(abi: str, option: str) -> list[list[str]]:
    done = subprocess.run(
        ["readelf", "-W", option, library(abi)], capture_output=True, text=True, check=True
    )
    return [line.split() for line in done.stdout.splitlines()]


def test_it_is_small(abi, record_property):
    size = library(abi).stat().st_size
    record_property("measured", f"Android's library for {abi}: {size / 1e3:.0f} kB")
    assert size <= LIMIT


def test_pages_are_as_large_as_phones_need(abi):
    loads = [row for row in read(abi, "-l") if row[:1] == ["LOAD"]]
    assert loads
    assert min(int(row[-1], 16) for row in loads) >= PAGE[abi]


def test_it_needs_the_c_library_alone(abi):
    needed = [row[-1].strip("[]") for row in read(abi, "-d") if "(NEEDED)" in row]
    assert needed == ["libc.so"]


def test_it_exports_its_entry_alone(abi):
    rows = read(abi, "--dyn-syms")
    defined = [row[7] for row in rows if len(row) == 8 and row[4] == "GLOBAL" and row[6] != "UND"]
    assert defined == ["JNI_OnLoad"]


def test_crash_reports_can_name_the_callers(abi):
    """Tables that unwind the stack are there, although there are no exceptions."""
    sections = {word for row in read(abi, "-S") for word in row}
    assert sections & {".eh_frame", ".ARM.exidx"}
