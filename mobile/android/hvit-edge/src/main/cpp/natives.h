// The functions of Native.java. After a failure, they return zero and a Java exception is pending.
#pragma once

#include <jni.h>

namespace hvit_edge::jni {

// Of the models of all tasks.
jlong open_file(JNIEnv* env, jclass, jint task, jbyteArray path, jint threads, jbyteArray method);
jlong open_buffer(JNIEnv* env, jclass, jint task, jobject artifact, jint threads,
                  jbyteArray method);
jlong open_array(JNIEnv* env, jclass, jint task, jbyteArray artifact, jint threads,
                 jbyteArray method);
jbyteArray task_of_file(JNIEnv* env, jclass, jbyteArray path);
jbyteArray task_of_buffer(JNIEnv* env, jclass, jobject artifact);
jbyteArray task_of_array(JNIEnv* env, jclass, jbyteArray artifact);
void close(JNIEnv* env, jclass, jint task, jlong handle);
jobjectArray labels(JNIEnv* env, jclass, jint task, jlong handle);
jobjectArray methods(JNIEnv* env, jclass, jint task, jlong handle);
jdoubleArray self_test(JNIEnv* env, jclass, jint task, jlong handle);

jobjectArray classify(JNIEnv* env, jclass, jlong handle, jobjectArray buffers, jintArray numbers,
                      jint top_k);
jint class_count(JNIEnv* env, jclass, jlong handle);

jint embedding_size(JNIEnv* env, jclass, jlong handle);
jfloatArray embed(JNIEnv* env, jclass, jlong handle, jobjectArray buffers, jintArray numbers);
jfloat cosine_similarity(JNIEnv* env, jclass, jfloatArray a, jfloatArray b);

jbyteArray colors(JNIEnv* env, jclass, jlong handle);
void segment(JNIEnv* env, jclass, jlong handle, jobjectArray buffers, jintArray numbers,
             jbyteArray classes, jfloatArray confidence);

jobjectArray detect(JNIEnv* env, jclass, jlong handle, jobjectArray buffers, jintArray numbers,
                    jfloat score_threshold, jfloat iou_threshold, jint candidates,
                    jint max_detections);

}  // namespace hvit_edge::jni
