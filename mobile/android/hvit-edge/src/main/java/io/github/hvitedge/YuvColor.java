package io.github.hvitedge;

/** The color encoding of a YUV frame: HVE_COLOR_... of c_api.h, in its order. */
public enum YuvColor {
    DEFAULT,
    /** Luma 0 to 255, as in JPEG. */
    BT601_FULL,
    /** Luma 16 to 235. */
    BT601_VIDEO,
    BT709_FULL,
    BT709_VIDEO
}
