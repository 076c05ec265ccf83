import pytest

from hvit_edge.errors import InputError, MissingPackageError
from hvit_edge.hints import on_command_line, worded


@pytest.mark.parametrize(
    ("message", "option", "argument"),
    [
        ("pass --weights FILE (weights=)", "pass --weights FILE", "pass weights="),
        ("or --force (force=True).", "or --force.", "or force=True."),
        (
            "pass --calib-data DIR or NPZ (calib_data=...) with",
            "pass --calib-data DIR or NPZ with",
            "pass calib_data=... with",
        ),
        (
            "--input-size (input_size=) or --preprocess (preprocess=Preprocess(...)) alone",
            "--input-size or --preprocess alone",
            "input_size= or preprocess=Preprocess(...) alone",
        ),
        ("--weights a.pt (a file)", "--weights a.pt (a file)", "--weights a.pt (a file)"),
        (
            "give --mean R,G,B and --std R,G,B (preprocess={'mean': ...}), or --plan FILE or auto"
            " (plan=)",
            "give --mean R,G,B and --std R,G,B, or --plan FILE or auto",
            "give --mean R,G,B and preprocess={'mean': ...}, or plan=",
        ),
        ("--device alone", "--device alone", "--device alone"),
    ],
)
def test_a_remedy_is_worded_for_its_reader(message, option, argument):
    assert worded(message) == argument
    with on_command_line():
        assert worded(message) == option
    assert worded(message) == argument


def test_errors_are_worded_even_when_they_are_quoted():
    inner = InputError("[x] pass --labels FILE (labels=)")
    assert str(inner) == "[x] pass labels="
    with on_command_line():
        assert str(InputError(f"{inner}; done")) == "[x] pass --labels FILE; done"
    missing = MissingPackageError("[x] pass --arg A (args=)", name="timm")
    assert str(missing) == "[x] pass args=" and missing.name == "timm"
