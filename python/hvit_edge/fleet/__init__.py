"""Use several devices at once, and name the one that differs from the others.

validate_fleet(artifact, devices, ...)   the same answers as on this machine?
bench_fleet(artifact, devices, ...)      times, and which device slows down or gets hot
"""

from hvit_edge.fleet.bench import bench_fleet
from hvit_edge.fleet.validate import validate_fleet

__all__ = ["bench_fleet", "validate_fleet"]
