#include "read_image.h"

#include "java_types.h"

namespace hvit_edge::jni {
namespace {

// Frame.numbers() has six numbers of the frame, then the two strides of each plane.
constexpr jsize kOfFrame = 6;
constexpr jsize kOfPlane = 2;
constexpr jsize kMostPlanes = 3;

}  // namespace

bool read_buffer(JNIEnv* env, jobject buffer, const std::uint8_t*& data, std::size_t& size) {
  data = static_cast<const std::uint8_t*>(env->GetDirectBufferAddress(buffer));
  const jlong capacity = env->GetDirectBufferCapacity(buffer);
  if (capacity < 0) {
    throw_failure(env, HVE_INVALID_ARGUMENT,
                  "[hvit_edge_jni] expected a direct ByteBuffer, got one without an address; use "
                  "ByteBuffer.allocateDirect()");
    return false;
  }
  size = static_cast<std::size_t>(capacity);
  return true;
}

bool read_image(JNIEnv* env, jobjectArray buffers, jintArray numbers, hve_image& image) {
  const jsize planes = env->GetArrayLength(buffers);
  jint read[kOfFrame + kOfPlane * kMostPlanes] = {};
  if (planes > kMostPlanes || env->GetArrayLength(numbers) != kOfFrame + kOfPlane * planes) {
    throw_failure(env, HVE_INTERNAL,
                  "[hvit_edge_jni] expected the numbers of a frame, got another count; use the "
                  "classes and the library of one version");
    return false;
  }
  env->GetIntArrayRegion(numbers, 0, kOfFrame + kOfPlane * planes, read);
  image.width = read[0];
  image.height = read[1];
  image.format = read[2];
  image.rotation = read[3];
  image.mirror = read[4];
  image.color = read[5];
  for (jsize i = 0; i < planes; ++i) {
    hve_plane& plane = image.planes[i];
    const jobject buffer = env->GetObjectArrayElement(buffers, i);
    const bool direct = read_buffer(env, buffer, plane.data, plane.size);
    env->DeleteLocalRef(buffer);
    if (!direct) return false;
    plane.row_stride = static_cast<std::size_t>(read[kOfFrame + kOfPlane * i]);
    plane.pixel_stride = static_cast<std::size_t>(read[kOfFrame + kOfPlane * i + 1]);
  }
  return true;
}

}  // namespace hvit_edge::jni
