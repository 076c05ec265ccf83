// Artifacts of arbitrary bytes: loading refuses them with a reason, or returns a session with
// metadata. The mutator seals what it made, so that the fuzzer gets past the checksum. Inputs are
// complete files, as a session reads them.
//
// HVIT_EDGE_FUZZ_RUN=1 also prepares and runs the models. Models that were tampered with then end
// the process inside ExecuTorch's delegate, which trusts its part of the file: see
// docs/embedding.md.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "artifact/crc32.h"
#include "hvit_edge/classifier.h"
#include "hvit_edge/detector.h"
#include "hvit_edge/embedder.h"
#include "hvit_edge/segmenter.h"
#include "hvit_edge/session.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using hvit_edge::Classifier;
using hvit_edge::Detector;
using hvit_edge::Embedder;
using hvit_edge::Result;
using hvit_edge::Segmenter;
using hvit_edge::Session;
using hvit_edge::SessionOptions;
using hvit_edge::Status;
using hvit_edge::StatusCode;
using hvit_edge::TensorView;

constexpr std::size_t kSealSize = 32;
constexpr std::size_t kAlignment = 16;
constexpr std::int64_t kMostNumbers = 1 << 22;  // the most numbers of a model's input here

void require(bool holds) {
  if (!holds) std::abort();
}

// A refusal must have a reason other than "please report this".
bool accepted(const Status& status) {
  if (status.ok()) return true;
  require(status.code() != StatusCode::internal);
  require(!status.message().empty() && status.message()[0] == '[');
  return false;
}

template <typename Integer>
void put(std::uint8_t* bytes, Integer value) {
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

// Seals a file as docs/artifact.md says.
void seal(std::uint8_t* file, std::size_t program) {
  std::uint8_t* bytes = file + program;
  std::memset(bytes, 0, kSealSize);
  std::memcpy(bytes, "HVITEDGE", 8);
  put<std::uint32_t>(bytes + 8, 1);
  put<std::uint32_t>(bytes + 12, hvit_edge::crc32(file, program));
  put<std::uint64_t>(bytes + 16, program);
}

// Memory of exactly the file's size, aligned, so that a sanitizer sees reads beyond it.
struct FreeMemory {
  void operator()(std::uint8_t* memory) const { std::free(memory); }
};
std::unique_ptr<std::uint8_t, FreeMemory> copy(const std::uint8_t* data, std::size_t size) {
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, size) != 0) throw std::bad_alloc();
  std::memcpy(memory, data, size);
  return std::unique_ptr<std::uint8_t, FreeMemory>(static_cast<std::uint8_t*>(memory));
}

// Returns the number of classes that have labels.
std::int64_t classes_of(const Session& session) {
  const std::vector<std::int64_t>& shape = session.outputs()[0].shape;
  const std::string& task = session.metadata().task;
  if (task == hvit_edge::kEmbedTask) return 0;
  if (task == hvit_edge::kSegmentTask) return shape[1];
  return task == hvit_edge::kDetectTask ? shape.back() - 1 : shape.back();
}

void check_metadata(const Session& session) {
  const hvit_edge::Metadata& metadata = session.metadata();
  if (metadata.task == hvit_edge::kTensorTask) {
    for (const auto* specs : {&session.inputs(), &session.outputs()}) {
      for (const hvit_edge::TensorSpec& spec : *specs) require(!spec.name.empty());
    }
    return;
  }
  require(validate(metadata.preprocess).ok());
  require(session.inputs().size() == 1);
  require(metadata.labels.empty() || session.outputs().empty() ||
          classes_of(session) == static_cast<std::int64_t>(metadata.labels.size()));
  if (metadata.task == hvit_edge::kDetectTask) {
    const std::int64_t anchors = session.outputs()[0].shape[1];
    require(static_cast<std::int64_t>(metadata.detect.anchors.size()) == anchors);
  }
}

void run(Session& session) {
  std::vector<std::vector<float>> arrays;
  std::vector<TensorView> inputs;
  for (const hvit_edge::TensorSpec& wanted : session.inputs()) {
    if (wanted.numel() > kMostNumbers) return;
    const bool is_float = wanted.dtype == hvit_edge::DType::float32;
    // Twice as many floats have room for int64.
    arrays.emplace_back(2 * static_cast<std::size_t>(wanted.numel()) + 1, is_float ? 0.5F : 0.0F);
    inputs.push_back({arrays.back().data(), wanted.shape, wanted.dtype});
  }
  const Result<std::vector<TensorView>> outputs = session.run(inputs);
  if (!accepted(outputs.status())) return;
  for (const TensorView& view : *outputs) {
    const std::size_t bytes = static_cast<std::size_t>(view.numel()) * element_size(view.dtype);
    if (bytes == 0) continue;
    const std::vector<std::uint8_t> all(static_cast<const std::uint8_t*>(view.data),
                                        static_cast<const std::uint8_t*>(view.data) + bytes);
    require(all.size() == bytes);
  }
  accepted(session.self_test().status());
}

hvit_edge::ImageView small_photo() {
  static const std::uint8_t pixels[2 * 2 * 3] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110};
  hvit_edge::ImageView image;
  image.data = pixels;
  image.width = image.height = 2;
  return image;
}

void classify(Session session, bool runs) {
  Result<Classifier> classifier = Classifier::create(std::move(session));
  if (!accepted(classifier.status())) return;
  require(classifier->num_classes() > 0);
  if (!runs) return;
  const auto predictions = classifier->classify(small_photo(), 3);
  if (!accepted(predictions.status())) return;
  for (const hvit_edge::Prediction& prediction : *predictions) {
    require(prediction.score >= 0 && prediction.score <= 1);
  }
}

void embed(Session session, bool runs) {
  Result<Embedder> embedder = Embedder::create(std::move(session));
  if (!accepted(embedder.status())) return;
  require(embedder->size() > 0);
  if (runs) accepted(embedder->embed(small_photo()).status());
}

void segment(Session session, bool runs) {
  Result<Segmenter> segmenter = Segmenter::create(std::move(session));
  if (!accepted(segmenter.status())) return;
  require(segmenter->num_classes() > 1);
  hvit_edge::Mask mask;
  if (!runs || !accepted(segmenter->segment(small_photo(), mask))) return;
  require(mask.classes.size() == 4);
  for (const std::uint8_t one : mask.classes) require(one < segmenter->num_classes());
}

void detect(Session session, bool runs) {
  Result<Detector> detector = Detector::create(std::move(session));
  if (!accepted(detector.status())) return;
  require(detector->num_classes() > 0);
  std::vector<hvit_edge::Detection> found;
  if (!runs || !accepted(detector->detect(small_photo(), found))) return;
  for (const hvit_edge::Detection& one : found) {
    require(one.x >= 0 && one.y >= 0 && one.x + one.width < 2.001F && one.y + one.height < 2.001F);
  }
}

void answer(Session session, bool runs) {
  const std::string task = session.metadata().task;
  if (task == hvit_edge::kEmbedTask) return embed(std::move(session), runs);
  if (task == hvit_edge::kSegmentTask) return segment(std::move(session), runs);
  if (task == hvit_edge::kDetectTask) return detect(std::move(session), runs);
  classify(std::move(session), runs);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed) {
  if (most <= 2 * kSealSize) return LLVMFuzzerMutate(data, size, most);
  constexpr unsigned int kLeftOpen = 32;  // one in so many is left as mutated
  if (seed % kLeftOpen == 0) return LLVMFuzzerMutate(data, size, most);
  const std::size_t body = size > kSealSize ? size - kSealSize : size;
  const std::size_t mutated = LLVMFuzzerMutate(data, body, most - kSealSize);
  seal(data, mutated);
  return mutated + kSealSize;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = copy(data, size);
  SessionOptions options;
  options.threads = 1;
  options.prepare = false;
  Result<Session> session = Session::load(file.get(), size, options);
  if (!accepted(session.status())) return 0;
  check_metadata(*session);
  static const bool runs = std::getenv("HVIT_EDGE_FUZZ_RUN") != nullptr;
  if (runs) run(*session);
  answer(std::move(session).value(), runs);
  return 0;
}
