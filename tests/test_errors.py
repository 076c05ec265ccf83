import pytest

from hvit_edge.errors import first_line, first_line_of


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("wrong"), "ValueError: wrong"),
        (ValueError("\n  wrong\nat line 3"), "ValueError: wrong"),
        (AssertionError(), "AssertionError"),
        (KeyError("w"), "KeyError: 'w'"),
    ],
)
def test_the_first_line_of_an_error_has_its_type(error, line):
    assert first_line(error) == line


def test_long_messages_are_cut_only_if_there_is_a_limit():
    error = ValueError("x" * 1000)
    assert first_line(error) == f"ValueError: {'x' * 185}..."
    assert len(first_line(error)) == 200
    assert first_line(error, limit=None) == f"ValueError: {'x' * 1000}"


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_a_text_without_words_has_no_first_line(text):
    assert first_line_of(text) == ""
