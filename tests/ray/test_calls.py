"""The account of calls, without a cluster."""

import pytest

from hvit_edge.errors import DeviceError
from hvit_edge.ray.calls import Calls


def test_results_wait_for_those_before_them():
    calls = Calls(3)
    assert [calls.next() for _ in range(4)] == [0, 1, 2, None]
    calls.done(2, lambda: "c")
    assert list(calls.ready()) == []
    calls.done(0, lambda: "a")
    assert list(calls.ready()) == ["a"]
    calls.done(1, lambda: "b")
    assert list(calls.ready()) == ["b", "c"] and calls.finished


def test_calls_that_were_lost_are_next():
    calls = Calls(5)
    assert [calls.next(), calls.next(), calls.next()] == [0, 1, 2]
    calls.again(1)
    calls.failed(0)
    assert [calls.next(), calls.next(), calls.next()] == [0, 1, 3]


def test_a_call_is_given_up_after_three_workers():
    calls = Calls(1, ["images a to b"])
    calls.failed(0)
    calls.failed(0)
    with pytest.raises(DeviceError, match="images a to b: expected a result, got 3 workers"):
        calls.failed(0)


def test_no_call_is_finished_at_once():
    assert Calls(0).finished
