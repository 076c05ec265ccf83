"""Targets and precisions are combined, checked and named before any work."""

from pathlib import Path

import pytest

from hvit_edge.compiler.combinations import combinations, options_of, outputs_of
from hvit_edge.errors import InputError
from hvit_edge.sources.address import check_address


def test_each_target_in_each_precision():
    assert combinations(["native", "coreml"], ["fp32", "int8"]) == [
        ("native", "fp32"),
        ("native", "int8"),
        ("coreml", "fp32"),
        ("coreml", "int8"),
    ]


def test_the_defaults_of_the_targets():
    assert combinations(("xnnpack", "coreml"), ()) == [("xnnpack", "fp32"), ("coreml", "fp16")]


@pytest.mark.parametrize(
    ("targets", "precisions", "message"),
    [
        (
            ["native", "coreml"],
            ["fp32", "w8", "auto"],
            "got native w8, native auto, coreml auto; compile these targets separately: native has"
            " fp32, fp16, int8, int8-dynamic; coreml has fp16, fp32, w8, w6, w4, int8",
        ),
        (["xnnpack", "tpu"], [], "expected some of xnnpack, native, coreml, coreml-pte, got 'tpu'"),
        ([], [], "got none"),
        (["native", "native"], [], "got native twice; leave out the second"),
        (["native"], ["fp32", "int8", "fp32"], "got fp32 twice"),
        ("native", [], "targets: expected a list of names, got 'native'"),
        (["native"], "fp32", "precisions: expected a list of names, got 'fp32'"),
    ],
)
def test_wrong_combinations_are_refused(targets, precisions, message):
    with pytest.raises(InputError) as caught:
        combinations(targets, precisions)
    assert message in str(caught.value)


WANTED = [("xnnpack", "fp32"), ("native", "int8"), ("coreml", "fp16")]


def test_options_go_to_the_combinations_that_have_them():
    given = {"calib_data": "photos", "cpu": "arm", "ios": 18, "min_delegated": 0.0, "plan": None}
    assert options_of(WANTED, given) == [
        {"cpu": "arm", "min_delegated": 0.0},
        {"calib_data": "photos", "cpu": "arm", "min_delegated": 0.0},
        {"ios": 18},
    ]


def test_an_option_that_no_combination_has_is_refused():
    with pytest.raises(InputError, match=r"native int8.* has, got ios, max_drop; leave it out"):
        options_of(WANTED[:2], {"ios": 17, "max_drop": 0.5, "cpu": "any"})


def test_an_option_that_does_not_exist_is_a_type_error():
    with pytest.raises(TypeError, match="argument 'calib_dta'; did you mean 'calib_data'"):
        options_of(WANTED, {"calib_dta": "photos"})


def test_outputs_in_the_current_folder_and_in_another(tmp_path):
    names = ["swin_t-xnnpack-fp32.pte", "swin_t-native-int8.pte", "swin_t-coreml-fp16.mlpackage"]
    assert outputs_of(check_address("swin_t", "compile"), WANTED, None) == [
        Path(name) for name in names
    ]
    assert outputs_of(check_address("swin_t", "compile"), WANTED, tmp_path) == [
        tmp_path / name for name in names
    ]


def test_outputs_by_a_pattern():
    found = outputs_of(check_address("swin_t", "compile"), WANTED, "out/{precision}/v1.2-{target}")
    assert list(map(str, found)) == [
        "out/fp32/v1.2-xnnpack.pte",
        "out/int8/v1.2-native.pte",
        "out/fp16/v1.2-coreml.mlpackage",
    ]
    assert outputs_of(check_address("swin_t", "compile"), WANTED[:2], "{target}.pte") == [
        Path("xnnpack.pte"),
        Path("native.pte"),
    ]


@pytest.mark.parametrize(
    ("wanted", "output", "message"),
    [
        (
            WANTED,
            "model.pte",
            "expected a folder, or a pattern with {target} and {precision} for 3",
        ),
        (WANTED, "no/such/folder", "got no/such/folder; create the folder, or name the files such"),
        ([("native", "fp32"), ("native", "int8")], "{target}", "which gives 1; use {target} and"),
        ([("native", "fp32"), ("xnnpack", "fp32")], "{precision}.pte", "gives 2 names, got"),
    ],
)
def test_names_that_collide_are_refused(wanted, output, message):
    with pytest.raises(InputError) as caught:
        outputs_of(check_address("swin_t", "compile"), wanted, output)
    assert message in str(caught.value)
