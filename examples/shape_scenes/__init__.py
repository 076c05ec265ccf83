"""Scenes of drawn shapes on photos, with exact masks and boxes, to train and test small models."""

from __future__ import annotations

from shape_scenes.outlines import SHAPES
from shape_scenes.scene import CALIBRATION, HELD_OUT, TRAINING, Scene, compose

__all__ = ["CALIBRATION", "HELD_OUT", "SHAPES", "TRAINING", "Scene", "compose"]
