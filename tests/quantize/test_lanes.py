"""Work in lanes: the order of results and of each lane's items, and how errors end all lanes."""

import threading

import pytest
import torch

from hvit_edge.quantize.lanes import LANES, in_lanes


@pytest.fixture(params=[1, 2, 4])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_each_lane_works_on_its_items_in_order(threads, count):
    seen = [[] for _ in range(LANES)]

    def work(lane, item):
        seen[lane].append(item)
        return 10 * item

    assert in_lanes(work, range(count)) == [10 * item for item in range(count)]
    assert seen == [list(range(lane, count, LANES)) for lane in range(LANES)]
    assert torch.get_num_threads() == threads


def test_lanes_share_the_threads_of_operators(threads):
    used = in_lanes(lambda lane, item: torch.get_num_threads(), range(4))
    assert used == [max(1, threads // LANES)] * 4


def test_two_lanes_work_at_the_same_time():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    both = threading.Barrier(LANES)
    try:
        in_lanes(lambda lane, item: both.wait(60), range(4))
    finally:
        torch.set_num_threads(before)


def test_an_error_ends_all_lanes(threads):
    seen = []

    def work(lane, item):
        seen.append(item)
        if item == 2:
            raise ValueError("item 2")

    with pytest.raises(ValueError, match="item 2"):
        in_lanes(work, range(100))
    assert max(seen) <= 2 + LANES
    assert torch.get_num_threads() == threads


def test_progress_sees_every_item(threads):
    totals, shown = [], []

    def progress(items, total):
        totals.append(total)
        for item in items:
            yield item
            shown.append(item)

    in_lanes(lambda lane, item: None, range(5), progress)
    assert totals == [5]
    assert shown == list(range(5))
