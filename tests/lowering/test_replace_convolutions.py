import pytest
import torch
from torch import nn

from hvit_edge.lowering.replace_convolutions import replace_convolutions

ROWS, VOLUME = torch.randn(2, 4, 9), torch.randn(2, 4, 3, 6, 5)
CONVOLUTIONS = {
    "rows": (nn.Conv1d(4, 6, 3, 2, 1, groups=2), ROWS),
    "rows, as long as before": (nn.Conv1d(4, 6, 3, padding="same", dilation=2), ROWS),
    "rows, transposed": (nn.ConvTranspose1d(4, 6, 3, 2, 1, 1), ROWS),
    "planes of a volume": (nn.Conv3d(4, 6, (1, 3, 2), padding=(0, 1, 1)), VOLUME),
    "columns of a volume": (nn.Conv3d(4, 6, (2, 3, 1), stride=(2, 1, 1)), VOLUME),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_are_of_maps(name, rewritten):
    module, x = CONVOLUTIONS[name]
    after = rewritten(replace_convolutions, module, x)
    assert after["conv2d"] + after["conv_transpose2d"] == 1
    assert after["reshape"] == 2


def test_near_misses_stay(untouched):
    untouched(replace_convolutions, nn.Conv3d(4, 6, 3), VOLUME)
    untouched(replace_convolutions, nn.Conv1d(4, 6, 3).float(), ROWS[0].float())
