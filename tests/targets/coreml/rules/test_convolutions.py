import pytest
import torch
from torch.nn import functional as F

from hvit_edge.errors import LoweringError

IMAGE = torch.randn(1, 4, 9, 8, generator=torch.Generator().manual_seed(0))
W3 = torch.randn(4, 4, 3, 3, generator=torch.Generator().manual_seed(1))
B = torch.randn(4, generator=torch.Generator().manual_seed(2))
FUNCTIONS = {
    "same": lambda x, w, b: F.conv2d(x, w, b, padding="same"),
    "same of an even kernel": lambda x, w, b: F.conv2d(x, w[..., :2], b, padding="same"),
    "valid": lambda x, w, b: F.conv2d(x, w, b, padding="valid", dilation=2),
    "no batch": lambda x, w, b: F.conv2d(x[0], w, b),
    "one dimension": lambda x, w, b: F.conv1d(x.flatten(2), w[..., 0], b, 2, 1, 2),
    "one dimension, depthwise": lambda x, w, b: F.conv1d(x[:, :, 0], w[:, :1, 0], b, groups=4),
    "three dimensions": lambda x, w, b: F.conv3d(
        x.reshape(1, 4, 3, 3, 8), w[:, :2, None].repeat(1, 1, 2, 1, 1), b, groups=2
    ),
    "computed weights": lambda x, w, b: F.conv2d(
        x, w * x.mean(), x[0, :, 0, 0], stride=2, padding=1, dilation=(1, 2)
    ),
    "computed weights of groups": lambda x, w, b: F.conv2d(
        x, x[:, :, :3, :3].mT[0][:, None], groups=4
    ),
    "transposed": lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1),
    "transposed, longer": lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1),
    "transposed, longer than whole": lambda x, w, b: F.conv_transpose2d(x, w, b, 3, 0, (2, 1)),
    "transposed, groups and holes": lambda x, w, b: F.conv_transpose2d(
        x, w[:, :2], b, 2, groups=2, dilation=2
    ),
    "transposed, one dimension": lambda x, w, b: F.conv_transpose1d(x[:, :, 0], w[..., 0], b, 2),
    "windows": lambda x, w, b: F.unfold(x, 3, padding=1),
    "windows with holes": lambda x, w, b: F.unfold(x, (2, 3), dilation=2, stride=(1, 2)),
    "windows and back": lambda x, w, b: F.fold(
        F.unfold(x, 3, padding=1, stride=2), (9, 8), 3, padding=1, stride=2
    ),
    "what no window reaches": lambda x, w, b: F.fold(F.unfold(x, 2, stride=2), (9, 8), 2, stride=2),
}


def test_convolutions(agree):
    agree(FUNCTIONS, IMAGE, W3, B)


def test_computed_weights_of_sequences_are_refused(call, translation):
    module = call(lambda x: F.conv1d(x.flatten(2), x[:, :, 0, :3].mT.mT))
    with pytest.raises(
        LoweringError, match="conv1d.*expected constant weights or a 2-D convolution"
    ):
        translation(module, IMAGE)
