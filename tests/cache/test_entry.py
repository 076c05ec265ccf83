"""Entries hold JSON and tensors, and refuse everything else."""

import pytest
import torch

from hvit_edge.cache.entry import Entry, NotStorable, read_entry

TENSORS = (
    torch.randn(2, 3),
    torch.randn(3, 2).t(),
    torch.arange(4),
    torch.tensor(True),
    torch.zeros(0, 3, dtype=torch.float16),
    torch.tensor([1.5, float("nan"), -0.0], dtype=torch.bfloat16),
    torch.tensor([-128, 127], dtype=torch.int8),
)


def test_reads_what_was_written():
    value = {"a": [1, 2.5, None, True, "x\n"], "b": float("inf"), "c": -0.0}
    data = Entry(value, TENSORS).to_bytes()
    found = read_entry(data)
    assert found.value == value and str(found.value["c"]) == "-0.0"
    assert len(found.tensors) == len(TENSORS)
    for tensor, like in zip(found.tensors, TENSORS, strict=True):
        assert (tensor.dtype, tensor.shape) == (like.dtype, like.shape)
        as_bytes = [t.contiguous().reshape(-1).view(torch.uint8) for t in (tensor, like)]
        assert torch.equal(*as_bytes)
    assert found.to_bytes() == data


def test_the_digest_depends_on_every_part():
    same = Entry({"a": 1}, (torch.ones(2, 2),))
    others = [
        Entry({"a": 2}, (torch.ones(2, 2),)),
        Entry({"a": 1}, (torch.ones(4),)),
        Entry({"a": 1}, (torch.ones(2, 2, dtype=torch.float64),)),
        Entry({"a": 1}, (torch.tensor([[1.0, 1.0], [1.0, 1.0 + 2**-23]]),)),
        Entry({"a": 1}),
    ]
    digests = {one.digest() for one in (same, *others)}
    assert len(digests) == 6
    assert Entry({"a": 1}, (torch.ones(2, 2),)).digest() == same.digest()


class Marked(torch.Tensor):
    """A subclass, which may compute anything."""


@pytest.mark.parametrize(
    "entry",
    [
        Entry({"a": object()}),
        Entry({"a": {1, 2}}),
        Entry(None, (torch.zeros(2, dtype=torch.complex64),)),
        Entry(None, (torch.eye(2).to_sparse(),)),
        Entry(None, (torch.zeros(2, device="meta"),)),
        Entry(None, (torch.zeros(2).as_subclass(Marked),)),
    ],
)
def test_what_cannot_be_stored_is_refused(entry):
    with pytest.raises(NotStorable):
        entry.to_bytes()
    with pytest.raises(NotStorable):
        entry.digest()


@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d + b"\0", lambda d: d[:4]])
def test_wrong_lengths_are_refused(change):
    data = Entry({"a": 1}, (torch.ones(2, 2),)).to_bytes()
    with pytest.raises((ValueError, KeyError)):
        read_entry(change(data))
