"""Write transforms.json: the pixels that timm and transformers make of two photos.

Needs timm 1.0.31, torchvision and transformers 5.24. The photos are `photo(...)` below; the pixels
are those before rescaling and normalizing, uint8 [height, width, 3], of which the SHA-256 is kept.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

SIZES = ((61, 97), (103, 70))  # wide and high: crops by an odd number of pixels
TIMM = (
    *("mobilevit_xxs.cvnets_in1k", "resnet18.a1_in1k", "coat_lite_medium_384.in1k"),
    *("dm_nfnet_f4.dm_in1k", "vit_base_patch16_clip_384.openai_ft_in12k_in1k"),
    *("tiny_vit_5m_224.dist_in22k_ft_in1k", "efficientvit_m0.r224_in1k", "levit_128s.fb_dist_in1k"),
    *("swinv2_tiny_window8_256.ms_in1k", "mixer_b16_224.miil_in21k_ft_in1k"),
)
TRANSFORMERS = (
    {"image_processor_type": "ViTImageProcessor"},
    {"image_processor_type": "DeiTImageProcessor", "image_mean": [0.4, 0.5, 0.6]},
    {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}},
    {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}},
    {"image_processor_type": "LevitImageProcessor"},
    {"image_processor_type": "PoolFormerImageProcessor", "crop_pct": 0.95},
    {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 256}, "resample": 1},
    {"image_processor_type": "EfficientNetImageProcessor"},
    {
        "image_processor_type": "MobileViTImageProcessor",
        "size": {"shortest_edge": 288},
        "resample": 2,
    },
    {"image_processor_type": "MobileNetV2ImageProcessor", "size": {"shortest_edge": 257}},
    {"image_processor_type": "PvtImageProcessor"},
)


def photo(height: int, width: int) -> np.ndarray:
    """Return noise over a ramp, uint8 [height, width, 3]."""
    rows, columns = np.mgrid[0:height, 0:width]
    ramp = np.stack([2 * rows, 2 * columns, rows + columns], 2)
    noise = np.random.default_rng(height * width).integers(0, 40, (height, width, 3))
    return np.clip(ramp + noise, 0, 255).astype(np.uint8)


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels, np.uint8).tobytes()).hexdigest()


def _of_timm(name: str) -> dict:
    import timm

    config = timm.get_pretrained_cfg(name).to_dict()
    wanted = timm.data.resolve_data_config({}, pretrained_cfg=config)
    transform = timm.data.create_transform(**wanted, is_training=False, normalize=False)
    made = [transform(Image.fromarray(photo(*size))).numpy() for size in SIZES]
    keep = ("input_size", "interpolation", "crop_pct", "crop_mode", "mean", "std")
    return {
        "name": name,
        "config": {key: config[key] for key in keep if key in config},
        "pixels": [_digest(pixels.transpose(1, 2, 0)) for pixels in made],
    }


def _of_transformers(settings: dict) -> dict:
    import transformers

    name = settings["image_processor_type"]
    processor = getattr(transformers, f"{name}Pil")(
        **{key: value for key, value in settings.items() if key != "image_processor_type"}
    )
    plain = {"do_rescale": False, "do_normalize": False, "return_tensors": "np"}
    if name.startswith("EfficientNet"):
        plain["include_top"] = False
    made = [processor(images=Image.fromarray(photo(*s)), **plain)["pixel_values"] for s in SIZES]
    height, width = made[0].shape[-2:]
    own = {key: value for key, value in processor.to_dict().items() if value is not None}
    return {
        "name": name,
        "config": json.loads(json.dumps(own, default=dict)),
        "size": [height, width],
        "pixels": [_digest(pixels[0].transpose(1, 2, 0)) for pixels in made],
    }


if __name__ == "__main__":
    found = {
        "timm": [_of_timm(name) for name in TIMM],
        "transformers": [_of_transformers(settings) for settings in TRANSFORMERS],
    }
    Path(__file__).with_name("transforms.json").write_text(json.dumps(found, indent=1) + "\n")
