"""Lower graphs to ExecuTorch's XNNPACK delegate.

The operators of quantized graphs are registered with ExecuTorch here, because quantizing a graph
for another target does not need ExecuTorch's compiler.
"""

from hvit_edge.quantize.half_visitors import register_cast
from hvit_edge.quantize.int8_visitors import register_int8

register_cast()
register_int8()
