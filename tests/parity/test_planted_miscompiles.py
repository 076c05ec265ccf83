"""Gates stop each of twelve wrong programs, made after lowering, in each precision."""

import copy
import dataclasses

import numpy as np
import pytest
from executorch.backends.xnnpack.serialization import xnnpack_graph_schema as schema

from hvit_edge.compiler.photo_gate import PhotoGate
from hvit_edge.compiler.pipeline import check_program, rewritten_graph
from hvit_edge.compiler.subject import prepare_subject
from hvit_edge.errors import ParityError
from hvit_edge.targets.target import Job
from hvit_edge.targets.xnnpack.taps import run_delegate
from hvit_edge.targets.xnnpack.target import XnnpackTarget

NO_VALUE = 2**32 - 1
PRECISIONS = ("fp32", "fp16", "int8", "int8-dynamic")


class Mutant:
    """A lowered program whose delegate can be altered: its graph and its constants."""

    def __init__(self, lowered) -> None:
        self.graph = copy.deepcopy(lowered.delegate_graph)
        self.program = lowered.edge.exported_program()
        (self.delegate,) = (m for _, m in self.program.graph_module.named_children())
        self.data = self.delegate.named_data_store_output

    def nodes(self, kind: str) -> list:
        wanted = getattr(schema, f"XNN{kind}")
        return [n.xnode_union for n in self.graph.xnodes if isinstance(n.xnode_union, wanted)]

    def value(self, number: int):
        values = (
            getattr(v.xvalue_union, "tensor_value", v.xvalue_union) for v in self.graph.xvalues
        )
        return next(value for value in values if value.id_out == number)

    def replace(self, node, other) -> None:
        entry = next(n for n in self.graph.xnodes if n.xnode_union is node)
        entry.xnode_union = other

    def alter(self, buffer: int, change) -> None:
        """Change the bytes of a constant, as a uint8 array."""
        entry = self.data.pte_data[self.graph.constant_data[buffer].named_key]
        before = np.frombuffer(self.data.buffers[entry.buffer_index], np.uint8)
        after = np.ascontiguousarray(change(before)).tobytes()
        assert len(after) == before.size and after != before.tobytes()
        self.data.buffers[entry.buffer_index] = after

    def rows(self, number: int, change) -> None:
        """Change the rows, which are the first dimension, of a constant."""
        value = self.value(number)
        self.alter(
            value.constant_buffer_idx,
            lambda data: change(data.reshape(*value.dims, -1)),
        )

    def feeds_depthwise(self, node) -> bool:
        """Return True if a transpose is of the enlarged map before the depthwise convolution."""
        return self.value(node.output_id).dims == [1, 16, 16, 8]

    @property
    def linears(self) -> list:
        """Return the linears of the attention, q k v and the projection, in any precision."""
        linears = self.nodes("FullyConnected")
        return [n for n in linears if self.value(n.filter_id).dims in ([24, 8], [8, 8])]


def swapped_operands(mutant):
    node = mutant.nodes("Subtract")[0]
    node.input1_id, node.input2_id = node.input2_id, node.input1_id


def key_for_value(mutant):
    _, key, value = [n for n in mutant.nodes("StaticSlice") if n.num_dims == 5]
    key.offsets, value.offsets = value.offsets, key.offsets


def wrong_axis(mutant):
    node = next(n for n in mutant.nodes("StaticTranspose") if mutant.feeds_depthwise(n))
    node.perm = [0, 3, 2, 1]


def transposed_weight(mutant):
    project = mutant.linears[1]
    mutant.rows(project.filter_id, lambda rows: rows.swapaxes(0, 1))


def rolled_channels(mutant):
    mutant.rows(mutant.linears[0].filter_id, lambda rows: np.roll(rows, 1, 0))


def missing_bias(mutant):
    mutant.linears[1].bias_id = NO_VALUE


def stale_bias(mutant):
    mutant.rows(mutant.linears[0].bias_id, lambda rows: np.roll(rows, 8, 0))


def off_by_one_padding(mutant):
    node = mutant.nodes("DepthwiseConv2d")[0]
    node.padding_top, node.padding_bottom = 0, 2


def off_by_one_slice(mutant):
    node = next(n for n in mutant.nodes("StaticSlice") if n.num_dims == 3)
    node.offsets = [0, 1, 0]


def missing_activation(mutant):
    node = mutant.nodes("Gelu")[0]
    shape = mutant.value(node.output_id).dims
    mutant.replace(
        node, schema.XNNStaticReshape(len(shape), shape, node.input_id, node.output_id, flags=0)
    )


def other_activation(mutant):
    node = mutant.nodes("Softmax")[0]
    mutant.replace(node, schema.XNNSigmoid(node.input_id, node.output_id, flags=0))


def lost_residual(mutant):
    node = next(n for n in mutant.nodes("Add") if mutant.value(n.output_id).dims == [1, 64, 8])
    node.input2_id = node.input1_id


MUTATIONS = (
    swapped_operands,
    key_for_value,
    wrong_axis,
    transposed_weight,
    rolled_channels,
    missing_bias,
    stale_bias,
    off_by_one_padding,
    off_by_one_slice,
    missing_activation,
    other_activation,
    lost_residual,
)


class MutantTarget(XnnpackTarget):
    """Runs a mutant instead of the program."""

    def __init__(self, mutant) -> None:
        self.mutant = mutant

    def run(self, program, job):
        def step(sample):
            answer = run_delegate(self.mutant.graph, self.mutant.program, sample.tensors)
            return (answer[0].numpy(),)

        return step


@pytest.fixture(scope="module", params=PRECISIONS)
def compiled(request, tiny_model, tiny_preprocess, tiny_calibration):
    """A gate, its job, the graph that is lowered, and what it is lowered to."""
    precision, module = request.param, copy.deepcopy(tiny_model)
    subject = prepare_subject(module, preprocess=tiny_preprocess)
    gate, target = PhotoGate(subject, precision, None), XnnpackTarget()
    calibration = tiny_calibration if precision == "int8" else None
    job = Job("tiny", precision, gate.photos, calibration=calibration)
    prepared = target.prepare(rewritten_graph(gate, target.passes(precision, "any"), job.tell), job)
    if prepared.quantized is not None:
        gate.check_quantized(prepared.quantized)
    return gate, job, prepared, target.lower(prepared, job)


def check(compiled, mutate=lambda mutant: None):
    """Run the gates of `compile` after lowering on a mutant."""
    gate, job, prepared, lowered = compiled
    mutant = Mutant(lowered)
    buffers = list(mutant.data.buffers)
    try:
        mutate(mutant)
        altered = dataclasses.replace(lowered, delegate_graph=mutant.graph)
        check_program(MutantTarget(mutant), gate, prepared, altered, job)
    finally:
        mutant.data.buffers[:] = buffers


def test_the_program_itself_passes(compiled):
    check(compiled)


@pytest.mark.slow
@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_each_is_stopped(mutate, compiled):
    with pytest.raises(ParityError, match="nothing was written"):
        check(compiled, mutate)
