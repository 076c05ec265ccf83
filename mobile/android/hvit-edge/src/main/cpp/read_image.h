// Converts Frame.java to an hve_image.
#pragma once

#include <jni.h>

#include <cstddef>
#include <cstdint>

#include "hvit_edge/c_api.h"

namespace hvit_edge::jni {

/// Reads a frame. `image` points into the buffers, which live as long as Java's call. If it returns
/// false, an exception is pending. The C interface checks the numbers.
bool read_image(JNIEnv* env, jobjectArray buffers, jintArray numbers, hve_image& image);

/// Gives the bytes of a direct ByteBuffer that was sliced. If it returns false, an exception is
/// pending.
bool read_buffer(JNIEnv* env, jobject buffer, const std::uint8_t*& data, std::size_t& size);

}  // namespace hvit_edge::jni
