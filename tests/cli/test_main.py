"""Verbs, help, exit codes and error lines, which all commands share."""

import subprocess
import sys

import pytest

from hvit_edge import __version__, cli
from hvit_edge.boundary.crash_report import how_to_report
from hvit_edge.cli import main
from hvit_edge.errors import (
    DelegationError,
    DeviceError,
    InputError,
    InternalError,
    ParityError,
)


def fail_with(monkeypatch, error):
    """Let `hvit-edge doctor` raise `error` while it works."""

    def raise_error():
        raise error

    monkeypatch.setattr("hvit_edge.doctor.examine", raise_error)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"hvit-edge {__version__}\n", "")


def test_help_names_every_verb_and_exits_with_0(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {verb} " in out for verb in cli.VERBS)
    assert "130 interrupted" in out


def test_no_verb_shows_help_and_is_a_usage_error(capsys):
    assert main([]) == 2
    assert "usage: hvit-edge VERB" in capsys.readouterr().out


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help(verb, capsys):
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: hvit-edge {verb} ")
    assert "--format {text,json}" in out and "--verbose" in out


def test_misspelt_verb_gets_a_suggestion(capsys):
    assert main(["comple", "mobilevit_xs"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "error: [hvit-edge] expected a verb, got 'comple'; did you mean 'compile'? known:"
        f" {', '.join(cli.VERBS)}\n"
    )


def test_unlike_verb_gets_the_list_alone(capsys):
    assert main(["zzz"]) == 2
    err = capsys.readouterr().err
    assert "known: list" in err and "did you mean" not in err


def test_option_before_the_verb_is_refused(capsys):
    assert main(["--format", "json", "list"]) == 2
    assert "expected a verb first, got the option --format" in capsys.readouterr().err


def test_misspelt_options_get_suggestions_together(capsys):
    assert main(["run", "a.pte", "b.jpg", "--tpo-k", "3", "--fromat=json", "--zzz"]) == 2
    assert capsys.readouterr().err == (
        "error: [hvit-edge run] unknown option --tpo-k (did you mean '--top-k'?), unknown option"
        " --fromat (did you mean '--format'?), unknown option --zzz; see `hvit-edge run --help`\n"
    )


def test_options_are_not_abbreviated(capsys):
    assert main(["run", "a.pte", "b.jpg", "--top", "3"]) == 2
    assert "unknown option --top" in capsys.readouterr().err


def test_surplus_argument_is_refused(capsys):
    assert main(["inspect", "a.pte", "b.pte"]) == 2
    assert "expected no further argument, got 'b.pte'" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["compile", "run", "validate", "eval", "inspect", "bench"])
def test_missing_argument_is_named(verb, capsys):
    assert main([verb]) == 2
    named = {"compile": "MODEL", "bench": "FILE.pte"}.get(verb, "ARTIFACT")
    err = capsys.readouterr().err
    assert f"[hvit-edge {verb}]" in err and f"required: {named}" in err


def test_misspelt_format_gets_a_suggestion(capsys):
    assert main(["doctor", "--format", "jsn"]) == 2
    assert "expected text or json, got 'jsn'; did you mean 'json'?" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["run", "validate", "bench", "eval"])
@pytest.mark.parametrize("threads", ["-1", "two", "1.5"])
def test_impossible_threads_are_refused(verb, threads, capsys):
    assert main([verb, "a.pte", "--threads", threads]) == 2
    assert (
        "argument --threads: expected 0 (chosen by the machine) or more, got " + threads
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("[x] wrong"), 2),
        (ParityError("[x] wrong"), 3),
        (DelegationError("[x] wrong"), 4),
        (DeviceError("[x] wrong"), 5),
    ],
)
def test_foreseen_errors_are_one_line_with_their_own_code(monkeypatch, capsys, error, code):
    fail_with(monkeypatch, error)
    assert main(["doctor", "--format", "json"]) == code
    assert capsys.readouterr() == ("", "error: [x] wrong\n")


def raised(error, cause=None):
    """Return `error` after `raise error from cause`."""
    try:
        raise error from cause
    except type(error) as caught:
        return caught


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("by nought\nmore"),
        raised(InternalError("[compile] bug"), ZeroDivisionError("by nought")),
    ],
    ids=["raw", "of a public function"],
)
def test_unforeseen_errors_are_one_line_with_a_file_of_details(
    monkeypatch, capsys, tmp_path, error
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fail_with(monkeypatch, error)
    assert main(["doctor", "--format", "text"]) == 1
    (report,) = tmp_path.iterdir()
    assert capsys.readouterr() == (
        "",
        "error: [hvit-edge doctor] unforeseen ZeroDivisionError: by nought; "
        f"{how_to_report()} with {report}, which has the details\n",
    )
    text = report.read_text()
    assert text.startswith("command: hvit-edge doctor --format text\ndoing: hvit-edge doctor\n")
    assert "ZeroDivisionError: by nought" in text


def test_the_step_that_failed_is_named(monkeypatch, capsys, tmp_path):
    def fail(args, console):
        console.begin("lower")
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("hvit_edge.cli.doctor.execute", fail)
    assert main(["doctor"]) == 1
    assert "error: [hvit-edge doctor, step lower] unforeseen Zero" in capsys.readouterr().err


def test_without_a_place_for_details_the_sentence_remains(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    fail_with(monkeypatch, ZeroDivisionError("by nought"))
    assert main(["doctor"]) == 1
    assert capsys.readouterr().err.endswith(f"{how_to_report()} with the output of -v\n")


def test_too_little_memory_is_no_bug(monkeypatch, capsys):
    fail_with(monkeypatch, MemoryError())
    assert main(["doctor"]) == 1
    assert capsys.readouterr().err == (
        "error: [hvit-edge doctor] expected more memory, got MemoryError; free memory\n"
    )


@pytest.mark.parametrize("error", [ZeroDivisionError("by nought"), InputError("[x] wrong")])
def test_v_shows_where_an_error_happened(monkeypatch, capsys, error):
    fail_with(monkeypatch, error)
    main(["doctor", "-v"])
    err = capsys.readouterr().err
    assert "Traceback" in err and "raise_error" in err
    assert err.splitlines()[-1].startswith("error: [")


def test_interrupt_exits_with_130(monkeypatch, capsys):
    fail_with(monkeypatch, KeyboardInterrupt())
    assert main(["doctor"]) == 130
    assert capsys.readouterr() == ("", "error: [hvit-edge] interrupted\n")


@pytest.mark.parametrize("package", ["torch", "safetensors", "huggingface_hub"])
def test_missing_compile_package_names_the_extra(monkeypatch, capsys, package):
    fail_with(monkeypatch, ModuleNotFoundError(f"No module named '{package}'", name=package))
    assert main(["doctor"]) == 2
    err = capsys.readouterr().err
    assert f"expected the Python package {package}" in err
    assert "pip install 'hvit-edge[compile]'" in err


def test_other_missing_package_is_unforeseen(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fail_with(monkeypatch, ModuleNotFoundError("No module named 'tomorrow'", name="tomorrow"))
    assert main(["doctor"]) == 1
    assert "unforeseen ModuleNotFoundError" in capsys.readouterr().err


def test_reader_that_leaves_early_makes_no_noise():
    process = subprocess.Popen(
        [sys.executable, "-m", "hvit_edge.cli", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() in (0, 1)


def test_import_is_light():
    code = (
        "import sys, hvit_edge.cli; print([m for m in ('torch', 'executorch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
