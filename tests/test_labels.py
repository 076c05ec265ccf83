"""Class names from lists, mappings and files."""

from __future__ import annotations

import numpy as np
import pytest

from hvit_edge.errors import InputError
from hvit_edge.labels import given_labels, read_labels, read_labels_file


@pytest.mark.parametrize(
    "value",
    [
        ["cat", "dog"],
        ("cat", "dog"),
        np.array(["cat", "dog"]),
        {0: "cat", 1: "dog"},
        {"1": "dog", "0": "cat"},
        {"cat": 0, "dog": 1},
        {"dog": 1, "cat": 0},
        {"dog": "1", "cat": "0"},
    ],
)
def test_every_form_gives_the_same(value):
    assert read_labels(value, "x") == ("cat", "dog")


def test_numbers_as_names_become_text():
    assert read_labels([3, 7], "x") == ("3", "7")
    assert read_labels({"0": 0, "1": 1, "2": 2}, "x") == ("0", "1", "2")
    assert read_labels({"7": 0, "3": 1}, "x") == ("7", "3")
    assert read_labels({0: "2", 1: "0", 2: "1"}, "x") == ("2", "0", "1")
    assert read_labels({"0": 2, "1": 0, "2": 1}, "x", by="index") == ("2", "0", "1")
    assert read_labels({"0": 2, "1": 0, "2": 1}, "x", by="name") == ("1", "2", "0")


@pytest.mark.parametrize("value", [None, [], {}, [None, None], {"0": None, "1": None}])
def test_no_names(value):
    assert read_labels(value, "x") == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cat", r"^\[x\] expected a list of class names, or a mapping .* got str"),
        ({"cat", "dog"}, "got set"),
        (7, "got int"),
        ({"0": "a", "2": "b"}, "got none for: 1; .*got some that are too large: 2"),
        ({"1": "a", "2": "b"}, "got none for: 0; .*too large: 2"),
        ({"-1": "a", "0": "b"}, "got negative ones: -1; .*got none for: 1"),
        ({"0": "a", "00": "b"}, "got some twice: 0"),
        ({0: "a", "0": "b"}, "got some twice: 0"),
        ({"a": "b", "0": "c"}, "got none in: 'a'"),
        ({"cat": 0, "dog": 0}, "got some twice: 0"),
        ({"cat": 0, "dog": 5}, "too large: 5"),
        ({"cat": True, "dog": False}, "got none in: 'cat', 'dog'"),
        ({"0": 2, "1": 0, "2": 1}, "numbers for names and indices alike; give a list"),
        (["a", None, "c", None], "got null for class 1, 3"),
        (["a", True, 1.5, ["b"]], r"another type for class 1 \(bool\), 2 \(float\), 3 \(list\)"),
        (["a", " ", ""], "a blank one for class 1, 2"),
        (["a\nb", "c\rd"], "no line breaks inside a label, got some in class 0, 1"),
        (["a", "b", "c"], "expected 2 labels for 2 classes, got 3"),
    ],
)
def test_what_makes_no_sense_is_refused(value, message):
    with pytest.raises(InputError, match=message):
        read_labels(value, "x", classes=2 if value == ["a", "b", "c"] else None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.txt", "cat\ndog\n"),
        ("labels.txt", "\ufeffcat \n dog"),
        ("labels.json", '["cat", "dog"]'),
        ("labels.txt", '["cat", "dog"]'),
        ("config.json", '{"model_type": "swin", "id2label": {"1": "dog", "0": "cat"}}'),
        ("config.json", '{"label2id": {"dog": 1, "cat": 0}}'),
        ("config.json", '{"label_names": ["cat", "dog"]}'),
        ("labels.json", '{"cat": 0, "dog": 1}'),
        ("labels.json", '{"classes": ["cat", "dog"], "labels": 2}'),
        ("labels.json", '{"names": {"0": "cat", "1": "dog"}}'),
        ("labels.json", '{"class_to_idx": {"dog": 1, "cat": 0}}'),
        ("labels.json", '{"idx_to_class": {"1": "dog", "0": "cat"}}'),
        ("labels.txt", "{0: 'cat',\n 1: 'dog'}"),
        ("labels.txt", "['cat', 'dog']"),
        ("labels.txt", "0: cat\n1: dog"),
        ("labels.tsv", "1\tdog\n0\tcat"),
        ("labels.csv", "0,cat\n1,dog"),
        ("labels.txt", "0 cat\n1 dog"),
    ],
)
def test_files(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_labels_file(tmp_path / name) == ("cat", "dog")
    assert given_labels(str(tmp_path / name)) == ("cat", "dog")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "", "an empty file"),
        ("a.txt", "a\n\nb", "blank lines: 2"),
        ("a.json", "{", "expected JSON"),
        ("a.json", '{"0": "a", "0": "b"}', "a key appears twice"),
        ("a.json", "[]", "expected class names, got none"),
        ("a.json", '"cat"', "got str"),
        ("a.json", "[" * 100_000, "expected JSON"),
        ("a.txt", "{0: cat,\n1: dog}", "begins like the latter two and is neither"),
        ("a.yaml", "names:\n  0: cat", "got YAML"),
    ],
)
def test_faulty_files(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        read_labels_file(tmp_path / name)
    with pytest.raises(InputError, match="expected a UTF-8 text file"):
        read_labels_file(tmp_path / "none.txt")


def test_json_without_the_suffix_may_be_text(tmp_path):
    (tmp_path / "a.txt").write_text("[sic] cat\ndog")
    assert read_labels_file(tmp_path / "a.txt") == ("[sic] cat", "dog")


@pytest.mark.parametrize("text", ["1 cent\n2 euro", "7\n3", "0 cat\ndog", "0: cat"])
def test_lines_that_begin_with_other_numbers_are_names(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    assert read_labels_file(tmp_path / "a.txt") == tuple(text.splitlines())


def test_an_array_without_a_list_of_names():
    for value in (np.array("cat"), np.array([["cat"]])):
        with pytest.raises(InputError, match="expected a list of class names"):
            read_labels(value, "x")
