// Native.java: the functions of an open classifier.
#include <algorithm>
#include <vector>

#include "boundary.h"
#include "natives.h"
#include "read_image.h"

namespace hvit_edge::jni {
namespace {

bool count_classes(JNIEnv* env, jlong handle, std::size_t& count) {
  Reason reason;
  return reason.accept(env, hve_classifier_class_count(to_classifier(handle), &count, reason));
}

bool find_session(JNIEnv* env, jlong handle, hve_session*& session) {
  Reason reason;
  return reason.accept(env, hve_classifier_session(to_classifier(handle), &session, reason));
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

// Stores the results of `make(i)`; returns nullptr if it or Java fails.
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

jobjectArray read_list(JNIEnv* env, jlong handle, int list) {
  return bounded(env, [&]() -> jobjectArray {
    hve_session* session = nullptr;
    std::size_t count = 0;
    Reason reason;
    if (!find_session(env, handle, session) ||
        !reason.accept(env, hve_session_list_count(session, list, &count, reason))) {
      return nullptr;
    }
    return fill(env, new_byte_arrays(env, count), count,
                [&](std::size_t i) { return read_item(env, session, list, i); });
  });
}

}  // namespace

jobjectArray classify(JNIEnv* env, jclass, jlong handle, jobjectArray buffers, jintArray numbers,
                      jint top_k) {
  return bounded(env, [&]() -> jobjectArray {
    hve_image image = HVE_IMAGE_INIT;
    std::size_t classes = 0;
    if (!read_image(env, buffers, numbers, image) || !count_classes(env, handle, classes)) {
      return nullptr;
    }
    // At least one, because a capacity of 0 would only ask for the size.
    const std::size_t room = std::max<std::size_t>(
        1, std::min(classes, static_cast<std::size_t>(std::max<jint>(top_k, 1))));
    std::vector<hve_prediction> found(room);
    std::size_t count = 0;
    Reason reason;
    if (!reason.accept(env, hve_classifier_classify(to_classifier(handle), &image, top_k,
                                                    found.data(), room, &count, reason))) {
      return nullptr;
    }
    return fill(env, new_predictions(env, count), count,
                [&](std::size_t i) { return to_prediction(env, found[i]); });
  });
}

jint class_count(JNIEnv* env, jclass, jlong handle) {
  std::size_t count = 0;
  count_classes(env, handle, count);
  return static_cast<jint>(count);
}

jobjectArray labels(JNIEnv* env, jclass, jlong handle) {
  return read_list(env, handle, HVE_LIST_LABELS);
}

jobjectArray methods(JNIEnv* env, jclass, jlong handle) {
  return read_list(env, handle, HVE_LIST_METHODS);
}

jdoubleArray self_test(JNIEnv* env, jclass, jlong handle) {
  hve_session* session = nullptr;
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  Reason reason;
  if (!find_session(env, handle, session) ||
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
