// The Java classes that the library makes objects of.
#pragma once

#include <jni.h>

#include <cstddef>
#include <cstdint>

#include "hvit_edge/c_api.h"

namespace hvit_edge::jni {

/// Looks the classes up, once, while the library is loaded. false: a Java exception is pending.
bool find_java_types(JNIEnv* env);

/// nullptr after these, too: a Java exception is pending, such as OutOfMemoryError.
jbyteArray to_bytes(JNIEnv* env, const char* text, std::size_t size);
jobject to_prediction(JNIEnv* env, const hve_prediction& prediction);
jobjectArray new_predictions(JNIEnv* env, std::size_t count);
jobjectArray new_byte_arrays(JNIEnv* env, std::size_t count);

/// Makes HvitEdgeException pending, unless an exception is already.
void throw_failure(JNIEnv* env, std::int32_t status, const char* reason);

}  // namespace hvit_edge::jni
