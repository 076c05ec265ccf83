"""Return the metadata of an artifact as plain values for JSON. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, replace

from hvit_edge.artifact.metadata import Metadata


def metadata_fields(metadata: Metadata) -> dict:
    """Return all fields of `metadata`; `anchors` in `detect` is their number, not their values."""
    fields = asdict(replace(metadata, versions=dict(metadata.versions), detect=None))
    if metadata.detect is not None:
        fields["detect"] = {**asdict(metadata.detect), "anchors": len(metadata.detect.anchors)}
    return fields
