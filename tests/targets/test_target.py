import numpy as np
import pytest

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.quantize import Calibration
from hvit_edge.targets.target import Job, Sample, photo_sample

PHOTO = photo_sample(Preprocess((8, 8)), np.zeros((8, 8, 3), np.uint8))
ARRAYS = Sample((np.zeros((1, 4), np.float32),))
WINDOWS = Calibration((np.zeros((1, 3, 8, 8), np.float32),))


def test_only_the_sample_of_a_photo_has_pixels():
    assert PHOTO.photo.shape == (8, 8, 3)
    with pytest.raises(ValueError, match="expected the sample of a photo, got one of arrays"):
        _ = ARRAYS.photo


def test_a_job_without_calibration_takes_windows_of_the_bundled_photos():
    asked = []
    job = Job("net", "int8", [PHOTO], default_calibration=lambda n: asked.append(n) or WINDOWS)
    assert job.needed_calibration(16) is WINDOWS
    assert asked == [16]


def test_the_calibration_of_the_user_comes_first():
    job = Job("net", "int8", [PHOTO], calibration=WINDOWS, default_calibration=lambda n: 1 / 0)
    assert job.needed_calibration() is WINDOWS


def test_arrays_without_calibration_are_refused_if_it_is_needed():
    job = Job("net", "int8", [ARRAYS])
    assert job.calibrated() is None
    with pytest.raises(InputError, match=r"expected samples with int8, got none; pass"):
        job.needed_calibration()
