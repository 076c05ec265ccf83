"""Output to stdout and stderr while other packages print."""

import json
import subprocess
import sys

import pytest

from hvit_edge.cli.console import Console

NOISY = """
import logging, os, sys, warnings
from hvit_edge.cli.console import Console

console = Console(verbose={verbose})
with console.quiet():
    print("python stdout")
    os.write(1, b"c stdout\\n")
    os.write(2, b"c stderr\\n")
    warnings.warn("third-party warning")
    logging.getLogger("third").warning("third-party log")
    heard = []
    ear = logging.getLogger("ear")
    ear.setLevel(logging.DEBUG)
    ear.addFilter(lambda record: heard.append(record) or False)
    ear.debug("collected")
    assert heard, "code that collects log records still gets them"
    handler = logging.StreamHandler()
    logging.getLogger("late").addHandler(handler)
    os.system("echo child stdout")
    print("python stderr", file=sys.stderr)
    sys.stderr.write("\\rbar 50 %")
    sys.stderr.write("\\rbar 100 %")
    sys.stderr.write("\\n")
    console.note("our note")
console.json({{"a": 1}})
logging.getLogger("late").error("after the fact")
os.write(2, b"after\\n")
"""


def run_noisy(verbose):
    done = subprocess.run(
        [sys.executable, "-c", NOISY.format(verbose=verbose)],
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"a": 1}, "stdout holds the result alone"
    return done.stderr.decode()


def test_other_packages_are_silent():
    err = run_noisy(verbose=False)
    assert err.replace("after the fact\n", "") == "\rbar 50 %\rbar 100 %\nour note\nafter\n"


def test_verbose_sends_other_packages_to_stderr():
    err = run_noisy(verbose=True)
    for line in (
        "python stdout",
        "c stdout",
        "c stderr",
        "child stdout",
        "python stderr",
        "third-party log",
    ):
        assert line in err.splitlines()
    assert "third-party warning" in err


def test_a_crash_leaves_its_trace():
    code = (
        "import os; from hvit_edge.cli.console import Console\nwith Console().quiet(): os.abort()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode < 0
    assert "Fatal Python error: Aborted" in done.stderr


def test_streams_come_back_after_an_error(capfd):
    console = Console()
    before = sys.stdout, sys.stderr, console.err
    with pytest.raises(ValueError), console.quiet():
        raise ValueError
    assert (sys.stdout, sys.stderr, console.err) == before
    console.print("result")
    console.note("note")
    assert capfd.readouterr() == ("result\n", "note\n")


def test_json_is_strict(capsys):
    Console().json({"nan": float("nan"), "inf": [float("inf")], "ok": (1.5, "ü", None, True)})
    out = capsys.readouterr().out
    assert json.loads(out, parse_constant=pytest.fail) == {
        "nan": None,
        "inf": [None],
        "ok": [1.5, "ü", None, True],
    }
