"""Lower graphs for the backend of hvit-edge's C++ runtime."""

from hvit_edge.targets.native.graph_plan import Plan, plan_graph

__all__ = ["Plan", "plan_graph"]
