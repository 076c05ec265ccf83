// The Java classes of the objects that the library creates.
#pragma once

#include <jni.h>

#include <cstddef>
#include <cstdint>

#include "hvit_edge/c_api.h"

namespace hvit_edge::jni {

/// Looks up the classes, once, while the library is loaded. If it returns false, a Java exception
/// is pending.
bool find_java_types(JNIEnv* env);

/// If these return nullptr, a Java exception is pending, such as OutOfMemoryError.
jbyteArray to_bytes(JNIEnv* env, const char* text, std::size_t size);
jobject to_prediction(JNIEnv* env, const hve_prediction& prediction);
jobject to_detection(JNIEnv* env, const hve_detection& detection);
jobjectArray new_predictions(JNIEnv* env, std::size_t count);
jobjectArray new_detections(JNIEnv* env, std::size_t count);
jobjectArray new_byte_arrays(JNIEnv* env, std::size_t count);

/// Makes HvitEdgeException pending, unless another exception is.
void throw_failure(JNIEnv* env, std::int32_t status, const char* reason);

}  // namespace hvit_edge::jni
