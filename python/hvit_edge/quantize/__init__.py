"""Lower the precision of rewritten graphs: fp16, int8, and int8 with ranges taken at run time."""

from hvit_edge.quantize.calibration import Calibration, bundled_calibration, calibration_inputs
from hvit_edge.quantize.precision import QUANTIZED_PRECISIONS, quantize, reference_graph
from hvit_edge.quantize.sqnr import LayerSqnr, centred_sqnr, layer_sqnr, sqnr

__all__ = [
    "QUANTIZED_PRECISIONS",
    "Calibration",
    "LayerSqnr",
    "bundled_calibration",
    "calibration_inputs",
    "centred_sqnr",
    "layer_sqnr",
    "quantize",
    "reference_graph",
    "sqnr",
]
