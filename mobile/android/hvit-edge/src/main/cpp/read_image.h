// Frame.java as an hve_image.
#pragma once

#include <jni.h>

#include <cstddef>
#include <cstdint>

#include "hvit_edge/c_api.h"

namespace hvit_edge::jni {

/// `image` points into the buffers, which live as long as Java's call. false: an exception is
/// pending. What the numbers say is checked by the C interface.
bool read_image(JNIEnv* env, jobjectArray buffers, jintArray numbers, hve_image& image);

/// The bytes of a direct ByteBuffer that was sliced. false: an exception is pending.
bool read_buffer(JNIEnv* env, jobject buffer, const std::uint8_t*& data, std::size_t& size);

}  // namespace hvit_edge::jni
