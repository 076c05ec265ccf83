// Native.java: the functions of an open classifier.
#include <algorithm>
#include <vector>

#include "boundary.h"
#include "fill.h"
#include "functions.h"
#include "natives.h"
#include "read_image.h"

namespace hvit_edge::jni {
namespace {

bool count_classes(JNIEnv* env, jlong handle, std::size_t& count) {
  Reason reason;
  return reason.accept(env, hve_classifier_class_count(to<hve_classifier>(handle), &count, reason));
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
    if (!reason.accept(env, hve_classifier_classify(to<hve_classifier>(handle), &image, top_k,
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

}  // namespace hvit_edge::jni
