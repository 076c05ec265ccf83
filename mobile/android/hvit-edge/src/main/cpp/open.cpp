// Native.java: opens and closes classifiers.
#include <string>

#include "boundary.h"
#include "natives.h"
#include "read_image.h"

namespace hvit_edge::jni {
namespace {

hve_options with_threads(jint threads) {
  hve_options options = HVE_OPTIONS_INIT;
  options.threads = threads;
  return options;
}

jlong open_memory(JNIEnv* env, const void* data, std::size_t size, jint threads) {
  const hve_options options = with_threads(threads);
  hve_classifier* classifier = nullptr;
  Reason reason;
  reason.accept(env, hve_classifier_open_memory(data, size, &options, &classifier, reason));
  return to_handle(classifier);
}

}  // namespace

jlong open_file(JNIEnv* env, jclass, jbyteArray path, jint threads) {
  return bounded(env, [&]() -> jlong {
    const jsize length = env->GetArrayLength(path);
    std::string text(static_cast<std::size_t>(length), '\0');
    env->GetByteArrayRegion(path, 0, length, reinterpret_cast<jbyte*>(text.data()));
    const hve_options options = with_threads(threads);
    hve_classifier* classifier = nullptr;
    Reason reason;
    reason.accept(env, hve_classifier_open(text.c_str(), &options, &classifier, reason));
    return to_handle(classifier);
  });
}

jlong open_buffer(JNIEnv* env, jclass, jobject artifact, jint threads) {
  return bounded(env, [&]() -> jlong {
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
    if (!read_buffer(env, artifact, data, size)) return 0;
    return open_memory(env, data, size, threads);
  });
}

jlong open_array(JNIEnv* env, jclass, jbyteArray artifact, jint threads) {
  return bounded(env, [&]() -> jlong {
    const jsize size = env->GetArrayLength(artifact);
    jbyte* data = env->GetByteArrayElements(artifact, nullptr);
    if (data == nullptr) return 0;
    const jlong handle = open_memory(env, data, static_cast<std::size_t>(size), threads);
    env->ReleaseByteArrayElements(artifact, data, JNI_ABORT);
    return handle;
  });
}

void close(JNIEnv* env, jclass, jlong handle) {
  hve_classifier* classifier = to_classifier(handle);
  Reason reason;
  reason.accept(env, hve_classifier_close(&classifier, reason));
}

}  // namespace hvit_edge::jni
