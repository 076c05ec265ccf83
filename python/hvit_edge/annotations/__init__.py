"""Read what is true of images: masks, boxes, and classes of any names."""

from hvit_edge.annotations.annotated_set import AnnotatedSet
from hvit_edge.annotations.coco_boxes import open_boxes
from hvit_edge.annotations.labeled_images import open_labeled
from hvit_edge.annotations.voc_masks import open_masks

__all__ = ["AnnotatedSet", "open_boxes", "open_labeled", "open_masks"]
