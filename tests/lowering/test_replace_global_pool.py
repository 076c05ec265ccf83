import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d

from hvit_edge.lowering.replace_global_pool import replace_global_pool


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 4, 5)])
def test_a_pool_to_one_pixel(shape, rewritten, call):
    module = call(lambda x: adaptive_avg_pool2d(x, 1))
    assert rewritten(replace_global_pool, module, torch.randn(shape)) == {"mean": 1}


def test_a_pool_to_a_grid_stays(untouched, call):
    module = call(lambda x: adaptive_avg_pool2d(x, (1, 2)))
    untouched(replace_global_pool, module, torch.randn(2, 3, 4, 5))
