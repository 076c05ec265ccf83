import pytest


@pytest.fixture
def markdown_table(load):
    return load("tables/markdown.py").markdown_table


def test_a_table_with_a_note(markdown_table):
    assert markdown_table(("model", "ms"), [("a", "1.0"), ["b", ""]], "Medians.") == (
        "| model | ms |\n|---|---|\n| a | 1.0 |\n| b |  |\n\nMedians."
    )


def test_a_table_without_rows_and_note(markdown_table):
    assert markdown_table(("", "x"), ()) == "|  | x |\n|---|---|"


def test_a_bar_does_not_end_a_cell(markdown_table):
    assert markdown_table(("reason",), [("a | b",)]).splitlines()[-1] == "| a \\| b |"


def test_a_row_has_as_many_cells_as_the_header(markdown_table):
    with pytest.raises(ValueError, match=r"expected 2 cells, as \('a', 'b'\) has, got \['c'\]"):
        markdown_table(("a", "b"), [("c",)])
