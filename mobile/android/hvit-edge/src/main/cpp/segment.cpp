// Native.java: the functions of an open segmenter.
#include <algorithm>
#include <vector>

#include "boundary.h"
#include "functions.h"
#include "natives.h"
#include "read_image.h"

namespace hvit_edge::jni {

jbyteArray colors(JNIEnv* env, jclass, jlong handle) {
  return bounded(env, [&]() -> jbyteArray {
    auto* segmenter = to<hve_segmenter>(handle);
    std::size_t count = 0;
    Reason reason;
    if (!reason.accept(env, hve_segmenter_colors(segmenter, nullptr, 0, &count, reason))) {
      return nullptr;
    }
    std::vector<std::uint8_t> bytes(count);
    if (!reason.accept(env, hve_segmenter_colors(segmenter, bytes.data(), count, &count, reason))) {
      return nullptr;
    }
    return to_bytes(env, reinterpret_cast<const char*>(bytes.data()), count);
  });
}

void segment(JNIEnv* env, jclass, jlong handle, jobjectArray buffers, jintArray numbers,
             jbyteArray classes, jfloatArray confidence) {
  bounded(env, [&]() -> bool {
    hve_image image = HVE_IMAGE_INIT;
    if (!read_image(env, buffers, numbers, image)) return false;
    // At least one, because a capacity of 0 would only ask for the size.
    const jsize pixels = env->GetArrayLength(classes);
    const std::size_t room = std::max<std::size_t>(1, static_cast<std::size_t>(pixels));
    std::vector<std::uint8_t> found(room);
    std::vector<float> sure(confidence == nullptr ? 0 : room);
    std::size_t count = 0;
    Reason reason;
    if (!reason.accept(env,
                       hve_segmenter_segment(to<hve_segmenter>(handle), &image, found.data(),
                                             found.size(), sure.empty() ? nullptr : sure.data(),
                                             sure.size(), &count, reason))) {
      return false;
    }
    env->SetByteArrayRegion(classes, 0, pixels, reinterpret_cast<const jbyte*>(found.data()));
    if (confidence != nullptr) env->SetFloatArrayRegion(confidence, 0, pixels, sure.data());
    return true;
  });
}

}  // namespace hvit_edge::jni
