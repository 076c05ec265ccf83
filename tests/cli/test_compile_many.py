"""`hvit-edge compile` with several targets and precisions."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from hvit_edge.cli import compile as verb
from hvit_edge.cli import main
from hvit_edge.compiler import compile_many as many
from hvit_edge.compiler import compile_model as one
from hvit_edge.compiler.compile_many import Outcome
from hvit_edge.errors import InputError, LoweringError, ParityError


@pytest.fixture
def calls(monkeypatch):
    """Return the arguments that reach the two functions, which raise an error."""
    seen = []

    def record(name):
        def call(model, **options):
            seen.append((name, model, options))
            raise InputError("[test] enough")

        return call

    monkeypatch.setattr(one, "compile", record("compile"))
    monkeypatch.setattr(many, "compile_many", record("compile_many"))
    monkeypatch.setattr(verb, "check_compile", lambda *_, **__: None)  # the functions check too
    return seen


@pytest.mark.parametrize(
    ("arguments", "targets", "precisions"),
    [
        ("swin_t --target native coreml --precision fp32 int8", "native coreml", "fp32 int8"),
        ("--target native coreml swin_t", "native coreml", ""),
        ("--target native --precision fp32 int8 swin_t -o x", "native", "fp32 int8"),
        ("--target native --force --target xnnpack swin_t", "native xnnpack", ""),
        ("swin_t --precision int8 fp16", "xnnpack", "int8 fp16"),
    ],
)
def test_several(calls, arguments, targets, precisions):
    assert main(["compile", *arguments.split()]) == 2
    ((name, model, options),) = calls
    assert (name, model.name) == ("compile_many", "swin_t")
    assert options["targets"] == targets.split()
    assert options["precisions"] == precisions.split()


@pytest.mark.parametrize(
    ("arguments", "target", "precision"),
    [
        ("swin_t", "xnnpack", None),
        ("--target native swin_t", "native", None),
        ("--precision int8 swin_t --target=coreml", "coreml", "int8"),
        ("--target native --precision fp16 swin_t", "native", "fp16"),
    ],
)
def test_one_value_each_is_one_compilation(calls, arguments, target, precision):
    assert main(["compile", *arguments.split()]) == 2
    ((name, model, options),) = calls
    assert (name, model.name) == ("compile", "swin_t")
    assert (options["target"], options["precision"]) == (target, precision)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("swin_t --target native cormel", "expected no further argument, got 'cormel'"),
        ("swin_t --target cormel native", "got 'cormel'; did you mean 'coreml'?"),
        ("swin_t --precision fp32 --target", "--target: expected one argument"),
    ],
)
def test_a_wrong_value_is_named(calls, arguments, message, capsys):
    assert main(["compile", *arguments.split()]) == 2
    assert message in capsys.readouterr().err
    assert calls == []


def test_the_cache_is_used_unless_it_is_refused(calls):
    main(["compile", "swin_t"])
    main(["compile", "swin_t", "--no-cache"])
    main(["compile", "swin_t", "--no-cache", "--target", "native", "coreml"])
    assert [options["cache"] for _, _, options in calls] == [True, False, False]


def made(target: str, precision: str, reused: list[str]) -> Outcome:
    report = {
        "model": "net",
        "target": target,
        "precision": precision,
        "path": f"out/net-{target}-{precision}.pte",
        "bytes": 3 * 2**20,
        "parity": {"max_rel": 1.5e-6, "cosine": 0.99999994},
        "seconds": 12.345,
        "reused": reused,
    }
    artifact = SimpleNamespace(report=SimpleNamespace(to_dict=lambda: report))
    return Outcome(target, precision, Path(report["path"]), artifact)


@pytest.fixture
def outcomes(monkeypatch):
    found = [
        made("native", "fp32", []),
        Outcome("native", "int8", Path("out/b.pte"), error=ParityError("[test] too far")),
        Outcome("xnnpack", "fp32", Path("out/c.pte"), error=LoweringError("[test] no\nmore")),
        made("xnnpack", "int8", ["exported graph", "rewritten graph"]),
    ]
    monkeypatch.setattr(many, "compile_many", lambda *_, **__: found)
    return found


ARGUMENTS = ["compile", "swin_t", "--target", "native", "xnnpack", "--precision", "fp32", "int8"]


def test_the_table_names_the_failures(outcomes, capsys):
    assert main(ARGUMENTS) == 3, "that of the first failure"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Compiled net: 2 of 4 artifacts"
    cells = [line.split() for line in lines[2:7]]
    assert cells[0] == [
        "target",
        "precision",
        "file",
        "size",
        "max",
        "rel",
        "cosine",
        "seconds",
        "reused",
    ]
    assert cells[1] == (
        [
            "native",
            "fp32",
            "net-native-fp32.pte",
            "3.0",
            "MiB",
            "1.50e-06",
            "0.9999999",
            "12.3",
            "nothing",
        ]
    )
    assert cells[2] == ["native", "int8", "b.pte", "FAILED"]
    assert cells[3] == ["xnnpack", "fp32", "c.pte", "FAILED"]
    assert cells[4][-4:] == ["exported", "graph,", "rewritten", "graph"]
    assert lines[8:11] == [
        "Failed:",
        "  native int8: [test] too far",
        "  xnnpack fp32: [test] no",
    ]


def test_json_is_a_list(outcomes, capsys):
    assert main([*ARGUMENTS, "--format", "json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found == [one.to_dict() for one in outcomes]
    assert found[1] == {
        "target": "native",
        "precision": "int8",
        "path": "out/b.pte",
        "error": "[test] too far",
        "exit_code": 3,
    }


def test_all_well_is_zero(outcomes, capsys):
    del outcomes[1:3]
    assert main(ARGUMENTS) == 0
    out = capsys.readouterr().out
    assert "Failed" not in out and out.startswith("Compiled net: 2 of 2 artifacts")
    assert out.endswith("Next:\n  hvit-edge inspect out/net-native-fp32.pte\n")


def test_what_was_reused_is_in_the_report_of_one(monkeypatch, capsys, artifact):
    report = SimpleNamespace(to_dict=lambda: {**artifact.report, "reused": ["exported graph", "b"]})
    monkeypatch.setattr(one, "compile", lambda *_, **__: SimpleNamespace(report=report))
    assert main(["compile", "mobilevit_xxs", "--weights", "cifar10"]) == 0
    assert "  reused             exported graph, b\n" in capsys.readouterr().out
