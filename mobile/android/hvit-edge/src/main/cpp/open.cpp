// Native.java: opens and closes models.
#include <string>

#include "boundary.h"
#include "functions.h"
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

// Opens with `open(options, handle, reason)`.
template <class Functions, class Open>
jlong opened(JNIEnv* env, const Options& options, Open open) {
  typename Functions::Handle* handle = nullptr;
  Reason reason;
  reason.accept(env, open(&options.c, &handle, reason));
  return to_handle(handle);
}

jlong open_memory(JNIEnv* env, jint task, const void* data, std::size_t size,
                  const Options& options) {
  return with_functions(task, [&](auto functions) {
    return opened<decltype(functions)>(
        env, options, [&](auto... rest) { return functions.open_memory(data, size, rest...); });
  });
}

// Returns the task of an artifact that `open(options, session, reason)` opens.
template <class Open>
jbyteArray task_of(JNIEnv* env, Open open) {
  hve_options options = HVE_OPTIONS_INIT;
  options.prepare_later = 1;  // only the metadata is read
  hve_session* session = nullptr;
  Reason reason;
  if (!reason.accept(env, open(&options, &session, reason))) return nullptr;
  char name[64] = "";
  hve_text text = HVE_TEXT(name);
  const hve_status status = hve_session_text(session, HVE_TEXT_TASK, &text, reason);
  hve_session_close(&session, nullptr);
  return reason.accept(env, status) ? to_bytes(env, name, text.size) : nullptr;
}

// Calls `use(data, size)` with the bytes of an array.
template <class Use>
auto with_bytes(JNIEnv* env, jbyteArray array, Use use) -> decltype(use(nullptr, 0)) {
  const jsize size = env->GetArrayLength(array);
  jbyte* data = env->GetByteArrayElements(array, nullptr);
  if (data == nullptr) return {};
  const auto result = use(data, static_cast<std::size_t>(size));
  env->ReleaseByteArrayElements(array, data, JNI_ABORT);
  return result;
}

}  // namespace

jlong open_file(JNIEnv* env, jclass, jint task, jbyteArray path, jint threads, jbyteArray method) {
  return bounded(env, [&]() -> jlong {
    const std::string text = to_text(env, path);
    const Options options(env, threads, method);
    return with_functions(task, [&](auto functions) {
      return opened<decltype(functions)>(
          env, options, [&](auto... rest) { return functions.open(text.c_str(), rest...); });
    });
  });
}

jlong open_buffer(JNIEnv* env, jclass, jint task, jobject artifact, jint threads,
                  jbyteArray method) {
  return bounded(env, [&]() -> jlong {
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
    if (!read_buffer(env, artifact, data, size)) return 0;
    return open_memory(env, task, data, size, Options(env, threads, method));
  });
}

jlong open_array(JNIEnv* env, jclass, jint task, jbyteArray artifact, jint threads,
                 jbyteArray method) {
  return bounded(env, [&]() -> jlong {
    const Options options(env, threads, method);
    return with_bytes(env, artifact, [&](const void* data, std::size_t size) {
      return open_memory(env, task, data, size, options);
    });
  });
}

jbyteArray task_of_file(JNIEnv* env, jclass, jbyteArray path) {
  return bounded(env, [&]() -> jbyteArray {
    const std::string text = to_text(env, path);
    return task_of(env, [&](auto... rest) { return hve_session_open(text.c_str(), rest...); });
  });
}

jbyteArray task_of_buffer(JNIEnv* env, jclass, jobject artifact) {
  return bounded(env, [&]() -> jbyteArray {
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
    if (!read_buffer(env, artifact, data, size)) return nullptr;
    return task_of(env, [&](auto... rest) { return hve_session_open_memory(data, size, rest...); });
  });
}

jbyteArray task_of_array(JNIEnv* env, jclass, jbyteArray artifact) {
  return bounded(env, [&]() -> jbyteArray {
    return with_bytes(env, artifact, [&](const void* data, std::size_t size) {
      return task_of(env,
                     [&](auto... rest) { return hve_session_open_memory(data, size, rest...); });
    });
  });
}

void close(JNIEnv* env, jclass, jint task, jlong handle) {
  with_functions(task, [&](auto functions) {
    auto* closing = to<typename decltype(functions)::Handle>(handle);
    Reason reason;
    return reason.accept(env, functions.close(&closing, reason));
  });
}

}  // namespace hvit_edge::jni
