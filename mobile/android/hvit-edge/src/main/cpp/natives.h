// The functions of Native.java. After a failure, they return zero and a Java exception is pending.
#pragma once

#include <jni.h>

namespace hvit_edge::jni {

jlong open_file(JNIEnv* env, jclass, jbyteArray path, jint threads, jbyteArray method);
jlong open_buffer(JNIEnv* env, jclass, jobject artifact, jint threads, jbyteArray method);
jlong open_array(JNIEnv* env, jclass, jbyteArray artifact, jint threads, jbyteArray method);
void close(JNIEnv* env, jclass, jlong handle);

jobjectArray classify(JNIEnv* env, jclass, jlong handle, jobjectArray buffers, jintArray numbers,
                      jint top_k);
jint class_count(JNIEnv* env, jclass, jlong handle);
jobjectArray labels(JNIEnv* env, jclass, jlong handle);
jobjectArray methods(JNIEnv* env, jclass, jlong handle);
jdoubleArray self_test(JNIEnv* env, jclass, jlong handle);

}  // namespace hvit_edge::jni
