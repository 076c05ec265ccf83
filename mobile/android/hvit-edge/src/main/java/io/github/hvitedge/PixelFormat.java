package io.github.hvitedge;

/** The layout of pixels in a frame's planes: HVE_FORMAT_... of c_api.h, in its order. */
public enum PixelFormat {
    RGB888,
    /** Alpha is ignored. */
    RGBA8888,
    BGRA8888,
    /** R = G = B. */
    GRAY8,
    /** Y, then U and V interleaved. */
    NV12,
    /** Y, then V and U interleaved. */
    NV21,
    /** Y, U, V. */
    I420
}
