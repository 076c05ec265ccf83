"""A stripped program runs as before, and has the symbols that QEMU's counter looks for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools/strip_symbols.py"
SOURCE = """
#include <cstdio>
extern "C" __attribute__((noinline)) int mark(int x) { return x + 1; }
static __attribute__((noinline)) int secret_name(int x) { return 2 * x; }
int main(int count, char**) { std::printf("%d", mark(secret_name(count + 3))); }
"""
COMPILERS = {
    "this machine": (["c++"], []),
    "aarch64": (["aarch64-linux-gnu-g++", "-static"], ["qemu-aarch64"]),
}


def strip(path, names):
    """Strip a program in place; return what the script says on stderr."""
    kept = path.parent / "kept.txt"
    kept.write_text("\n".join(names))
    command = [sys.executable, SCRIPT, path, kept]
    return subprocess.run(command, capture_output=True, text=True).stderr


@pytest.fixture(params=COMPILERS)
def program(request, tmp_path):
    """A program with its symbols, and the command that runs it."""
    compiler, emulator = COMPILERS[request.param]
    if shutil.which(compiler[0]) is None or (emulator and shutil.which(emulator[0]) is None):
        pytest.skip(f"needs {compiler[0]}; make packages-arm")
    source, path = tmp_path / "main.cpp", tmp_path / "program"
    source.write_text(SOURCE)
    subprocess.run([*compiler, "-g", "-O1", source, "-o", path], check=True)
    return path, [*emulator, path]


def symbols(path):
    done = subprocess.run(
        ["readelf", "--wide", "--syms", path], capture_output=True, text=True, check=True
    )
    table = done.stdout.partition("'.symtab'")[2]
    rows = [line.split() for line in table.splitlines()[2:]]
    return {row[7]: row[:7] for row in rows if len(row) > 7}


@pytest.mark.skipif(shutil.which("readelf") is None, reason="needs readelf; Debian: binutils")
def test_named_symbols_stay(program):
    path, command = program
    before = symbols(path)
    assert {"mark", "main"} <= set(before)
    size = path.stat().st_size
    assert strip(path, ["mark", "main"]) == ""
    after = symbols(path)
    assert set(after) == {"mark", "main"}
    for name, (_, address, *described, _) in after.items():
        assert address == before[name][1]
        assert described == before[name][2:6]  # size, type, binding and visibility
    assert path.stat().st_size < size
    assert b"secret_name" not in path.read_bytes()
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"9"


def test_headers_of_sections_are_those_of_the_program(program):
    path, _ = program
    read = ["readelf", "--wide", "--sections", "--segments", path]
    lines = subprocess.run(read, capture_output=True, text=True, check=True).stdout.splitlines()
    text = next(line.split()[2:] for line in lines if "] .text " in line)
    assert strip(path, ["mark"]) == ""
    done = subprocess.run(read, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert text in [line.split()[2:] for line in done.stdout.splitlines()]


def test_a_missing_symbol_is_refused(program):
    path, _ = program
    before = path.read_bytes()
    assert strip(path, ["mark", "unseen", "unmark"]) == (
        "[strip_symbols] expected the symbols unmark, unseen, got none of them; link the program"
        " with its symbols\n"
    )
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh", b"\x7fELF\x02\x02" + bytes(60)])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "program"
    path.write_bytes(content)
    assert strip(path, ["mark"]) == (
        "[strip_symbols] expected a little-endian ELF program, got another file; give one\n"
    )
