"""Replace an average pool over the full map with a mean.

Identity:   adaptive_avg_pool2d to one pixel = mean over all pixels

    x [N, C, H, W] -> adaptive_avg_pool2d(1) -> y      x -> mean([-2, -1], keepdim=True) -> y

Preconditions: the output has one pixel. Exact up to the order of summation.
"""

from torch.fx import GraphModule

from hvit_edge.lowering.graph import Editor, aten, nodes_calling


def replace_global_pool(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.adaptive_avg_pool2d.default):
        if list(node.args[1]) == [1, 1]:
            edit = Editor(graph, node)
            edit.replace(edit.call(aten.mean.dim, node.args[0], [-2, -1], True))
            modified = True
    return modified
