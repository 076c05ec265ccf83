// Native.java: what is known of any open model.
#include <vector>

#include "boundary.h"
#include "fill.h"
#include "functions.h"
#include "natives.h"

namespace hvit_edge::jni {
namespace {

bool find_session(JNIEnv* env, jint task, jlong handle, hve_session*& session) {
  return with_functions(task, [&](auto functions) {
    Reason reason;
    auto* opened = to<typename decltype(functions)::Handle>(handle);
    return reason.accept(env, functions.session(opened, &session, reason));
  });
}

jbyteArray read_item(JNIEnv* env, hve_session* session, int list, std::size_t index) {
  Reason reason;
  hve_text size = {nullptr, 0, 0};
  if (!reason.accept(env, hve_session_list_text(session, list, index, &size, reason))) {
    return nullptr;
  }
  std::vector<char> room(size.size + 1);
  hve_text text = {room.data(), room.size(), 0};
  if (!reason.accept(env, hve_session_list_text(session, list, index, &text, reason))) {
    return nullptr;
  }
  return to_bytes(env, text.data, text.size);
}

jobjectArray read_list(JNIEnv* env, jint task, jlong handle, int list) {
  return bounded(env, [&]() -> jobjectArray {
    hve_session* session = nullptr;
    std::size_t count = 0;
    Reason reason;
    if (!find_session(env, task, handle, session) ||
        !reason.accept(env, hve_session_list_count(session, list, &count, reason))) {
      return nullptr;
    }
    return fill(env, new_byte_arrays(env, count), count,
                [&](std::size_t i) { return read_item(env, session, list, i); });
  });
}

}  // namespace

jobjectArray labels(JNIEnv* env, jclass, jint task, jlong handle) {
  return read_list(env, task, handle, HVE_LIST_LABELS);
}

jobjectArray methods(JNIEnv* env, jclass, jint task, jlong handle) {
  return read_list(env, task, handle, HVE_LIST_METHODS);
}

jdoubleArray self_test(JNIEnv* env, jclass, jint task, jlong handle) {
  hve_session* session = nullptr;
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  Reason reason;
  if (!find_session(env, task, handle, session) ||
      !reason.accept(env, hve_session_self_test(session, &result, reason))) {
    return nullptr;
  }
  const jdouble values[] = {result.max_abs, result.max_rel, static_cast<double>(result.passed),
                            static_cast<double>(result.top1_agree)};
  const jdoubleArray array = env->NewDoubleArray(4);
  if (array != nullptr) env->SetDoubleArrayRegion(array, 0, 4, values);
  return array;
}

}  // namespace hvit_edge::jni
