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
      method("openFile", "(I[BI[B)J", reinterpret_cast<void*>(open_file)),
      method("openBuffer", "(ILjava/nio/ByteBuffer;I[B)J", reinterpret_cast<void*>(open_buffer)),
      method("openArray", "(I[BI[B)J", reinterpret_cast<void*>(open_array)),
      method("taskOfFile", "([B)[B", reinterpret_cast<void*>(task_of_file)),
      method("taskOfBuffer", "(Ljava/nio/ByteBuffer;)[B", reinterpret_cast<void*>(task_of_buffer)),
      method("taskOfArray", "([B)[B", reinterpret_cast<void*>(task_of_array)),
      method("close", "(IJ)V", reinterpret_cast<void*>(close)),
      method("labels", "(IJ)[[B", reinterpret_cast<void*>(labels)),
      method("methods", "(IJ)[[B", reinterpret_cast<void*>(methods)),
      method("selfTest", "(IJ)[D", reinterpret_cast<void*>(self_test)),
      method("classCount", "(J)I", reinterpret_cast<void*>(class_count)),
      method("classify", "(J[Ljava/nio/ByteBuffer;[II)[Lio/github/hvitedge/Prediction;",
             reinterpret_cast<void*>(classify)),
      method("embeddingSize", "(J)I", reinterpret_cast<void*>(embedding_size)),
      method("embed", "(J[Ljava/nio/ByteBuffer;[I)[F", reinterpret_cast<void*>(embed)),
      method("cosineSimilarity", "([F[F)F", reinterpret_cast<void*>(cosine_similarity)),
      method("colors", "(J)[B", reinterpret_cast<void*>(colors)),
      method("segment", "(J[Ljava/nio/ByteBuffer;[I[B[F)V", reinterpret_cast<void*>(segment)),
      method("detect", "(J[Ljava/nio/ByteBuffer;[IFFII)[Lio/github/hvitedge/Detection;",
             reinterpret_cast<void*>(detect)),
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
