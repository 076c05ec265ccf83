"""Describe what a program computes from a photo. Imports no torch."""

from hvit_edge.tasks.classify import Classify
from hvit_edge.tasks.colors import colors_of, palette_color
from hvit_edge.tasks.detect import Detect
from hvit_edge.tasks.embed import Embed
from hvit_edge.tasks.read_task import check_own_task, given_task, task_name
from hvit_edge.tasks.segment import Segment
from hvit_edge.tasks.task import Task

__all__ = [
    "Classify",
    "Detect",
    "Embed",
    "Segment",
    "Task",
    "check_own_task",
    "colors_of",
    "given_task",
    "palette_color",
    "task_name",
]
