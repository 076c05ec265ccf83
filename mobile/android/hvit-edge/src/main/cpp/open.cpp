// Native.java: opens and closes classifiers.
#include <string>

#include "boundary.h"
#include "natives.h"
#include "read_image.h"

namespace hvit_edge::jni {
namespace {

std::string to_text(JNIEnv* env, jbyteArray bytes) {
  const jsize length = bytes == nullptr ? 0 : env->GetArrayLength(bytes);
  std::string text(static_cast<std::size_t>(length), '\0');
  if (bytes != nullptr) {
    env->GetByteArrayRegion(bytes, 0, length, reinterpret_cast<jbyte*>(text.data()));
  }
  return text;
}

struct Options {
  Options(JNIEnv* env, jint threads, jbyteArray method) : name(to_text(env, method)) {
    c.threads = threads;
    c.method = name.c_str();
  }

  std::string name;
  hve_options c = HVE_OPTIONS_INIT;
};

jlong open_memory(JNIEnv* env, const void* data, std::size_t size, const Options& options) {
  hve_classifier* classifier = nullptr;
  Reason reason;
  reason.accept(env, hve_classifier_open_memory(data, size, &options.c, &classifier, reason));
  return to_handle(classifier);
}

}  // namespace

jlong open_file(JNIEnv* env, jclass, jbyteArray path, jint threads, jbyteArray method) {
  return bounded(env, [&]() -> jlong {
    const std::string text = to_text(env, path);
    const Options options(env, threads, method);
    hve_classifier* classifier = nullptr;
    Reason reason;
    reason.accept(env, hve_classifier_open(text.c_str(), &options.c, &classifier, reason));
    return to_handle(classifier);
  });
}

jlong open_buffer(JNIEnv* env, jclass, jobject artifact, jint threads, jbyteArray method) {
  return bounded(env, [&]() -> jlong {
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
    if (!read_buffer(env, artifact, data, size)) return 0;
    return open_memory(env, data, size, Options(env, threads, method));
  });
}

jlong open_array(JNIEnv* env, jclass, jbyteArray artifact, jint threads, jbyteArray method) {
  return bounded(env, [&]() -> jlong {
    const Options options(env, threads, method);
    const jsize size = env->GetArrayLength(artifact);
    jbyte* data = env->GetByteArrayElements(artifact, nullptr);
    if (data == nullptr) return 0;
    const jlong handle = open_memory(env, data, static_cast<std::size_t>(size), options);
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
