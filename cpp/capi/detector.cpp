// hve_detector: maps an image to boxes.
#include "hvit_edge/detector.h"

#include <algorithm>

#include "boundary.h"
#include "handles.h"
#include "image_view.h"
#include "open.h"
#include "output.h"
#include "struct_size.h"
#include "text.h"

namespace hvit_edge::capi {
namespace {

constexpr std::size_t kFirstOptions =
    offsetof(hve_detect_options, max_detections) + sizeof(std::int32_t);

// A NaN is no default: C++ refuses it, like every other number that cannot be.
std::optional<double> given_threshold(float given) {
  if (given < 0) return std::nullopt;
  return given;
}

std::optional<int> given_count(std::int32_t given) {
  if (given == 0) return std::nullopt;
  return given;
}

Outcome read_detect_options(const char* where, const hve_detect_options* given,
                            DetectOptions& options) {
  hve_detect_options read = HVE_DETECT_OPTIONS_INIT;
  if (given != nullptr) {
    if (Outcome outcome = read_struct(where, given, kFirstOptions, read); !outcome.ok()) {
      return outcome;
    }
  }
  options.score_threshold = given_threshold(read.score_threshold);
  options.iou_threshold = given_threshold(read.iou_threshold);
  options.candidates = given_count(read.candidates);
  options.max_detections = given_count(read.max_detections);
  return {};
}

// A caller makes room for the count, so that it is not larger than the network can need.
Outcome most_detections(const char* where, hve_detector& handle, const DetectOptions& options,
                        std::size_t* count) {
  const DetectSpec& spec = handle.model.session().metadata().detect;
  const int most = options.max_detections.value_or(spec.max_detections);
  if (most < 1) {
    return refuse(where, concat("expected max_detections of at least 1, got ", most,
                                "; 0 asks for as many as the artifact says"));
  }
  const int candidates = options.candidates.value_or(spec.candidates);
  const std::size_t compared =
      std::min(spec.anchors.size(), candidates < 1 ? 1 : static_cast<std::size_t>(candidates));
  const auto classes = static_cast<std::size_t>(handle.model.num_classes());
  *count = std::min(static_cast<std::size_t>(most), compared * classes);
  return {};
}

// Reports how many boxes there are; writes them only if all fit.
Outcome detect(const char* where, hve_detector& handle, const hve_image* image,
               const DetectOptions& options, hve_detection* detections, std::size_t capacity,
               std::size_t* count) {
  ImageView view;
  if (Outcome outcome = to_image_view(where, image, view); !outcome.ok()) return outcome;
  const std::lock_guard<std::mutex> one_at_a_time(handle.session.running);
  std::vector<Detection>& found = handle.detections;
  if (Status status = handle.model.detect(view, found, options); !status.ok()) return status;
  Outcome room = check_room(where, detections, capacity, found.size());
  *count = found.size();
  if (!room.ok()) return room;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Detection& box = found[i];
    const std::string& label = handle.labels[static_cast<std::size_t>(box.index)];
    detections[i] = {label.c_str(), label.size(), box.index, box.score,
                     box.x,         box.y,        box.width, box.height};
  }
  return {};
}

}  // namespace
}  // namespace hvit_edge::capi

using namespace hvit_edge::capi;

hve_status hve_detector_open(const char* path, const hve_options* options, hve_detector** detector,
                             hve_text* error) {
  constexpr char where[] = "hve_detector_open";
  return bounded(where, error,
                 [&] { return open_path<hvit_edge::Detector>(where, path, options, detector); });
}

hve_status hve_detector_open_memory(const void* data, size_t size, const hve_options* options,
                                    hve_detector** detector, hve_text* error) {
  constexpr char where[] = "hve_detector_open_memory";
  return bounded(where, error, [&] {
    return open_memory<hvit_edge::Detector>(where, data, size, options, detector);
  });
}

hve_status hve_detector_close(hve_detector** detector, hve_text* error) {
  constexpr char where[] = "hve_detector_close";
  return bounded(where, error, [&] { return close_model(where, detector); });
}

hve_status hve_detector_session(hve_detector* detector, hve_session** session, hve_text* error) {
  constexpr char where[] = "hve_detector_session";
  return bounded(where, error, [&] { return lend_session(where, detector, session); });
}

hve_status hve_detector_max_detections(hve_detector* detector, const hve_detect_options* options,
                                       size_t* count, hve_text* error) {
  constexpr char where[] = "hve_detector_max_detections";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, detector); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    hvit_edge::DetectOptions read;
    if (Outcome outcome = read_detect_options(where, options, read); !outcome.ok()) return outcome;
    return most_detections(where, *detector, read, count);
  });
}

hve_status hve_detector_detect(hve_detector* detector, const hve_image* image,
                               const hve_detect_options* options, hve_detection* detections,
                               size_t capacity, size_t* count, hve_text* error) {
  constexpr char where[] = "hve_detector_detect";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, detector); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    hvit_edge::DetectOptions read;
    if (Outcome outcome = read_detect_options(where, options, read); !outcome.ok()) return outcome;
    if (detections == nullptr) {
      if (Outcome room = check_room(where, detections, capacity, 0); !room.ok()) return room;
      return most_detections(where, *detector, read, count);
    }
    return detect(where, *detector, image, read, detections, capacity, count);
  });
}
