import torch
from torch.nn import functional as F

IMAGE = torch.randn(1, 4, 9, 7, generator=torch.Generator().manual_seed(0)) - 3
FUNCTIONS = {
    "windows that begin outside": lambda x: F.max_pool2d(x, 2, (2, 3), ceil_mode=True),
    "a mean of them": lambda x: F.avg_pool2d(x, 2, (2, 3), ceil_mode=True),
    "a mean of them over padding": lambda x: F.avg_pool2d(x, 3, (5, 3), 1, ceil_mode=True),
    "a mean over padding, uncounted": lambda x: F.avg_pool2d(
        x, 3, 2, 1, ceil_mode=True, count_include_pad=False
    ),
    "holes": lambda x: F.max_pool2d(x, 2, dilation=2),
    "holes and padding": lambda x: F.max_pool2d(x, 3, 2, 1, (2, 1)),
    "divisor": lambda x: F.avg_pool2d(x, 2, divisor_override=3),
    "divisor and padding": lambda x: F.avg_pool2d(x, 3, 2, 1, divisor_override=5),
    "no batch": lambda x: F.max_pool2d(x[0], 2) + F.avg_pool2d(x[0], 2),
    "sequences": lambda x: (
        F.max_pool1d(x.flatten(2), 3, 2, 1) - F.avg_pool1d(x.flatten(2), 3, 2, 1)
    ),
    "volumes": lambda x: F.avg_pool3d(x.reshape(1, 4, 3, 3, 7), 2),
    "places left alone": lambda x: F.max_pool2d(x, 3, return_indices=True)[0],
    "adaptive": lambda x: F.adaptive_avg_pool2d(x, (3, 7)),
    "adaptive, uneven": lambda x: F.adaptive_avg_pool2d(x, (4, 3)),
    "adaptive, larger": lambda x: F.adaptive_avg_pool2d(x, (12, 7)),
    "adaptive, one row": lambda x: F.adaptive_avg_pool2d(x, (1, None)),
    "adaptive sequence": lambda x: F.adaptive_avg_pool1d(x.flatten(2), 5),
    "adaptive sequence to one": lambda x: F.adaptive_avg_pool1d(x.flatten(2), 1),
    "adaptive maxima": lambda x: F.adaptive_max_pool2d(x, (3, 7)),
    "adaptive maxima, uneven": lambda x: F.adaptive_max_pool2d(x, (4, 2)),
    "LP pool": lambda x: F.lp_pool2d(x, 2, 3),
}


def test_pools(agree):
    agree(FUNCTIONS, IMAGE)
