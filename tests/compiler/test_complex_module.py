import pytest
import torch
from torch import nn

from hvit_edge import Preprocess, compile, validate


class Spectral(nn.Module):
    """A classifier whose only mixing of pixels is a product of spectra with complex parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 4, 4)
        self.weight = nn.Parameter(torch.randn(4, 4, 3, 3, dtype=torch.complex64) / 4)
        self.head = nn.Linear(4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images [1, 3, 32, 32] to logits [1, 10]."""
        spectrum = torch.fft.rfft2(self.stem(x), norm="ortho")
        mixed = torch.zeros_like(spectrum)
        mixed[:, :, :3, :3] = torch.einsum("bixy,ioxy->boxy", spectrum[:, :, :3, :3], self.weight)
        maps = torch.fft.irfft2(mixed, s=(8, 8), norm="ortho")
        return self.head(maps.relu().mean((2, 3)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "precision", "suffix"),
    [("native", "fp32", ".pte"), ("xnnpack", "fp32", ".pte"), ("coreml", "fp16", ".mlpackage")],
)
def test_a_module_with_complex_parameters(target, precision, suffix, tmp_path):
    torch.manual_seed(0)
    module = Spectral().eval()
    artifact = compile(
        module,
        target=target,
        precision=precision,
        preprocess=Preprocess((32, 32)),
        output=tmp_path / f"spectral{suffix}",
    )
    assert not artifact.report.to_dict()["rewrites_left_out"]
    assert not artifact.report.to_dict().get("ops_outside")
    assert validate(artifact.path, model=module).passed
