// Fills an array of Java with objects.
#pragma once

#include <jni.h>

#include <cstddef>

namespace hvit_edge::jni {

/// Stores the results of `make(i)`; returns nullptr if it or Java fails.
template <class Make>
jobjectArray fill(JNIEnv* env, jobjectArray array, std::size_t count, Make make) {
  if (array == nullptr) return nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    const jobject element = make(i);
    if (element == nullptr) return nullptr;
    env->SetObjectArrayElement(array, static_cast<jsize>(i), element);
    env->DeleteLocalRef(element);
  }
  return array;
}

}  // namespace hvit_edge::jni
