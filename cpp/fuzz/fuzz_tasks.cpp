// Calls of embedders, segmenters and detectors of the C interface, with images of any size and
// options of any number. Buffers have exactly their capacity. fuzz_c_api.cpp has the other calls.
#include <fuzzer/FuzzedDataProvider.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "hvit_edge/c_api.h"
#include "room.h"

namespace {

using hvit_edge::fuzzing::Buffer;
using hvit_edge::fuzzing::require;
using hvit_edge::fuzzing::Room;
using hvit_edge::fuzzing::Text;

#if defined(HVIT_EDGE_SMALL)
constexpr char kKind[] = "native_";
#else
constexpr char kKind[] = "";
#endif

std::string artifact(const char* task) {
  return std::string(HVIT_EDGE_TEST_DATA "/") + kKind + task + "_v2.pte";
}

// Handles that stay open.
struct Handles {
  Handles() {
    hve_options options = HVE_OPTIONS_INIT;
    options.threads = 1;
    require(hve_embedder_open(artifact("embed").c_str(), &options, &embedder, nullptr) == HVE_OK);
    require(hve_segmenter_open(artifact("segment").c_str(), &options, &segmenter, nullptr) ==
            HVE_OK);
    require(hve_detector_open(artifact("detect").c_str(), &options, &detector, nullptr) == HVE_OK);
  }
  hve_embedder* embedder = nullptr;
  hve_segmenter* segmenter = nullptr;
  hve_detector* detector = nullptr;
};

const Handles& handles() {
  static const auto& lasting = *new Handles();
  return lasting;
}

// An image whose buffer ends with its last pixel, or seldom one byte before.
struct Image {
  explicit Image(FuzzedDataProvider& given)
      : width(given.ConsumeIntegralInRange(1, 80)),
        height(given.ConsumeIntegralInRange(1, 80)),
        format(given.ConsumeIntegralInRange<int>(HVE_FORMAT_RGB888, HVE_FORMAT_GRAY8)),
        short_by(given.ConsumeIntegralInRange(0, 31) == 0 ? 1U : 0U),
        pixels(bytes()) {
    image.planes[0] = {pixels.data(), bytes(), 0, 0};
    image.width = width;
    image.height = height;
    image.format = format;
    image.rotation = 90 * given.ConsumeIntegralInRange(0, 3);
    image.mirror = given.ConsumeBool() ? 1 : 0;
    for (std::size_t i = 0; i < bytes(); ++i) {
      pixels.data()[i] = static_cast<std::uint8_t>(i * 7 + i / 64);
    }
  }

  std::size_t count() const { return static_cast<std::size_t>(width * height); }
  std::size_t bytes() const {
    const std::size_t pixel = format == HVE_FORMAT_GRAY8 ? 1 : format == HVE_FORMAT_RGB888 ? 3 : 4;
    return count() * pixel - short_by;
  }

  int width;
  int height;
  int format;
  std::size_t short_by;
  Buffer<std::uint8_t> pixels;
  hve_image image = HVE_IMAGE_INIT;
};

void embed(FuzzedDataProvider& given) {
  const Image shown(given);
  const Room<float> room(given, 8);
  Text error(given);
  std::size_t count = 99;
  const hve_status status = hve_embedder_embed(handles().embedder, &shown.image, room.data(),
                                               room.capacity, &count, error);
  error.check_error(status);
  room.check(status, count);
  for (std::size_t i = 0; status == HVE_OK && room.data() != nullptr && i < count; ++i) {
    require(std::isfinite(room.data()[i]));
  }
}

void segment(FuzzedDataProvider& given) {
  const Image shown(given);
  const Room<std::uint8_t> classes(given, shown.count() + 1);
  const Room<float> confidence(given, given.ConsumeBool() ? shown.count() + 1 : 0);
  Text error(given);
  std::size_t count = 99;
  const hve_status status =
      hve_segmenter_segment(handles().segmenter, &shown.image, classes.data(), classes.capacity,
                            confidence.data(), confidence.capacity, &count, error);
  error.check_error(status);
  if (status != HVE_OK && status != HVE_BUFFER_TOO_SMALL) return require(count == 0);
  require(count == shown.count());
  if (status == HVE_BUFFER_TOO_SMALL || classes.data() == nullptr) return;
  for (std::size_t i = 0; i < count; ++i) {
    require(classes.data()[i] < 4);
    if (confidence.data() == nullptr) continue;
    require(confidence.data()[i] >= 0 && confidence.data()[i] <= 1);
  }
}

void detect(FuzzedDataProvider& given) {
  const Image shown(given);
  hve_detect_options options = HVE_DETECT_OPTIONS_INIT;
  if (given.ConsumeBool()) options.score_threshold = given.ConsumeFloatingPoint<float>();
  if (given.ConsumeBool()) options.score_threshold = given.ConsumeProbability<float>();
  if (given.ConsumeBool()) options.iou_threshold = given.ConsumeProbability<float>();
  if (given.ConsumeBool()) options.candidates = given.ConsumeIntegral<std::int32_t>();
  if (given.ConsumeBool()) options.max_detections = given.ConsumeIntegral<std::int32_t>();
  const Room<hve_detection> room(given, 40);
  Text error(given);
  std::size_t count = 99;
  const hve_status status = hve_detector_detect(handles().detector, &shown.image, &options,
                                                room.data(), room.capacity, &count, error);
  error.check_error(status);
  // Without a buffer, the largest number of boxes is given.
  if (room.data() != nullptr) room.check(status, count);
  for (std::size_t i = 0; status == HVE_OK && room.data() != nullptr && i < count; ++i) {
    const hve_detection& box = room.data()[i];
    require(box.index >= 1 && box.index < 4 && std::strlen(box.label) == box.label_size);
    require(box.score >= 0 && box.score <= 1);
    require(i == 0 || room.data()[i - 1].score >= box.score);
    constexpr float kRounding = 1e-3F;
    require(box.x >= 0 && box.width >= 0 && box.x + box.width <= shown.width + kRounding);
    require(box.y >= 0 && box.height >= 0 && box.y + box.height <= shown.height + kRounding);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider given(data, size);
  using Call = void (*)(FuzzedDataProvider&);
  constexpr Call kCalls[] = {embed, segment, detect};
  for (int i = 0; i < 8 && given.remaining_bytes() > 0; ++i) given.PickValueInArray(kCalls)(given);
  return 0;
}
