"""Name the classes and colors of masks for Xcode's preview of a package.

The keys are those of coremltools' guide "Xcode Model Preview Types".
"""

from __future__ import annotations

import json

from hvit_edge.artifact.container import AnyGolden, GoldenPhoto
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.tasks import colors_of
from hvit_edge.tasks.names import SEGMENT

TYPE = "com.apple.coreml.model.preview.type"
PARAMETERS = "com.apple.coreml.model.preview.parameters"


def preview(metadata: Metadata, golden: AnyGolden) -> dict[str, str]:
    """Return the user-defined metadata of a package for its preview; none without masks.

    Args:
        metadata: the metadata of the package.
        golden: its golden sample, which has as many classes as the network.
    """
    if metadata.task != SEGMENT or not isinstance(golden, GoldenPhoto):
        return {}
    classes = golden.outputs[0].shape[1]
    labels = metadata.labels or [f"class {index}" for index in range(classes)]
    colors = [color.upper() for color in colors_of(classes, metadata.colors)]
    return {
        TYPE: "imageSegmenter",
        PARAMETERS: json.dumps({"labels": list(labels), "colors": colors}),
    }
