// The functions of C that open, close and describe the model of a task, by the numbers of
// Task.java.
#pragma once

#include <jni.h>

#include <cstdint>

#include "hvit_edge/c_api.h"

namespace hvit_edge::jni {

template <class Opened, auto Open, auto OpenMemory, auto Close, auto Session>
struct Functions {
  using Handle = Opened;
  static constexpr auto open = Open;
  static constexpr auto open_memory = OpenMemory;
  static constexpr auto close = Close;
  static constexpr auto session = Session;
};

using Classifiers = Functions<hve_classifier, hve_classifier_open, hve_classifier_open_memory,
                              hve_classifier_close, hve_classifier_session>;
using Embedders = Functions<hve_embedder, hve_embedder_open, hve_embedder_open_memory,
                            hve_embedder_close, hve_embedder_session>;
using Segmenters = Functions<hve_segmenter, hve_segmenter_open, hve_segmenter_open_memory,
                             hve_segmenter_close, hve_segmenter_session>;
using Detectors = Functions<hve_detector, hve_detector_open, hve_detector_open_memory,
                            hve_detector_close, hve_detector_session>;

/// Returns what `body` returns for the functions of a task.
template <class Body>
auto with_functions(jint task, Body body) -> decltype(body(Classifiers())) {
  switch (task) {
    case 1:
      return body(Embedders());
    case 2:
      return body(Segmenters());
    case 3:
      return body(Detectors());
    default:
      return body(Classifiers());
  }
}

template <class Opened>
Opened* to(jlong handle) {
  return reinterpret_cast<Opened*>(static_cast<std::intptr_t>(handle));
}

template <class Opened>
jlong to_handle(Opened* opened) {
  return static_cast<jlong>(reinterpret_cast<std::intptr_t>(opened));
}

}  // namespace hvit_edge::jni
