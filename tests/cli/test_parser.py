"""Value types of the options."""

import argparse

import pytest

from hvit_edge.cli import parser, text


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (parser.whole_number(0), "0", 0),
        (parser.share, "0", 0.0),
        (parser.share, "1", 1.0),
        (parser.tolerance, "1e-4", 1e-4),
        (parser.image_size, "256", (256, 256)),
        (parser.image_size, "224x320", (224, 320)),
        (parser.image_size, "224X320", (224, 320)),
        (parser.choice("a", "b"), "b", "b"),
    ],
)
def test_values(kind, given, value):
    assert kind(given) == value


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (parser.whole_number(1), "0", "expected a whole number of at least 1, got 0"),
        (parser.whole_number(1), "1.5", "expected a whole number of at least 1, got 1.5"),
        (parser.whole_number(1), "", "expected a whole number of at least 1, got "),
        (parser.share, "1.01", "expected a share from 0 to 1, got 1.01"),
        (parser.share, "-0.1", "expected a share from 0 to 1, got -0.1"),
        (parser.share, "nan", "expected a share from 0 to 1, got nan"),
        (parser.share, "all", "expected a share from 0 to 1, got all"),
        (parser.tolerance, "0", "expected a number greater than 0, got 0"),
        (parser.tolerance, "inf", "expected a number greater than 0, got inf"),
        (parser.tolerance, "nan", "expected a number greater than 0, got nan"),
        (parser.image_size, "0", "in pixels, got '0'"),
        (parser.image_size, "224x", "in pixels, got '224x'"),
        (parser.image_size, "1x2x3", "in pixels, got '1x2x3'"),
        (parser.image_size, "-5", "in pixels, got '-5'"),
        (parser.choice("a", "b", "c"), "d", "expected a, b or c, got 'd'"),
        (parser.choice("text", "json"), "jso", "got 'jso'; did you mean 'json'?"),
    ],
)
def test_refusals(kind, given, message):
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        kind(given)
    assert message in str(caught.value)


def test_table_aligns():
    rows = [("cat", "1", "x"), ("camel", "10", "yy")]
    assert text.table(("class", "n", "where"), rows, left=(0, 2)) == (
        "  class   n  where\n  cat     1  x\n  camel  10  yy"
    )


def test_fields_keep_long_values_in_their_column():
    assert text.fields([("a", 1), ("long", "x\ny")]) == "  a     1\n  long  x\n        y"


@pytest.mark.parametrize(("value", "shown"), [(1023, "1.0 KiB"), (3 * 2**20, "3.0 MiB")])
def test_sizes(value, shown):
    assert text.size(value) == shown
