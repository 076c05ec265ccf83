import numpy as np
import pytest
from PIL import Image

from hvit_edge.errors import InputError
from hvit_edge.quantize import calibration_inputs
from hvit_edge.quantize.calibration import neighbor_correlation
from hvit_edge.weights import bundled_photos


def save(folder, images):
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index:03}.png")


def test_reads_all_and_says_that_they_are_few(tmp_path, smooth_images, tiny_preprocess):
    save(tmp_path, smooth_images(40))
    with pytest.warns(UserWarning, match="expected 128 images or more, got 40"):
        found = calibration_inputs(tmp_path, tiny_preprocess)
    assert len(found.inputs) == 40
    assert found.inputs[0].shape == (1, 3, 16, 16)
    assert len(found.notices) == 1


def test_takes_the_same_samples_again(tmp_path, smooth_images, tiny_preprocess):
    np.savez(tmp_path / "a.npz", images=np.stack(smooth_images(150)))
    first, second, other = (
        calibration_inputs(tmp_path / "a.npz", tiny_preprocess, samples=130, seed=seed)
        for seed in (0, 0, 1)
    )
    assert len(first.inputs) == 130
    assert first.notices == ()
    assert np.array_equal(first.inputs, second.inputs)
    assert not np.array_equal(first.inputs, other.inputs)


def test_empty_folder(tmp_path, tiny_preprocess):
    with pytest.raises(InputError, match="expected images, got none"):
        calibration_inputs(tmp_path, tiny_preprocess)


def test_too_few(tmp_path, smooth_images, tiny_preprocess):
    save(tmp_path, smooth_images(31))
    with pytest.raises(InputError, match="expected at least 32 images, got 31"):
        calibration_inputs(tmp_path, tiny_preprocess)


def test_too_few_samples_asked_for(tmp_path, tiny_preprocess):
    with pytest.raises(InputError, match="samples: expected at least 32, got 8"):
        calibration_inputs(tmp_path, tiny_preprocess, samples=8)


def test_random_noise(tmp_path, tiny_preprocess):
    noise = np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), np.uint8)
    np.savez(tmp_path / "a.npz", images=noise)
    with pytest.raises(InputError, match="got random noise in 40 of 40"):
        calibration_inputs(tmp_path / "a.npz", tiny_preprocess)


def test_constant_image(tmp_path, smooth_images, tiny_preprocess):
    save(tmp_path, [*smooth_images(40), np.full((24, 24, 3), 7, np.uint8)])
    with pytest.raises(InputError, match=r"got 040.png \(only one color\)"):
        calibration_inputs(tmp_path, tiny_preprocess)


def test_not_finite(tmp_path, smooth_images):
    save(tmp_path, smooth_images(32))
    with pytest.raises(InputError, match="NaN or infinity after preprocessing.* and 27 more"):
        calibration_inputs(tmp_path, lambda image: np.full((1, 3, 4, 4), np.nan, np.float32))


@pytest.mark.filterwarnings("ignore:.*expected 128")
def test_unreadable_image_is_named(tmp_path, smooth_images, tiny_preprocess):
    save(tmp_path, smooth_images(40))
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match="skipped 1 unreadable: broken.png"):
        found = calibration_inputs(tmp_path, tiny_preprocess)
    assert len(found.inputs) == 40
    assert [item.name for item in found.skipped] == ["broken.png"]


@pytest.mark.filterwarnings("ignore:.*expected 128")
def test_other_files_and_empty_folders_are_named(tmp_path, smooth_images, tiny_preprocess):
    save(tmp_path, smooth_images(40))
    (tmp_path / "labels.csv").write_text("a,b")
    (tmp_path / "dog").mkdir()
    with pytest.warns(UserWarning) as caught:
        found = calibration_inputs(tmp_path, tiny_preprocess)
    assert len(found.inputs) == 40
    assert [notice.split(": ", 1)[1] for notice in found.notices[1:]] == [
        "ignored 1 file not named like an image, or in no class folder: labels.csv",
        "found no image in 1 folder: dog",
    ]
    assert {str(warning.message) for warning in caught} == set(found.notices)


@pytest.mark.filterwarnings("ignore:.*expected 128")
def test_a_photo_that_cannot_be_resized_is_named(tmp_path, smooth_images, tiny_preprocess):
    save(tmp_path, smooth_images(40))
    Image.linear_gradient("L").resize((600_000, 1)).save(tmp_path / "long.png")
    with pytest.warns(UserWarning, match="skipped 1 unreadable: long.png"):
        found = calibration_inputs(tmp_path, tiny_preprocess)
    (skipped,) = found.skipped
    assert skipped.name == "long.png" and "whose resized form has at most" in skipped.reason


def test_photos_are_no_noise():
    for path in bundled_photos():
        assert neighbor_correlation(np.asarray(Image.open(path).convert("RGB"))) > 0.8
