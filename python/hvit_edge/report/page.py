"""Make the page of a report from the results of artifacts."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from typing import Any

from hvit_edge import __version__
from hvit_edge.measures.proportion import wilson_interval
from hvit_edge.profile.flame_chart import ASSETS, asset, chart
from hvit_edge.profile.profiling import OperatorCost, Profile
from hvit_edge.report import charts
from hvit_edge.report.photos import SHOWN, changed, thumbnail, worst
from hvit_edge.report.read_results import Results

MEASURES = {
    "classify": ("top-1", "top1"),
    "segment": ("mean IoU", "mean_iou"),
    "detect": ("mAP", "mean_precision"),
}
MOST_CLASSES = 40  # of a confusion matrix
MOST_LAYERS = 30


def render(results: Sequence[Results], *, data: str | None = None) -> str:
    """Return the text of the page, which loads no other file.

    Args:
        results: of the artifacts, side by side in this order.
        data: the images of the answers; None for the path that the answers name.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html.jinja").render(
        style=asset("page.css"),
        script=asset("flame.js"),
        rows=[_row(each) for each in results],
        pareto=_pareto(results),
        changed=_changed(results, data),
        artifacts=[_sections(each, data) for each in results],
        version=__version__,
        machine=f"{platform.machine()}, {platform.system()} {platform.release()}",
    )


def _accuracy(results: Results) -> tuple[str, float, tuple[float, float] | None] | None:
    """Return name, value and interval of the accuracy; None if it was not measured."""
    found = results.evaluation
    if found is not None and found["task"] in MEASURES:
        name, key = MEASURES[found["task"]]
        return name, found[key], found.get(f"{key}_interval")
    if results.peer is not None and "accuracy" in results.peer:
        return results.peer.get("measure", "top-1"), results.peer["accuracy"], None
    return None


def _time(results: Results) -> float | None:
    if results.latency is not None:
        return results.latency["latency_ms"]["p50"]
    return (results.peer or {}).get("latency_ms")


def _size(results: Results) -> float | None:
    return (results.description or results.peer or {}).get("bytes")


def _row(results: Results) -> dict[str, Any]:
    """Return the line of an artifact in the overview."""
    metadata = (results.description or {}).get("metadata", {})
    steps = (results.validation or {}).get("steps", [])
    parity = steps[-1] if steps else metadata.get("parity")
    outputs = [] if parity is None else parity.get("outputs", [parity])
    return {
        "name": results.name,
        "target": metadata.get("target"),
        "precision": metadata.get("precision"),
        "size": _size(results),
        "difference": max((each["max_rel"] for each in outputs), default=None),
        "accuracy": _accuracy(results),
        "time": _time(results),
    }


def _pareto(results: Sequence[Results]) -> str | None:
    """Return the plot; None for less than two artifacts with the same measure and a time."""
    points, measures = [], set()
    for each in results:
        accuracy, time = _accuracy(each), _time(each)
        if accuracy is not None and time is not None:
            points.append(charts.Point(each.name, time, accuracy[1], _size(each)))
            measures.add(accuracy[0])
    return charts.pareto(points, measures.pop()) if len(points) > 1 and len(measures) == 1 else None


def _sections(results: Results, data: str | None) -> dict[str, Any]:
    """Return what the page says of one artifact."""
    layers = [
        (each["layer"], each["sqnr_db"])
        for each in (results.validation or {}).get("layers", [])
        if isinstance(each["sqnr_db"], int | float)
    ][:MOST_LAYERS]
    latency = (results.latency or {}).get("latency_ms", {})
    metadata = (results.description or {}).get("metadata", {})
    return {
        "results": results,
        "layers": charts.bars("SQNR by layer", layers, "dB") if layers else None,
        "latency": charts.bars("latency", list(latency.items()), "ms") if latency else None,
        "flame": chart(_profile(results.profile)) if results.profile else None,
        "classes": _classes(results.evaluation),
        "confusion": _confusion(results),
        "photos": _photos(results, data),
        "metadata": [
            (name, value) for name, value in metadata.items() if isinstance(value, str | int)
        ],
    }


def _profile(values: dict[str, Any]) -> Profile:
    operators = tuple(
        OperatorCost(each["name"], each["group"], each["module"], each["cost"])
        for each in values["operators"]
    )
    names = ("artifact", "device", "unit", "threads", "iterations", "warmup", "inference")
    return Profile(
        **{name: values[name] for name in names}, outside=values["outside"], operators=operators
    )


def _classes(evaluation: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return label, number, accuracy and interval of each class, the worst first."""
    if evaluation is None or evaluation["task"] not in MEASURES:
        return []
    rows = []
    for row in evaluation["per_class"]:
        key = next(name for name in ("top1", "iou", "precision") if name in row)
        number = row.get("images", row.get("objects", row.get("pixels")))
        interval = wilson_interval(round(row[key] * number), number) if key == "top1" else None
        rows.append({**row, "number": number, "value": row[key], "interval": interval})
    return sorted(rows, key=lambda row: row["value"])


def _confusion(results: Results) -> dict[str, Any] | None:
    """Return the matrix of true and predicted classes; None without answers of a classifier."""
    header = results.header
    if header is None or header["task"] != "classify" or results.answers is None:
        return None
    labels = {int(index): label for index, label in header["labels"].items()}
    if not labels or len(labels) > MOST_CLASSES:
        return None
    pairs = [(row["label"], row["predicted"]) for row in results.answers if "predicted" in row]
    counts, totals = Counter(pairs), Counter(true for true, _ in pairs)
    rows = [
        (
            labels[true],
            [(counts[true, guess], counts[true, guess] / totals[true]) for guess in labels],
        )
        for true in labels
        if totals[true]
    ]
    return {"labels": list(labels.values()), "rows": rows}


def _label(results: Results, index: int) -> str:
    return (results.header or {"labels": {}})["labels"].get(str(index), f"class {index}")


def _photos(results: Results, data: str | None) -> list[dict[str, Any]]:
    """Return the images with the worst answers."""
    if results.header is None or results.answers is None:
        return []
    task, folder = results.header["task"], data or results.header["data"]
    found = []
    for row in worst(results.answers, task):
        if task == "classify":
            guess, true = _label(results, row["predicted"]), _label(results, row["label"])
            said = f"{guess} instead of {true}"
        elif task == "segment":
            said = f"IoU {row['iou']:.2%}"
        else:
            said = f"{len(row['boxes'])} boxes found, {len(row['objects'])} true"
        picture = thumbnail(folder, row["name"])
        found.append({**row, "said": said, "picture": picture, "box_list": row.get("boxes", [])})
    return found


def _changed(results: Sequence[Results], data: str | None) -> dict[str, Any] | None:
    """Return the images that the first two classifiers with answers classify differently."""
    answered = [
        each for each in results if each.header is not None and each.header["task"] == "classify"
    ]
    if len(answered) < 2:
        return None
    one, two = answered[:2]
    assert one.header is not None
    pairs = changed(one.answers or [], two.answers or [])
    photos = [
        {
            "name": first["name"],
            "picture": thumbnail(data or one.header["data"], first["name"]),
            "true": _label(one, first["label"]),
            "first": _label(one, first["predicted"]),
            "second": _label(two, second["predicted"]),
        }
        for first, second in pairs[:SHOWN]
    ]
    return {"one": one.name, "two": two.name, "number": len(pairs), "photos": photos}
