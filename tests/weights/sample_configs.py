"""Configs as timm, transformers and hvit-edge write them next to weights, and what they mean."""

from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

LABELS = ["tabby", "beagle", "robin", "carp"]
HUGGING = {
    "model_type": "mobilevit",
    "architectures": ["MobileViTForImageClassification"],
    "hidden_sizes": [64, 80, 96],
    "neck_hidden_sizes": [16, 16, 24, 48, 64, 80, 320],
    "expand_ratio": 2.0,
    "id2label": {str(index): label for index, label in enumerate(LABELS)},
}
PROCESSOR = {
    "image_processor_type": "MobileViTImageProcessor",
    "size": {"shortest_edge": 96},
    "crop_size": {"height": 64, "width": 64},
    "resample": 2,
}
TIMM = {
    "architecture": "mobilevit_xxs",
    "num_classes": 4,
    "label_names": LABELS,
    "pretrained_cfg": {
        "input_size": [3, 96, 96],
        "interpolation": "bilinear",
        "crop_pct": 1.0,
        "mean": list(IMAGENET_MEAN),
        "std": list(IMAGENET_STD),
    },
}
BY_PROCESSOR = Preprocess((64, 64), resize_size=96, interpolation="bilinear", channel_order="BGR")
BY_TIMM = Preprocess(
    (96, 96), resize_size=96, interpolation="bilinear", mean=IMAGENET_MEAN, std=IMAGENET_STD
)
APPLE = Preprocess((256, 256), resize_size=288, interpolation="bilinear", channel_order="BGR")
SIDECAR = {
    "format": "hvit-edge weights 1",
    "architecture": "mobilevit_xxs",
    "labels": LABELS,
    "preprocess": {"input_size": [64, 64], "resize": "stretch"},
}
TIMM_1000 = {
    "architecture": "mobilevit_xxs",
    "num_classes": 1000,
    "pretrained_cfg": {
        "input_size": [3, 256, 256],
        "interpolation": "bilinear",
        "crop_pct": 0.875,
        "mean": [0.1, 0.2, 0.3],
        "std": [1.0, 2.0, 3.0],
    },
}
APPLE_PROCESSOR = {
    "image_processor_type": "MobileViTImageProcessor",
    "size": {"shortest_edge": 288},
    "crop_size": {"height": 256, "width": 256},
    "do_center_crop": True,
    "do_flip_channel_order": True,
    "resample": 2,
}
