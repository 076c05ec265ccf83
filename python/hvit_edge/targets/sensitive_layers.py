"""Let layers of an int8 program be float, if a job allows it and the answers need it."""

from __future__ import annotations

import warnings
from dataclasses import replace

from torch.fx import GraphModule

from hvit_edge.quantize import Calibration
from hvit_edge.quantize.sensitive_layers import MOST_INPUTS, keep_sensitive_layers
from hvit_edge.targets.target import Job


class SensitiveLayers:
    """Makes sensitive layers of an int8 graph float again, and warns which ones.

    Args:
        reference: from `reference_graph`.
        job: says whether it is allowed, and has the calibration.

    Attributes:
        calibration: what the report says about the calibration, with a notice of the layers; None
            if no layer was sensitive.
    """

    def __init__(self, reference: GraphModule, job: Job) -> None:
        self.calibration: Calibration | None = None
        self._reference, self._job = reference, job

    def __call__(self, quantized: GraphModule) -> None:
        """Change an int8 graph, in place."""
        if not self._job.keep_sensitive:
            return
        images = self._job.needed_calibration(MOST_INPUTS)
        found = keep_sensitive_layers(self._reference, quantized, images.inputs)
        if found is None:
            return
        warnings.warn(found.notice, stacklevel=2)
        self.calibration = replace(images, notices=(*images.notices, found.notice))
