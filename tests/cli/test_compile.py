"""`hvit-edge compile`: options, refusals, output, exit codes."""

import inspect
import signal
import subprocess
import sys
import warnings
from types import SimpleNamespace

import pytest

from hvit_edge.cli import compile as verb
from hvit_edge.cli import main
from hvit_edge.compiler import compile_model as compiler
from hvit_edge.compiler.request import SUFFIXES
from hvit_edge.errors import DelegationError, InputError
from hvit_edge.precision import TARGET_PRECISIONS
from hvit_edge.preprocess import Preprocess
from hvit_edge.targets import target_named
from hvit_edge.tasks import Embed
from hvit_edge.weights.preprocess_choice import PreprocessChoice

DEFAULTS = inspect.signature(compiler.compile).parameters


def refuse(capsys, *arguments):
    """Run a compilation that must fail as bad input, and return its error line."""
    assert main(["compile", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.fixture
def requests(monkeypatch):
    """Return the arguments that reach the compiler, which raises an error."""
    seen = []

    def record(model, **options):
        seen.append((model, options))
        raise InputError("[test] enough")

    monkeypatch.setattr(compiler, "compile", record)
    monkeypatch.setattr(verb, "check_compile", lambda *_, **__: None)  # the compiler checks too
    return seen


def test_every_target_that_can_be_named_is_one():
    for name in TARGET_PRECISIONS:
        assert target_named(name).name == name
    assert set(SUFFIXES) == set(TARGET_PRECISIONS)


def test_options_reach_the_compiler(requests, tmp_path):
    (tmp_path / "labels.txt").write_text("cat\nfire engine\n")
    (tmp_path / "p.json").write_text('{"input_size": [64, 96], "resize": "stretch"}')
    arguments = (
        f"compile swin_t --target xnnpack --precision fp32 --weights random --num-classes 2"
        f" --input-size 64x96 --labels {tmp_path / 'labels.txt'} --min-delegated 0.5 --rtol 1e-3"
        f" -o out.pte --force --cpu arm --calib-data photos --calib-samples 40"
        f" --weights-key ema --preprocess {tmp_path / 'p.json'} --arg width=3 --arg name=a"
    )
    assert main(arguments.split()) == 2
    ((model, options),) = requests
    assert callable(options.pop("on_step")) and callable(options.pop("progress"))
    assert (model.text, options) == (
        "swin_t",
        {
            "target": "xnnpack",
            "precision": "fp32",
            "weights": "random",
            "weights_key": "ema",
            "preprocess": PreprocessChoice(Preprocess((64, 96), "stretch"), source="p.json"),
            "args": {"width": 3, "name": "a"},
            "num_classes": 2,
            "input_size": (64, 96),
            "input_sizes": None,
            "batches": None,
            "labels": ["cat", "fire engine"],
            "output": "out.pte",
            "force": True,
            "ios": None,
            "compute_units": None,
            "cpu": "arm",
            "min_delegated": 0.5,
            "rtol": 1e-3,
            "calib_data": "photos",
            "calib_samples": 40,
            "eval_data": None,
            "max_drop": None,
            "plan": None,
            "cost_profile": None,
            "force_inexact": False,
            "inputs": None,
            "cache": True,
            "on": None,
            "task": None,
        },
    )


@pytest.mark.parametrize(
    ("given", "task"),
    [
        ("--task embed", "embed"),
        ("--task embed --normalize none", Embed("none")),
        ("--task embed --normalize l2", Embed("l2")),
        ("--task classify", "classify"),
    ],
)
def test_the_task_reaches_the_compiler(requests, given, task):
    main(["compile", "swin_t", *given.split()])
    ((_, options),) = requests
    assert options["task"] == task


def test_single_fields_of_the_preprocessing_reach_the_compiler(requests):
    fields = "--mean 0.5 --std 0.2,0.25,0.3 --resize stretch:280 --interpolation lanczos"
    main(["compile", "swin_t", "--preprocess", "timm", *fields.split(), "--channel-order", "BGR"])
    ((_, options),) = requests
    assert options["preprocess"] == PreprocessChoice(
        named="timm",
        fields={
            "mean": (0.5, 0.5, 0.5),
            "std": (0.2, 0.25, 0.3),
            "resize": "stretch",
            "resize_size": 280,
            "interpolation": "lanczos",
            "channel_order": "BGR",
        },
    )


def test_options_of_coreml_reach_the_compiler(requests):
    options = "--target coreml --ios 18 --compute-units cpu-ne --precision w6"
    main(["compile", "swin_t", *options.split()])
    ((_, options),) = requests
    asked = {name: options[name] for name in ("target", "ios", "compute_units", "precision")}
    assert asked == {"target": "coreml", "ios": 18, "compute_units": "cpu-ne", "precision": "w6"}


def test_nothing_is_asked_for_that_the_user_did_not_ask_for(requests):
    main(["compile", "swin_t"])
    ((_, options),) = requests
    asked = {name for name, value in options.items() if value not in (None, False)}
    assert asked == {"target", "calib_samples", "progress", "on_step", "cache"}
    for name in ("target", "calib_samples", "cache"):
        assert options[name] == DEFAULTS[name].default


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--target xnpack", "or coreml-pte, got 'xnpack'; did you mean 'xnnpack'?"),
        ("--precision int4", "int8, int8-dynamic, auto, w8, w6, w4, got 'int4'"),
        ("--target coreml --ios 16", "--ios: invalid choice: 16 (choose from 17, 18)"),
        ("--target coreml --compute-units gpu", "--compute-units: expected all, cpu, cpu-gpu or c"),
        ("--precision fp23", "got 'fp23'; did you mean 'fp32'?"),
        (
            "--calib-samples 40",
            "--calib-samples: expected together with --calib-data, got it alone; add --calib-data",
        ),
        ("--calib-data x --calib-samples 0", "expected a whole number of at least 1, got 0"),
        ("--num-classes 0", "--num-classes: expected a whole number of at least 1, got 0"),
        ("--input-size tiny", "--input-size: expected a side such as 256"),
        ("--min-delegated 2", "--min-delegated: expected a share from 0 to 1, got 2"),
        ("--mean 1,2", "--mean: expected three numbers such as 0.485,0.456,0.406"),
        ("--std nan", "--std: expected three numbers"),
        ("--resize wide", "--resize: expected the shorter side in pixels such as 256, stretch, or"),
        ("--channel-order GRB", "--channel-order: expected RGB or BGR, got 'GRB'"),
        ("--arg width", "--arg: expected key=value with a name as key, got 'width'"),
        ("--rtol -1", "--rtol: expected a number greater than 0, got -1"),
        ("--wieghts random", "unknown option --wieghts (did you mean '--weights'?)"),
        ("--labels no/such.txt", "text file with one class name per line, got no/"),
    ],
)
def test_refusals_before_any_work(requests, capsys, arguments, message):
    assert message in refuse(capsys, "mobilevit_xxs", *arguments.split())
    assert requests == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected one class name per line, got an empty file"),
        (b"cat\n\ndog\n \n", "got blank lines: 2, 4"),
        (b"\xff\xfe\x00", "expected a UTF-8 text file"),
    ],
)
def test_unfit_labels_are_refused(requests, capsys, tmp_path, content, message):
    (tmp_path / "labels.txt").write_bytes(content)
    assert message in refuse(capsys, "swin_t", "--labels", str(tmp_path / "labels.txt"))
    assert requests == []


def test_labels_with_a_byte_order_mark(requests, tmp_path):
    (tmp_path / "labels.txt").write_text("\ufeffcat\r\ndog", encoding="utf-8")
    main(["compile", "swin_t", "--labels", str(tmp_path / "labels.txt")])
    assert requests[0][1]["labels"] == ["cat", "dog"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--precision int8", "expected photos with int8, got none; pass --calib-data DIR or NPZ"),
        ("--precision fp16 --calib-data d", "calibration data: expected none with fp16"),
        ("--calib-data d", "calibration data: expected none with fp32"),
        ("--precision int8 --calib-data d --calib-samples 8", "--calib-samples"),
    ],
)
def test_calibration_that_does_not_fit_the_precision(capsys, tmp_path, arguments, message):
    output = ["-o", str(tmp_path / "a.pte")]
    assert message in refuse(capsys, "mobilevit_xxs", *arguments.split(), *output)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verbose", [[], ["-v"]])
@pytest.mark.parametrize(
    "notice",
    [
        "[calibration] photos: expected 128 images or more",
        "[datasets] photos: expected 128 images or more",
        "[weights] preprocessing assumed: RGB",
    ],
)
def test_notices_are_shown_once_even_where_the_compilation_fails(
    monkeypatch, capsys, verbose, notice
):
    def warn_and_fail(model, **options):
        warnings.warn(notice, stacklevel=1)
        warnings.warn("of another package", stacklevel=1)
        raise InputError("[test] enough")

    monkeypatch.setattr(compiler, "compile", warn_and_fail)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", message="of another")
        err = refuse(capsys, "swin_t", *verbose)
    assert err.count(notice) == 1
    assert f"warning: {notice}\n" in err
    assert "warning: of another package" not in err


def test_misspelt_model_gets_a_suggestion(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    err = refuse(capsys, "mobilvit_xs", "--weights", "random")
    assert "got 'mobilvit_xs'; did you mean 'mobilevit_xs'? known: conformer1d_s" in err
    assert list(tmp_path.iterdir()) == []


def test_unknown_weights_are_refused(capsys, tmp_path):
    err = refuse(capsys, "mobilevit_xxs", "--weights", "cifar01", "-o", str(tmp_path / "a.pte"))
    assert "cifar01" in err and "cifar10" in err


def test_existing_output_is_refused_and_untouched(capsys, tmp_path):
    path = tmp_path / "a.pte"
    path.write_bytes(b"precious")
    err = refuse(capsys, "mobilevit_xxs", "--weights", "random", "-o", str(path))
    assert "--force" in err and str(path) in err
    assert path.read_bytes() == b"precious"


def test_missing_output_folder_is_refused(capsys, tmp_path):
    err = refuse(capsys, "mobilevit_xxs", "--weights", "random", "-o", str(tmp_path / "no/a.pte"))
    assert f"expected an existing folder, got {tmp_path / 'no'}" in err


def test_missed_delegation_gate_exits_with_4(monkeypatch, capsys):
    def fail(model, **options):
        raise DelegationError("[compile] expected 1.0 delegated, got 0.5")

    monkeypatch.setattr(compiler, "compile", fail)
    assert main(["compile", "swin_t"]) == 4
    assert capsys.readouterr() == ("", "error: [compile] expected 1.0 delegated, got 0.5\n")


@pytest.mark.slow
def test_missed_parity_gate_exits_with_3_and_writes_nothing(capsys, tmp_path):
    path = tmp_path / "a.pte"
    arguments = f"compile mobilevit_xxs --weights cifar10 --rtol 1e-12 -o {path} --format json"
    assert main(arguments.split()) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("error: [")
    assert list(tmp_path.iterdir()) == []


def test_json_report_is_alone_on_stdout(artifact):
    report = artifact.report
    assert report["model"] == "mobilevit_xxs"
    assert report["path"] == str(artifact.path)
    assert report["bytes"] == artifact.path.stat().st_size
    assert (report["delegates"], report["ops_outside"]) == (1, [])
    assert report["parity"]["max_rel"] <= 1e-4
    assert report["parity"]["top1_agree"] is True


def test_stderr_has_the_steps_alone(artifact):
    lines = artifact.stderr.splitlines()
    assert len(lines) >= 3
    assert all(line.endswith(" ...") for line in lines), "no warnings of other packages"


def test_output_has_a_default_name(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mobilevit_xxs-xnnpack-fp32.pte").touch()
    err = refuse(capsys, "mobilevit_xxs", "--weights", "random")
    assert "got an existing one: mobilevit_xxs-xnnpack-fp32.pte" in err


def test_text_report(artifact, capsys, monkeypatch):
    report = SimpleNamespace(to_dict=lambda: {**artifact.report, "path": "my file.pte"})
    monkeypatch.setattr(compiler, "compile", lambda *_, **__: SimpleNamespace(report=report))
    assert main(["compile", "mobilevit_xxs", "--weights", "cifar10"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Compiled mobilevit_xxs for xnnpack in fp32, ")
    size = f"{artifact.report['bytes'] / 2**20:.1f} MiB"
    assert f"  artifact           my file.pte, {size}\n" in out
    assert "  delegates          1\n  operators outside  none of " in out
    assert "left out" not in out
    assert [line.split()[0] for line in out.splitlines() if line.endswith("  ok")] == [
        step["name"] for step in artifact.report["steps"]
    ]
    assert out.endswith(
        "Next:\n"
        "  hvit-edge run 'my file.pte' PHOTO\n"
        "  hvit-edge validate 'my file.pte'\n"
        "  hvit-edge bench 'my file.pte'\n"
    )


def test_text_report_counts_the_calibration_images(artifact, capsys, monkeypatch, tmp_path):
    data = str(tmp_path)
    calibration = {"images": 40, "skipped": [], "notices": []}
    report = SimpleNamespace(to_dict=lambda: {**artifact.report, "calibration": calibration})
    monkeypatch.setattr(compiler, "compile", lambda *_, **__: SimpleNamespace(report=report))
    assert main(["compile", "mobilevit_xxs", "--precision", "int8", "--calib-data", data]) == 0
    assert "  calibration        40 images\n" in capsys.readouterr().out


def test_text_report_names_the_rewrites_that_failed(artifact, capsys, monkeypatch):
    left_out = [
        {"rewrite": "fold_scale", "reason": "KeyError: 'scale'"},
        {"rewrite": "replace_mean", "reason": "IndexError: no channel 111\nof 8"},
    ]
    report = SimpleNamespace(to_dict=lambda: {**artifact.report, "rewrites_left_out": left_out})
    monkeypatch.setattr(compiler, "compile", lambda *_, **__: SimpleNamespace(report=report))
    assert main(["compile", "mobilevit_xxs", "--weights", "cifar10"]) == 0
    lines = (
        "  rewrites left out  fold_scale: KeyError: 'scale'\n"
        "                     replace_mean: IndexError: no channel 111\n"
    )
    assert f"{lines}\nParity" in capsys.readouterr().out


def test_text_report_says_that_a_program_is_lowered_plainly(artifact, capsys, monkeypatch):
    reason = "LoweringError: [targets] no such thing"
    report = SimpleNamespace(to_dict=lambda: {**artifact.report, "fallback": reason})
    monkeypatch.setattr(compiler, "compile", lambda *_, **__: SimpleNamespace(report=report))
    assert main(["compile", "mobilevit_xxs", "--weights", "cifar10"]) == 0
    assert f"  lowered plainly    {reason}\n\nParity" in capsys.readouterr().out


def test_interrupt_leaves_no_file(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "hvit_edge.cli", "compile", "mobilevit_xxs", "--weights", "cifar10"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A job started in the background inherits an ignored SIGINT; a user's shell does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    for line in process.stderr:
        if line.startswith("export"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    # A shell shows 130 in both cases. If the interrupt passes through exec("..."), the signal
    # itself ends Python.
    assert process.returncode in (130, -signal.SIGINT), err
    assert out == ""
    assert err.splitlines()[-1] == "error: [hvit-edge] interrupted"
    assert list(tmp_path.iterdir()) == []


def test_the_peak_memory_is_reported(artifact, capsys, monkeypatch):
    report = {**artifact.report, "peak_memory_bytes": 3 * 2**29}
    made = SimpleNamespace(report=SimpleNamespace(to_dict=lambda: report))
    monkeypatch.setattr(compiler, "compile", lambda *_, **__: made)
    assert artifact.report["peak_memory_bytes"] > 2**27, "that of this process, with its libraries"
    assert main(["compile", "mobilevit_xxs", "--weights", "cifar10"]) == 0
    assert "  peak memory        1536.0 MiB\n" in capsys.readouterr().out
