// hve_segmenter: maps an image to the class of each pixel.
#include "hvit_edge/segmenter.h"

#include <algorithm>

#include "boundary.h"
#include "handles.h"
#include "image_view.h"
#include "open.h"
#include "output.h"
#include "text.h"

namespace hvit_edge::capi {
namespace {

// The buffers of hve_segmenter_segment().
struct MaskRoom {
  std::uint8_t* classes;
  std::size_t capacity;
  float* confidence;
  std::size_t confidence_capacity;
};

Outcome check_mask_room(const char* where, const MaskRoom& room, std::size_t pixels,
                        std::size_t* count) {
  Outcome classes = check_room(where, room.classes, room.capacity, pixels);
  Outcome confidence = check_room(where, room.confidence, room.confidence_capacity, pixels);
  Outcome& first = classes.ok() ? confidence : classes;
  if (first.ok() || first.code() == HVE_BUFFER_TOO_SMALL) *count = pixels;
  if (!first.ok()) return first;
  if (room.classes != nullptr || room.confidence == nullptr) return {};
  *count = 0;
  return refuse(where,
                "expected a buffer for the classes, got NULL with one for the confidence; "
                "pass both");
}

Outcome segment(hve_segmenter& handle, const ImageView& view, const MaskRoom& room) {
  const std::lock_guard<std::mutex> one_at_a_time(handle.session.running);
  SegmentOptions options;
  options.confidence = room.confidence != nullptr;
  if (Status status = handle.model.segment(view, handle.mask, options); !status.ok()) return status;
  const Mask& mask = handle.mask;
  std::copy(mask.classes.begin(), mask.classes.end(), room.classes);
  if (options.confidence) {
    std::copy(mask.confidence.begin(), mask.confidence.end(), room.confidence);
  }
  return {};
}

}  // namespace
}  // namespace hvit_edge::capi

using namespace hvit_edge::capi;

hve_status hve_segmenter_open(const char* path, const hve_options* options,
                              hve_segmenter** segmenter, hve_text* error) {
  constexpr char where[] = "hve_segmenter_open";
  return bounded(where, error,
                 [&] { return open_path<hvit_edge::Segmenter>(where, path, options, segmenter); });
}

hve_status hve_segmenter_open_memory(const void* data, size_t size, const hve_options* options,
                                     hve_segmenter** segmenter, hve_text* error) {
  constexpr char where[] = "hve_segmenter_open_memory";
  return bounded(where, error, [&] {
    return open_memory<hvit_edge::Segmenter>(where, data, size, options, segmenter);
  });
}

hve_status hve_segmenter_close(hve_segmenter** segmenter, hve_text* error) {
  constexpr char where[] = "hve_segmenter_close";
  return bounded(where, error, [&] { return close_model(where, segmenter); });
}

hve_status hve_segmenter_session(hve_segmenter* segmenter, hve_session** session, hve_text* error) {
  constexpr char where[] = "hve_segmenter_session";
  return bounded(where, error, [&] { return lend_session(where, segmenter, session); });
}

hve_status hve_segmenter_class_count(hve_segmenter* segmenter, size_t* count, hve_text* error) {
  constexpr char where[] = "hve_segmenter_class_count";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, segmenter); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    *count = static_cast<size_t>(segmenter->model.num_classes());
    return {};
  });
}

hve_status hve_segmenter_colors(hve_segmenter* segmenter, uint8_t* colors, size_t capacity,
                                size_t* count, hve_text* error) {
  constexpr char where[] = "hve_segmenter_colors";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, segmenter); !outcome.ok()) return outcome;
    std::vector<std::uint8_t> bytes;
    for (int i = 0; i < segmenter->model.num_classes(); ++i) {
      const hvit_edge::Color color = segmenter->model.color(i);
      bytes.insert(bytes.end(), {color.red, color.green, color.blue});
    }
    return give_values(where, bytes.data(), bytes.size(), colors, capacity, count);
  });
}

hve_status hve_segmenter_segment(hve_segmenter* segmenter, const hve_image* image, uint8_t* classes,
                                 size_t capacity, float* confidence, size_t confidence_capacity,
                                 size_t* count, hve_text* error) {
  constexpr char where[] = "hve_segmenter_segment";
  if (count != nullptr) *count = 0;
  return bounded(where, error, [&]() -> Outcome {
    if (Outcome outcome = check_handle(where, segmenter); !outcome.ok()) return outcome;
    if (Outcome outcome = check_place(where, count, "count"); !outcome.ok()) return outcome;
    hvit_edge::ImageView view;
    if (Outcome outcome = to_image_view(where, image, view); !outcome.ok()) return outcome;
    const auto pixels =
        static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.height);
    const MaskRoom room{classes, capacity, confidence, confidence_capacity};
    Outcome checked = check_mask_room(where, room, pixels, count);
    if (!checked.ok() || classes == nullptr) return checked;
    Outcome outcome = segment(*segmenter, view, room);
    if (!outcome.ok()) *count = 0;
    return outcome;
  });
}
