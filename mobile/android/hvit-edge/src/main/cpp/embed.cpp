// Native.java: the functions of an open embedder.
#include <vector>

#include "boundary.h"
#include "functions.h"
#include "natives.h"
#include "read_image.h"

namespace hvit_edge::jni {
namespace {

bool find_size(JNIEnv* env, jlong handle, std::size_t& size) {
  Reason reason;
  return reason.accept(env, hve_embedder_size(to<hve_embedder>(handle), &size, reason));
}

}  // namespace

jint embedding_size(JNIEnv* env, jclass, jlong handle) {
  std::size_t size = 0;
  find_size(env, handle, size);
  return static_cast<jint>(size);
}

jfloatArray embed(JNIEnv* env, jclass, jlong handle, jobjectArray buffers, jintArray numbers) {
  return bounded(env, [&]() -> jfloatArray {
    hve_image image = HVE_IMAGE_INIT;
    std::size_t size = 0;
    if (!read_image(env, buffers, numbers, image) || !find_size(env, handle, size)) return nullptr;
    std::vector<float> embedding(size);
    Reason reason;
    if (!reason.accept(env, hve_embedder_embed(to<hve_embedder>(handle), &image, embedding.data(),
                                               size, &size, reason))) {
      return nullptr;
    }
    const jfloatArray array = env->NewFloatArray(static_cast<jsize>(size));
    if (array == nullptr) return nullptr;
    env->SetFloatArrayRegion(array, 0, static_cast<jsize>(size), embedding.data());
    return array;
  });
}

jfloat cosine_similarity(JNIEnv* env, jclass, jfloatArray a, jfloatArray b) {
  return bounded(env, [&]() -> jfloat {
    const jsize size = env->GetArrayLength(a);
    std::vector<float> first(static_cast<std::size_t>(size));
    std::vector<float> second(first.size());
    env->GetFloatArrayRegion(a, 0, size, first.data());
    env->GetFloatArrayRegion(b, 0, size, second.data());
    return hve_cosine_similarity(first.data(), second.data(), first.size());
  });
}

}  // namespace hvit_edge::jni
