// System.loadLibrary("hvit_edge_jni"): registers the functions, so that nothing else is exported.
#include <cstring>

#include "hvit_edge/c_api.h"
#include "java_types.h"
#include "natives.h"

namespace hvit_edge::jni {
namespace {

jbyteArray version(JNIEnv* env, jclass) {
  const char* text = hve_version();
  return to_bytes(env, text, std::strlen(text));
}

JNINativeMethod method(const char* name, const char* signature, void* function) {
  return {const_cast<char*>(name), const_cast<char*>(signature), function};
}

bool register_natives(JNIEnv* env) {
  const jclass native = env->FindClass("io/github/hvitedge/Native");
  if (native == nullptr) return false;
  const JNINativeMethod natives[] = {
      method("version", "()[B", reinterpret_cast<void*>(version)),
      method("openFile", "([BI[B)J", reinterpret_cast<void*>(open_file)),
      method("openBuffer", "(Ljava/nio/ByteBuffer;I[B)J", reinterpret_cast<void*>(open_buffer)),
      method("openArray", "([BI[B)J", reinterpret_cast<void*>(open_array)),
      method("close", "(J)V", reinterpret_cast<void*>(close)),
      method("labels", "(J)[[B", reinterpret_cast<void*>(labels)),
      method("methods", "(J)[[B", reinterpret_cast<void*>(methods)),
      method("classCount", "(J)I", reinterpret_cast<void*>(class_count)),
      method("selfTest", "(J)[D", reinterpret_cast<void*>(self_test)),
      method("classify", "(J[Ljava/nio/ByteBuffer;[II)[Lio/github/hvitedge/Prediction;",
             reinterpret_cast<void*>(classify)),
  };
  constexpr jint count = sizeof(natives) / sizeof(natives[0]);
  return env->RegisterNatives(native, natives, count) == JNI_OK;
}

bool check_abi(JNIEnv* env) {
  if (hve_abi_version() == HVE_ABI_VERSION) return true;
  const jclass error = env->FindClass("java/lang/UnsatisfiedLinkError");
  if (error != nullptr) {
    env->ThrowNew(error,
                  "[hvit_edge_jni] expected libhvit_edge_c of the ABI that it was compiled for, "
                  "got another; package both from one build");
  }
  return false;
}

}  // namespace
}  // namespace hvit_edge::jni

extern "C" JNIEXPORT jint JNI_OnLoad(JavaVM* vm, void*) {
  using namespace hvit_edge::jni;
  JNIEnv* env = nullptr;
  if (vm->GetEnv(reinterpret_cast<void**>(&env), JNI_VERSION_1_6) != JNI_OK) return JNI_ERR;
  const bool ready = check_abi(env) && find_java_types(env) && register_natives(env);
  return ready ? JNI_VERSION_1_6 : JNI_ERR;
}
