"""Define classifiers whose pooled features are useful without their head."""

from __future__ import annotations

from torch import Tensor, nn


class PooledClassifier(nn.Module):
    """Classifies images by linear heads on a vector of features, which `features` returns."""

    def features(self, x: Tensor) -> Tensor:
        """Map float32 [N, 3, H, W] to the inputs of the heads, float32 [N, D]."""
        raise NotImplementedError
