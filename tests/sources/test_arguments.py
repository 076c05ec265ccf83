import pytest

from hvit_edge.errors import InputError
from hvit_edge.sources.arguments import (
    check_arguments,
    read_arguments,
    read_recorded,
    recorded,
)


def test_values_are_literals_or_text():
    texts = ["n=7", "rate=0.5", "wide=true", "no=None", "sizes=[1, 2]", "name=resnet", "s='7'"]
    assert read_arguments(texts, "compile") == {
        "n": 7,
        "rate": 0.5,
        "wide": True,
        "no": None,
        "sizes": [1, 2],
        "name": "resnet",
        "s": "7",
    }
    assert read_arguments(["path=a=b.pt", "code=__import__('os')"], "x") == {
        "path": "a=b.pt",
        "code": "__import__('os')",
    }


def test_every_wrong_text_is_listed():
    with pytest.raises(InputError) as caught:
        read_arguments(["classes", "2x=1", "a=1", "a=2"], "hvit-edge compile")
    message = str(caught.value)
    assert message.startswith("[hvit-edge compile] --arg: ")
    for part in ("got 'classes'", "got '2x=1'", "expected a once"):
        assert part in message


def test_arguments_are_a_mapping_from_names():
    assert check_arguments(None, "compile") == {}
    assert check_arguments({"a": 1}, "compile") == {"a": 1}
    for wrong in (["a=1"], {1: 2}):
        with pytest.raises(InputError, match=r"\[compile\] args: expected a mapping"):
            check_arguments(wrong, "compile")


def test_what_is_recorded_is_read_again():
    args = {"classes": 7, "sizes": [1, 2], "name": "a"}
    assert read_recorded(recorded(args)) == args
    assert recorded({}) == "" and read_recorded("") == {}
    for damaged in ("[1]", "{"):
        with pytest.raises(InputError, match="record of its arguments"):
            read_recorded(damaged)
