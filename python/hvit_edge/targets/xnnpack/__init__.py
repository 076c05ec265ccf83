"""Lower graphs to ExecuTorch's XNNPACK delegate.

The operators of quantized graphs are registered with ExecuTorch here, because quantizing a graph
for another target does not need ExecuTorch's compiler.
"""

from hvit_edge.boundary.executorch_compiler import import_compiler

import_compiler()  # before the modules below import it

from hvit_edge.quantize.half_visitors import register_cast  # noqa: E402
from hvit_edge.quantize.int8_visitors import register_int8  # noqa: E402

register_cast()
register_int8()
