"""Draw masks and boxes over photos, with Pillow."""

from hvit_edge.drawing.boxes import DrawnBox, draw_boxes
from hvit_edge.drawing.masks import draw_mask
from hvit_edge.drawing.picture import check_suffix, encode

__all__ = ["DrawnBox", "check_suffix", "draw_boxes", "draw_mask", "encode"]
