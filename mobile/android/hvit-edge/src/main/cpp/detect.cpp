// Native.java: the functions of an open detector.
#include <algorithm>
#include <vector>

#include "boundary.h"
#include "fill.h"
#include "functions.h"
#include "natives.h"
#include "read_image.h"

namespace hvit_edge::jni {
namespace {

// Room for more boxes than this is made only for an image that has more.
constexpr std::size_t kUsually = 1000;

}  // namespace

jobjectArray detect(JNIEnv* env, jclass, jlong handle, jobjectArray buffers, jintArray numbers,
                    jfloat score_threshold, jfloat iou_threshold, jint candidates,
                    jint max_detections) {
  return bounded(env, [&]() -> jobjectArray {
    auto* detector = to<hve_detector>(handle);
    hve_image image = HVE_IMAGE_INIT;
    if (!read_image(env, buffers, numbers, image)) return nullptr;
    hve_detect_options options = HVE_DETECT_OPTIONS_INIT;
    options.score_threshold = score_threshold;
    options.iou_threshold = iou_threshold;
    options.candidates = candidates;
    options.max_detections = max_detections;
    std::size_t count = 0;
    Reason reason;
    if (!reason.accept(env, hve_detector_max_detections(detector, &options, &count, reason))) {
      return nullptr;
    }
    std::vector<hve_detection> found(std::min(count, kUsually));
    hve_status status = HVE_BUFFER_TOO_SMALL;
    while (status == HVE_BUFFER_TOO_SMALL) {
      status = hve_detector_detect(detector, &image, &options, found.data(), found.size(), &count,
                                   reason);
      if (status == HVE_BUFFER_TOO_SMALL) found.resize(count);
    }
    if (!reason.accept(env, status)) return nullptr;
    return fill(env, new_detections(env, count), count,
                [&](std::size_t i) { return to_detection(env, found[i]); });
  });
}

}  // namespace hvit_edge::jni
