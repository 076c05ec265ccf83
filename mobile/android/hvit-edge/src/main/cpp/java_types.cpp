#include "java_types.h"

#include <cstring>

namespace hvit_edge::jni {
namespace {

struct Type {
  jclass type = nullptr;
  jmethodID constructor = nullptr;
};

// Set while the library is loaded, and only read after that. The classes live as long as the
// process.
Type prediction_type;
Type detection_type;
Type exception_type;
Type byte_array_type;

bool find(JNIEnv* env, const char* name, const char* constructor, Type& found) {
  const jclass local = env->FindClass(name);
  if (local == nullptr) return false;
  found.type = static_cast<jclass>(env->NewGlobalRef(local));
  env->DeleteLocalRef(local);
  if (found.type == nullptr) return false;
  if (constructor == nullptr) return true;
  found.constructor = env->GetMethodID(found.type, "<init>", constructor);
  return found.constructor != nullptr;
}

}  // namespace

bool find_java_types(JNIEnv* env) {
  return find(env, "io/github/hvitedge/Prediction", "([BIF)V", prediction_type) &&
         find(env, "io/github/hvitedge/Detection", "([BIFFFFF)V", detection_type) &&
         find(env, "io/github/hvitedge/HvitEdgeException", "(I[B)V", exception_type) &&
         find(env, "[B", nullptr, byte_array_type);
}

jbyteArray to_bytes(JNIEnv* env, const char* text, std::size_t size) {
  const auto length = static_cast<jsize>(size);
  const jbyteArray bytes = env->NewByteArray(length);
  if (bytes == nullptr) return nullptr;
  env->SetByteArrayRegion(bytes, 0, length, reinterpret_cast<const jbyte*>(text));
  return bytes;
}

jobject to_prediction(JNIEnv* env, const hve_prediction& prediction) {
  const jbyteArray label = to_bytes(env, prediction.label, prediction.label_size);
  if (label == nullptr) return nullptr;
  const jobject made = env->NewObject(prediction_type.type, prediction_type.constructor, label,
                                      prediction.index, static_cast<double>(prediction.score));
  env->DeleteLocalRef(label);
  return made;
}

jobject to_detection(JNIEnv* env, const hve_detection& detection) {
  const jbyteArray label = to_bytes(env, detection.label, detection.label_size);
  if (label == nullptr) return nullptr;
  const jobject made =
      env->NewObject(detection_type.type, detection_type.constructor, label, detection.index,
                     static_cast<double>(detection.score), static_cast<double>(detection.x),
                     static_cast<double>(detection.y), static_cast<double>(detection.width),
                     static_cast<double>(detection.height));
  env->DeleteLocalRef(label);
  return made;
}

jobjectArray new_predictions(JNIEnv* env, std::size_t count) {
  return env->NewObjectArray(static_cast<jsize>(count), prediction_type.type, nullptr);
}

jobjectArray new_detections(JNIEnv* env, std::size_t count) {
  return env->NewObjectArray(static_cast<jsize>(count), detection_type.type, nullptr);
}

jobjectArray new_byte_arrays(JNIEnv* env, std::size_t count) {
  return env->NewObjectArray(static_cast<jsize>(count), byte_array_type.type, nullptr);
}

void throw_failure(JNIEnv* env, std::int32_t status, const char* reason) {
  if (env->ExceptionCheck()) return;
  const jbyteArray message = to_bytes(env, reason, std::strlen(reason));
  if (message == nullptr) return;
  const jobject exception = env->NewObject(exception_type.type, exception_type.constructor,
                                           static_cast<jint>(status), message);
  if (exception != nullptr) env->Throw(static_cast<jthrowable>(exception));
}

}  // namespace hvit_edge::jni
